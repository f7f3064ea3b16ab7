"""Tests of training.ablations: arms are trained and scored, what is done is skipped, and the table says so."""

from pathlib import Path

import pytest

from gliosynth.errors import InvalidParameterError
from training import ablations
from training.ablations import Arm, arm_of, main, parse, plan_of, ring_of
from training.data.fakes import simulate_ball
from training.data.ring import Ring
from training.segmentation.presets import segmenter

COMMON = ["--seeds", "1", "--steps", "3", "--data", "no-such-folder"]


def arguments(tmp_path: Path, validation: Path, *more: str) -> list[str]:
    """Returns a command line of two tiny arms."""
    folders = ["--ring", str(tmp_path / "ring"), "--validation", str(validation), "--out", str(tmp_path / "out")]
    return ["--arms", "joint-tiny,tiny", *COMMON, *folders, *more]


@pytest.mark.usefixtures("ring")
def test_every_arm_is_trained_scored_and_skipped_when_done(
    validation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row an arm; the second call trains nothing and prints the same table."""
    main(arguments(tmp_path, validation))
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| joint-tiny | 1 |" in table
    assert "| tiny | 1 |" in table
    assert len((tmp_path / "out" / "table.csv").read_text().splitlines()) == 3
    monkeypatch.delattr(ablations, "train")
    main(arguments(tmp_path, validation))
    assert (tmp_path / "out" / "table.md").read_text() == table
    assert capsys.readouterr().out.count(table) == 2


def test_the_plan_lists_seeds_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All arms of one seed come before the next seed, so that an early table compares all of them."""
    main(arguments(tmp_path, tmp_path, "--seeds", "3,4", "--dry-run"))
    assert [line.split(",")[0:2] for line in capsys.readouterr().out.splitlines()[:3]] == [
        ["joint-tiny", " seed 3"],
        ["tiny", " seed 3"],
        ["joint-tiny", " seed 4"],
    ]
    assert not (tmp_path / "out").exists()


def test_an_arm_names_a_preset_and_a_variant() -> None:
    """Either alone unknown is refused before anything is trained."""
    assert arm_of("joint@no-texture") == Arm("joint@no-texture", segmenter("joint"), "no-texture")
    for name in ("joint@no-such", "no-such@training"):
        with pytest.raises(InvalidParameterError, match="choose one of"):
            arm_of(name)
    with pytest.raises(InvalidParameterError, match="no-such-rules"):
        plan_of(parse(["--arms", "joint", "--rules", "no-such-rules", "--validation", "v", "--out", "o"]))


def test_a_variant_s_ring_is_simulated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies below the tables' folder, full; volumes that are there are kept. An arm without a ring is refused."""
    monkeypatch.setattr("training.preparation.ring.simulator_of", lambda _settings, *, held_out: simulate_ball)
    line = ["--arms", "tiny@no-texture,tiny", "--validation", "v", "--out", str(tmp_path), "--variant-volumes", "2"]
    plan = plan_of(parse(line))
    made = ring_of(plan, plan.arms[0])
    assert made.filled == 2
    assert made.folder == tmp_path / "rings" / "no-texture"
    monkeypatch.setattr("training.preparation.ring.feed", None)
    assert isinstance(ring_of(plan, plan.arms[0]), Ring)
    with pytest.raises(InvalidParameterError, match="--ring"):
        ring_of(plan, plan.arms[1])
