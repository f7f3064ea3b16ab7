"""Tests of training.train_gbm: it learns hand-made tumours on ball-shaped brains, and tables a labelled case."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from training import train_gbm
from training.data.fakes import BALL_SHAPE, BallVolume, simulate_ball
from training.networks.unet2d import UNet2dSpec
from training.segmentation import presets
from training.train_gbm import Row, main, table

PLAIN = presets.Variation(0, 0, 0, 0, 0, 0, intensity=False, pose=False)


def simulate_host(rng: np.random.Generator) -> BallVolume:
    """Returns a ball of brain without tumour."""
    ball = simulate_ball(rng)
    noise = (rng.normal(0, 0.3, (4, *BALL_SHAPE)) * ball.brain).astype(np.float32)
    return BallVolume(noise, np.zeros_like(ball.labels), ball.brain)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A folder with one labelled ball in BraTS manner."""
    ball = simulate_ball(np.random.default_rng(3))
    folder = tmp_path / "data" / "ball"
    folder.mkdir(parents=True)
    images = np.where(ball.brain, 10 + ball.contrasts, 0).astype(np.float32)
    for image, ending in zip((*images, ball.labels), ("t1", "t1ce", "t2", "flair", "seg"), strict=True):
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), folder / f"ball_{ending}.nii.gz")
    return tmp_path / "data"


def test_the_command_learns_from_hand_made_tumours_and_tables_real_ones(
    case: Path, validation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The loss falls; the table has the case, its baseline and the mean."""
    monkeypatch.setattr("training.preparation.ring.simulator_of", lambda _settings, *, held_out: simulate_host)
    monkeypatch.setattr(train_gbm, "fill_validation", lambda _folder, *, volumes: None)
    tiny = replace(presets.segmenter("gbm"), spec=UNet2dSpec(4, (4, 6, 8, 10)), crop=(48, 64), variation=PLAIN)
    monkeypatch.setitem(presets.SEGMENTERS, "gbm", tiny)
    folders = ["--hosts", str(tmp_path / "hosts"), "--validation", str(validation), "--data", str(case)]
    course = ["--steps", "90", "--batch", "6", "--learning-rate", "0.02", "--ema", "0.9", "--report-every", "10"]
    main(["--run", str(tmp_path / "run"), "--host-volumes", "2", *folders, *course])
    rows = [json.loads(line) for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    losses = [row["losses"]["loss"] for row in rows if "losses" in row]
    assert np.mean(losses[-2:]) < losses[0] - 0.2
    written = (tmp_path / "run" / "table.md").read_text()
    assert "| ball |" in written
    assert written in capsys.readouterr().out


def test_the_table_has_means_of_both() -> None:
    """.8 and .6 beside a baseline of .5 and .7."""
    text = table([Row("a", 0.8, 0.5, 1.0, 2.0), Row("b", 0.6, 0.7, 1.0, 2.0)], region="WT")
    assert "| a | 0.800 | 0.500 | 1.0 | 2.0 |" in text
    assert "| **mean** | **0.700** | **0.600** | | |" in text


def test_dry_run_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan names preset and hosts."""
    main(["--run", str(tmp_path / "run"), "--hosts", str(tmp_path / "hosts"), "--dry-run"])
    printed = capsys.readouterr().out
    assert '"preset": "gbm"' in printed
    assert "24 simulated tumour-free volumes" in printed
    assert not any(tmp_path.iterdir())
