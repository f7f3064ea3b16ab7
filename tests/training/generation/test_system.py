"""Tests of training.generation.system: it learns, resumes, and holds the discriminator apart."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from gliosynth.errors import InvalidInputError, InvalidParameterError
from training.data.pairs import UnitScales, draw_pairs
from training.data.ring import Ring
from training.generation.options import GenerationOptions, defaults_of
from training.generation.presets import GENERATORS
from training.generation.scoring import evaluation_of, score_slices
from training.generation.system import GeneratorSystem, crop_window, frozen, held_out_pairs, term_shares
from training.loop.options import LoopOptions
from training.loop.train import train


class Edges:
    """Features that are the images' differences along each axis."""

    names = ("perceptual_1", "perceptual_2")

    def terms(self, synthetic: Tensor, real: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Returns how far both differ."""
        return tuple((synthetic.diff(dim=axis) - real.diff(dim=axis)).abs().mean() for axis in (2, 3))

    def facts(self) -> Mapping[str, object]:
        """Returns their name."""
        return {"network": "edges"}


def fabric() -> Fabric:
    """Returns a CPU fabric in full precision, so that equal means equal."""
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def system_of(name: str, ring: Ring, validation: Path, **loop: float) -> tuple[GeneratorSystem, LoopOptions]:
    """Returns a preset's system and the loop's options, changed as told."""
    preset, options = GENERATORS[name], GenerationOptions(name, validation, validation_slices=6)
    recipe = replace(defaults_of(preset), warm_up=5, ema=0.8, picture_every=0, **loop)  # type: ignore[arg-type]
    return GeneratorSystem(preset, options, recipe, rings=ring, fabric=fabric(), perceptual=Edges()), recipe


def losses(folder: Path) -> list[dict[str, float]]:
    """Returns the losses that stats.jsonl holds."""
    rows = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    return [row["losses"] for row in rows if "losses" in row]


def mean_image_score(ring: Ring, system: GeneratorSystem) -> float:
    """Returns the score of showing the mean of training images, whatever the map."""
    rng = np.random.default_rng(0)
    size = system.preset.size
    drawn = draw_pairs(ring, UnitScales(), size=size, channels=(0, 1, 2, 3), count=32, rng=rng)
    mean = drawn.contrasts.mean(axis=0)
    shown = {name: (pairs, (mean * pairs.brain).astype(np.float32)) for name, pairs in system.held_out.items()}
    return evaluation_of(score_slices(shown, ("t1n", "t1c", "t2w", "t2f"))).score


@pytest.mark.parametrize(("name", "steps"), [("tiny", 40), ("spade_tiny", 60)])
def test_training_beats_the_mean_image(name: str, steps: int, ring: Ring, validation: Path, tmp_path: Path) -> None:
    """In seconds the image error falls by a third, and SSIM on a held-out volume passes that of the mean image."""
    system, recipe = system_of(name, ring, validation, steps=steps, report_every=10, evaluate_every=steps)
    at = train(system, recipe, folder=tmp_path, fabric=fabric())
    rows = losses(tmp_path)
    assert rows[-1]["image"] < 0.66 * rows[0]["image"]
    assert at.best_score > mean_image_score(ring, system) + 0.05
    facts = json.loads((tmp_path / "best.json").read_text())
    assert facts["kind"] == GENERATORS[name].kind
    assert facts["perceptual"] == {"network": "edges"}


def test_resumed_run_is_the_straight_run(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """Two networks, two optimisers and the balance: stopped after 3 of 6 steps and started again, all are the same."""
    ends = {}
    for name, stops in (("whole", (6,)), ("parts", (3, 6))):
        (tmp_path / name).mkdir()
        for steps in stops:
            system, recipe = system_of(
                "tiny", ring, validation, steps=steps, annealed=0.0, report_every=3, evaluate_every=3
            )
            system.balance.every = 2
            train(system, recipe, folder=tmp_path / name, fabric=fabric())
        ends[name] = system
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    assert ends["whole"].balance.weights == ends["parts"].balance.weights
    for network in ("generator", "discriminator"):
        whole, parts = (ends[name].trained[network].state_dict() for name in ("whole", "parts"))
        assert all(torch.equal(value, parts[key]) for key, value in whole.items())


def test_two_devices_lose_what_one_loses(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """Data-parallel in two processes: every term of every step, and the weights of the balance, as in one."""
    assert (ring.folder, validation) == (tmp_path / "ring", tmp_path / "validation")
    for devices in (1, 2):
        command = [sys.executable, str(Path(__file__).parent / "driver.py"), str(tmp_path), str(devices)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=500)
    one, two = (losses(tmp_path / f"run{devices}") for devices in (1, 2))
    assert len(one) == 4
    for alone, shared in zip(one, two, strict=True):
        assert shared == pytest.approx(alone, rel=1e-4)


def test_picture_shows_two_slices_of_every_contrast(ring: Ring, validation: Path) -> None:
    """Four rows, two times four columns, and something on it."""
    system, _ = system_of("tiny", ring, validation)
    picture = system.picture({"generator": system.trained["generator"]})
    assert picture is not None
    assert picture.shape[0] // 4 > 80
    assert picture.shape[1] // 8 > 64
    assert picture.std() > 10


def test_generators_step_leaves_the_discriminator_alone() -> None:
    """Frozen weights collect no gradient, but what runs through them does; afterwards they learn again."""
    network, x = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    with frozen(network) as still:
        still(x).sum().backward()
    assert network.weight.grad is None
    assert x.grad is not None
    assert network.weight.requires_grad


def test_crops_lie_in_the_slice_everywhere_alike() -> None:
    """All places of a 2-pixel window in 4 pixels are drawn, and no others."""
    rng = np.random.default_rng(0)
    starts = {crop_window((4, 2), (2, 2), rng)[0].start for _ in range(50)}
    assert starts == {0, 1, 2}


def test_perceptual_share_is_split_over_layers() -> None:
    """Evenly, or as the preset says for its layers; nothing without features."""
    preset = GENERATORS["tiny"]
    assert term_shares(preset, Edges())["perceptual_2"] == pytest.approx(preset.shares.perceptual / 2)
    assert "perceptual_1" not in term_shares(preset, None)
    weighed = replace(preset, shares=replace(preset.shares, perceptual=10.0, layers=(0.25, 1.0)))
    assert term_shares(weighed, Edges())["perceptual_1"] == pytest.approx(2.5)
    with pytest.raises(InvalidParameterError, match="layers"):
        term_shares(GENERATORS["spade_paper"], Edges())


def test_validation_without_a_tumour_is_refused(tmp_path: Path) -> None:
    """An empty folder cannot choose weights."""
    with pytest.raises(InvalidInputError, match="no ring"):
        held_out_pairs(GenerationOptions("tiny", tmp_path), GENERATORS["tiny"], (0, 1, 2, 3))
