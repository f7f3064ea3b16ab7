"""Tests of training.train_encoder: it learns, resumes, and its file is what perceptual losses open."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from training.data.ring import Ring
from training.encoding.system import EncoderSystem
from training.loop.system import Step
from training.losses.perceptual import perceptual_of
from training.train_encoder import main

OPTIONS = ["--preset", "tiny", "--workers", "0", "--batch", "4", "--warm-up", "3", "--ema", "0.8", "--stride", "4",
           "--report-every", "10", "--learning-rate", "1e-2"]  # fmt: skip


def run(folder: Path, ring: Ring, validation: Path, *options: str) -> None:
    """Trains the tiny encoder."""
    main(["--run", str(folder), "--ring", str(ring.folder), "--validation", str(validation), *OPTIONS, *options])


def test_it_learns_to_see_the_tumour_in_one_contrast(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """Sixty steps on balls: every loss falls, WT on a held-out volume is above chance, and the file has features."""
    folder = tmp_path / "run"
    run(folder, ring, validation, "--steps", "60", "--evaluate-every", "60", "--picture-every", "60")
    rows = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    losses = [row["losses"] for row in rows if "losses" in row]
    assert all(losses[-1][name] < losses[0][name] for name in ("tumour", "dice", "bands"))
    facts = json.loads((folder / "best.json").read_text())
    held_out = Ring(validation / "shifted")
    brain, tumour = int(held_out.areas[0, :, 0].sum()), int(held_out.areas[0, :, 1:].sum())
    chance = 2 * tumour / (tumour + brain)  # What calling all of the brain tumour reaches.
    assert facts["validation"]["whole"] > chance + 0.2
    loss = perceptual_of(folder / "best.safetensors")
    image = torch.rand(1, 1, 64, 80)
    assert len(loss.terms(image, torch.rand(1, 1, 64, 80), torch.ones(1, 1, 64, 80))) == 3
    assert "tumour parts" in str(loss.facts()["targets"])
    sheet = np.asarray(Image.open(folder / "pictures" / "step-000060.png"))
    assert sheet.shape[1] == 80 * 11
    assert sheet.max() > 200


def test_a_run_in_two_parts_is_the_run_in_one(
    ring: Ring, validation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to stop within its third step, and started again by the same command: the same tensors at the end."""
    options = ("--steps", "6", "--evaluate-every", "6")
    run(tmp_path / "one", ring, validation, *options)
    plain = EncoderSystem.step

    def interrupted(system: EncoderSystem, at: Step) -> Mapping[str, float]:
        if at.number == 2:
            signal.raise_signal(signal.SIGTERM)
        return plain(system, at)

    monkeypatch.setattr(EncoderSystem, "step", interrupted)
    run(tmp_path / "two", ring, validation, *options)
    assert not (tmp_path / "two" / "last.safetensors").exists()
    monkeypatch.setattr(EncoderSystem, "step", plain)
    run(tmp_path / "two", ring, validation, *options)
    straight, parted = (load_file(tmp_path / name / "state.safetensors") for name in ("one", "two"))
    assert straight.keys() == parted.keys()
    assert all(torch.equal(straight[name], parted[name]) for name in straight)


def test_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan names network, targets and data; no folder appears."""
    main(["--run", str(tmp_path / "run"), "--dry-run"])
    printed = capsys.readouterr().out
    assert "1.02 M parameters" in printed
    assert "intensity bands of all four contrasts" in printed
    assert list(tmp_path.iterdir()) == []
