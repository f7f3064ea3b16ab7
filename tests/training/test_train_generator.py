"""Tests of training.train_generator: the command line is the run."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.data.ring import Ring
from training.train_generator import main


@pytest.fixture(autouse=True)
def closed_logs() -> Iterator[None]:
    """Closes what the command logs to."""
    log = logging.getLogger("training")
    before = list(log.handlers)
    yield
    for handler in [one for one in log.handlers if one not in before]:
        log.removeHandler(handler)
        handler.close()


def test_dry_run_prints_the_plan_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes, losses and data of the paper's model of one contrast, without a weight in memory."""
    run = tmp_path / "run"
    main(["--preset", "augmentation_network_paper", "--contrast", "t2f", "--run", str(run), "--dry-run"])
    said = capsys.readouterr().out
    assert "generator: 142.49 M parameters" in said
    assert '"contrast": "t2f"' in said
    assert "perceptual: none" in said
    assert not run.exists()


def test_command_trains_and_the_same_command_ends_at_once(ring: Ring, validation: Path, tmp_path: Path) -> None:
    """One step of a model of one contrast: facts, weights and a picture; started again there is nothing left to do."""
    run = tmp_path / "run"
    words = ["--preset", "tiny", "--contrast", "t2f", "--run", str(run), "--ring", str(ring.folder), "--workers", "0"]
    words += ["--validation", str(validation), "--validation-slices", "2", "--steps", "1"]
    main(words)
    facts = json.loads((run / "best.json").read_text())
    assert (facts["step"], facts["contrasts"], facts["kind"]) == (1, ["t2f"], "augmentation_network")
    assert facts["spec"]["contrasts"] == 1
    assert facts["perceptual"] is None
    assert (run / "pictures" / "step-000001.png").exists()
    weights = (run / "best.safetensors").read_bytes()
    main(words)
    assert (run / "best.safetensors").read_bytes() == weights
