"""Tests of training.train_segmenter: a resumed run is the uninterrupted one."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Region
from training import train_segmenter
from training.data.ring import Ring
from training.loop.run_folder import Progress, record_options
from training.networks.unet2d import UNet2dSpec
from training.segmentation.options import Options, as_json
from training.segmentation.presets import PRESETS
from training.train_segmenter import Learner, Run, average_into, learning_rate_share, main, train

OPTIONS = Options(region=Region.WT, steps=4, batch=4, evaluate_every=2, validation_stride=1)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the WT preset's network by one that trains in milliseconds."""
    tiny = replace(PRESETS[Region.WT], spec=UNet2dSpec(4, (4, 6, 8, 10)), crop=(48, 64))
    monkeypatch.setitem(train_segmenter.PRESETS, Region.WT, tiny)


def losses(folder: Path) -> list[float]:
    """Returns the losses that stats.jsonl holds."""
    rows = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def fabric() -> Fabric:
    """Returns a CPU fabric in full precision, so that equal means equal."""
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def test_resumed_run_repeats_the_uninterrupted_one(
    ring: Ring, validation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after step 2 and started again, steps 3 and 4 lose exactly what they lost without the stop."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    train(Run(OPTIONS, tmp_path / "whole", ring, validation, fabric()))
    step = train_segmenter.train_step

    def killed_at_2(run: Run, learner: Learner, *, at: Progress) -> float:
        if at.step == 2:
            raise KeyboardInterrupt
        return step(run, learner, at=at)

    monkeypatch.setattr(train_segmenter, "train_step", killed_at_2)
    with pytest.raises(KeyboardInterrupt):
        train(Run(OPTIONS, tmp_path / "parts", ring, validation, fabric()))
    monkeypatch.setattr(train_segmenter, "train_step", step)
    at = train(Run(OPTIONS, tmp_path / "parts", ring, validation, fabric()))
    assert at.step == 4
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_training_lowers_the_loss(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """Forty steps on balls of tumour are enough to see it learn."""
    options = replace(OPTIONS, steps=40, evaluate_every=10, learning_rate=2e-2)
    train(Run(options, tmp_path, ring, validation, fabric()))
    first, *_, last = losses(tmp_path)
    assert last < first - 0.2


def test_a_run_leaves_weights_with_their_facts(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """Best and last carry region, spec, step and every preset's score as JSON beside them."""
    train(Run(OPTIONS, tmp_path, ring, validation, fabric()))
    facts = json.loads((tmp_path / "last.json").read_text())
    assert facts["step"] == 4
    assert facts["region"] == "WT"
    assert list(facts["validation"]) == ["shifted"]
    assert (tmp_path / "best.safetensors").exists()


def test_other_options_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    """A run folder holds one run."""
    record_options(tmp_path, as_json(OPTIONS))
    record_options(tmp_path, as_json(OPTIONS))
    with pytest.raises(InvalidParameterError, match="seed"):
        record_options(tmp_path, as_json(replace(OPTIONS, seed=7)))


def test_learning_rate_is_flat_then_falls_to_zero() -> None:
    """Full until 70 %, half at 85 %, nothing at the end."""
    assert learning_rate_share(0.0) == learning_rate_share(0.7) == 1.0
    assert learning_rate_share(0.85) == pytest.approx(0.5)
    assert learning_rate_share(1.0) == pytest.approx(0.0, abs=1e-12)


def test_average_moves_by_the_decay() -> None:
    """.9 of the old plus .1 of the new; counters are copied."""
    old, new = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    new.weight.data.fill_(2.0)
    new.num_batches_tracked.fill_(3)
    average_into(old, new, decay=0.9)
    assert float(old.weight.detach()) == pytest.approx(1.1)
    assert int(old.num_batches_tracked) == 3


def test_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan names options, network, samples and validation; no folder appears."""
    main(
        [
            "--region",
            "ET",
            "--run",
            str(tmp_path / "run"),
            "--ring",
            str(tmp_path / "ring"),
            "--steps",
            "10",
            "--dry-run",
        ]
    )
    printed = capsys.readouterr().out
    assert "t1c-t1n" in printed
    assert "160 slices of 128x128" in printed
    assert "the worst of" in printed
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "ring").exists()
    assert math.isinf(Options(region=Region.ET).minutes)
