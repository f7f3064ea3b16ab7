"""Tests of training.loop.options and training.loop.command: presets' defaults, the command line, the plan."""

import argparse
import math

import torch
from torch import nn

from training.loop.command import plan
from training.loop.options import LoopOptions, add_loop_arguments, as_json, loop_options_of


def options(*words: str, defaults: LoopOptions) -> LoopOptions:
    """Returns the loop options of some words."""
    parser = argparse.ArgumentParser()
    add_loop_arguments(parser)
    return loop_options_of(parser.parse_args(["--run", "r", *words]), defaults)


def test_what_is_not_said_is_as_the_preset_has_it() -> None:
    """Only the named options differ, and a 0 is a value like any other."""
    preset = LoopOptions(steps=7, ema=0.9, seed=5, picture_every=3)
    found = options("--batch", "3", "--picture-every", "0", "--seed", "0", defaults=preset)
    assert found == LoopOptions(steps=7, ema=0.9, seed=0, picture_every=0, batch=3)


def test_an_unlimited_budget_is_null_in_json() -> None:
    """JSON has no infinity."""
    assert as_json(LoopOptions())["minutes"] is None
    assert as_json(LoopOptions(minutes=2.0))["minutes"] == 2.0
    assert math.isinf(options(defaults=LoopOptions()).minutes)


def test_the_plan_counts_parameters_and_samples() -> None:
    """2 x 500,000 weights are a million; 10 steps of 4 are 40 samples."""
    with torch.device("meta"):
        network = nn.Linear(500_000, 2, bias=False)
    printed = plan(as_json(LoopOptions(steps=10, batch=4)), {"wide": network}, ["a note"])
    assert "wide: 1.00 M parameters" in printed
    assert "samples: 40 at most" in printed
    assert printed.endswith("a note")
