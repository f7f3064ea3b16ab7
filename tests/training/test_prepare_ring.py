"""Tests of training.prepare_ring, the command."""

from pathlib import Path

import pytest

from training.data.sources.fakes import fake_case, write_brats
from training.prepare_ring import main


def test_a_folder_is_listed_without_opening_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, patients, contrasts and labels, from empty files."""
    for ending in ("t1", "flair", "seg"):
        (tmp_path / f"Brats18_A_1_2_{ending}.nii.gz").touch()
    main(["--source", str(tmp_path), "--list"])
    said = capsys.readouterr().out
    assert "brats, 1 cases of 1 patients" in said
    assert "Brats18_A_1_2" in said
    assert "patient Brats18_A_1 " in said
    assert "t1n t2f" in said


def test_a_folder_is_filled_and_bad_cases_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what each case holds, whose is held out, what was left out and where the ring is."""
    for number in range(2):
        write_brats(tmp_path / "cases" / f"good{number}", f"good{number}", fake_case(number))
    (tmp_path / "cases" / "bad").mkdir()
    (tmp_path / "cases" / "bad" / "bad_seg.nii.gz").touch()
    words = ["--source", str(tmp_path / "cases"), "--source-cache", str(tmp_path / "cache")]
    main([*words, "--bad-cases", "skip"])
    said = capsys.readouterr().out
    assert "left out: bad: there is no image beside the label map" in said
    assert [line.startswith("good") for line in said.splitlines() if line.endswith("held out")] == [True]
    assert "2 cases, 1 left out: " + str(tmp_path / "cache" / "brats-") in said
    with pytest.raises(SystemExit):
        main(words)
    assert "--bad-cases skip" in capsys.readouterr().err


def test_a_folder_without_cases_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, but what was looked for."""
    with pytest.raises(SystemExit):
        main(["--source", str(tmp_path)])
    assert "no known layout" in capsys.readouterr().err
