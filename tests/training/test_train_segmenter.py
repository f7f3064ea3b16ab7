"""Tests of training.train_segmenter: it learns, and its command line is the run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from training.data.ring import Ring
from training.loop.options import LoopOptions
from training.loop.train import train
from training.networks.unet2d import UNet2dSpec
from training.segmentation.options import Options, loop_defaults, options_of, parse
from training.segmentation.presets import segmenter
from training.segmentation.system import SegmenterSystem
from training.train_segmenter import main

TINY = replace(segmenter("wt"), name="wt-tiny", spec=UNet2dSpec(4, (8, 12, 16, 20)), crop=(48, 64))
OPTIONS = Options(
    TINY,
    LoopOptions(steps=60, batch=4, learning_rate=1e-2, warm_up=5, ema=0.8, report_every=10, evaluate_every=60),
    validation_stride=1,
)


def rows(folder: Path) -> list[dict[str, object]]:
    """Returns stats.jsonl without what the clock says."""
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "timing"} for line in lines]


def test_training_lowers_the_loss_and_finds_the_tumour(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """Sixty steps on balls of tumour: the loss falls, and Dice on a held-out volume is above chance."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    train(
        SegmenterSystem(OPTIONS, fabric, rings=ring, validation=validation),
        OPTIONS.loop,
        folder=tmp_path,
        fabric=fabric,
    )
    losses = [row["losses"]["loss"] for row in rows(tmp_path) if "losses" in row]  # type: ignore[index]
    assert losses[-1] < losses[0] - 0.2
    facts = json.loads((tmp_path / "last.json").read_text())
    assert facts["step"] == 60
    assert facts["region"] == "WT"
    assert list(facts["validation"]) == ["shifted"]
    assert facts["score"] > 0.5


def test_a_preset_brings_its_recipe_and_the_command_line_overrules_it() -> None:
    """The paper's U-Net is fitted as the paper does, but for what is said."""
    line = parse(["--preset", "unet64", "--run", "r", "--batch", "3", "--seed", "7"], description=None)
    loop = options_of(line).loop
    assert (loop.learning_rate, loop.ema, loop.warm_up, loop.annealed) == (1e-5, 0.0, 0, 0.0)
    assert (loop.batch, loop.seed) == (3, 7)
    assert loop_defaults(segmenter("unet64")).batch == 10


def test_a_region_is_the_shipped_preset() -> None:
    """``--region ET`` is ``--preset et``."""
    assert options_of(parse(["--region", "ET", "--run", "r"], description=None)).preset.name == "et"


def test_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan names options, network, samples and validation; no folder appears."""
    ring, run = str(tmp_path / "ring"), str(tmp_path / "run")
    main(["--region", "ET", "--run", run, "--ring", ring, "--steps", "10", "--dry-run"])
    printed = capsys.readouterr().out
    assert "t1c-t1n" in printed
    assert "samples: 160" in printed
    assert "128x128" in printed
    assert "the worst of" in printed
    assert list(tmp_path.iterdir()) == []
