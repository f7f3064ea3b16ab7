"""Tests of training.train_skull_strip: its command line."""

from pathlib import Path

import pytest

from training.train_skull_strip import HELD_OUT, main


def test_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan names options, network, stream and validation; no folder is made."""
    main(["--run", str(tmp_path / "run"), "--ring", str(tmp_path / "ring"), "--steps", "100", "--dry-run"])
    printed = capsys.readouterr().out
    assert "samples: 1600" in printed
    assert "0.02 new a step" in printed
    assert f"6 heads of {', '.join(HELD_OUT)}" in printed
    assert list(tmp_path.iterdir()) == []
