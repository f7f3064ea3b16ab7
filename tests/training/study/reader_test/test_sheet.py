"""Tests of the reader test's sheet: balanced, shuffled, and nothing in it tells what is real."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gliosynth.errors import InvalidInputError
from gliosynth.labels import CONTRASTS, Contrast
from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, feed
from training.study.reader_test.__main__ import main
from training.study.reader_test.sheet import ReaderCase, choose_items, picture

REAL = tuple(f"real-{number}" for number in range(6))
SYNTHETIC = tuple(f"synthetic-{number}" for number in range(7))


def ball(seed: int) -> ReaderCase:
    """Returns a ball of tumour in a ball of brain."""
    volume = simulate_ball(np.random.default_rng(seed))
    return ReaderCase(f"ball-{seed}", volume.contrasts, volume.brain, volume.labels, (2.0, 2.0, 8.0))


def test_a_contrast_holds_half_of_each_kind_and_no_case_twice() -> None:
    """Of 9 items 4 are real and 5 synthetic in every contrast, numbers run on, and order is mixed."""
    items = choose_items(REAL, SYNTHETIC, count=9, rng=np.random.default_rng(1))
    assert [item.number for item in items] == list(range(1, 37))
    for contrast in CONTRASTS:
        block = [item for item in items if item.contrast is contrast]
        assert Counter(item.synthetic for item in block) == {False: 4, True: 5}
        assert len({item.case for item in block}) == 9
        assert all(item.case.startswith("synthetic" if item.synthetic else "real") for item in block)
    order = [item.synthetic for item in items if item.contrast is Contrast.T1N]
    assert order not in (sorted(order), sorted(order, reverse=True))


def test_items_are_a_function_of_the_seed_alone() -> None:
    """The order in which folders list their cases does not matter, the seed does."""
    first = choose_items(REAL, SYNTHETIC, count=8, rng=np.random.default_rng(1))
    assert first == choose_items(REAL[::-1], SYNTHETIC[::-1], count=8, rng=np.random.default_rng(1))
    assert first != choose_items(REAL, SYNTHETIC, count=8, rng=np.random.default_rng(2))


@pytest.mark.parametrize("count", [1, 14])
def test_too_few_cases_are_refused(count: int) -> None:
    """Fourteen items need seven real cases, one item cannot hold both kinds."""
    with pytest.raises(InvalidInputError, match=f"{count} items a contrast need"):
        choose_items(REAL, SYNTHETIC, count=count, rng=np.random.default_rng(1))


def test_pictures_do_not_tell_the_scale_of_the_intensities() -> None:
    """z-scores and the same image in scanner units give one picture, and all pictures have one size."""
    case = ball(1)
    scanner = ReaderCase("x", case.contrasts * 300 + 900 * case.brain, case.brain, case.labels, case.spacing_mm)
    first = np.asarray(picture(case, Contrast.T1C)).astype(int)
    second = np.asarray(picture(scanner, Contrast.T1C)).astype(int)
    assert np.abs(first - second).max() <= 1
    assert first.max() > 200
    assert np.asarray(picture(ball(2), Contrast.T2W)).shape == first.shape


def test_made_sheet_hides_the_truth_and_scores_perfect_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder for readers names no case and no kind; answers copied from the key are all right."""
    for name, seed in (("real", 1), ("synthetic", 2)):
        ring = Ring.create(tmp_path / name, RingShape(slots=3, slices=12, height=64, width=80, slice_mm=8.0))
        feed(ring, simulate_ball, seed=seed, numbers=range(3))
    command = ["make", "--real", str(tmp_path / "real"), "--synthetic", str(tmp_path / "synthetic")]
    command += ["--count", "4", "--seed", "3", "--out", str(tmp_path / "sheet")]
    assert main(command) == 0
    page = (tmp_path / "sheet" / "index.html").read_text()
    pictures = sorted((tmp_path / "sheet" / "items").iterdir())
    assert "volume-0" not in page
    assert sorted(path.name for path in pictures) == [f"{number:03d}.png" for number in range(1, 17)]
    for path in pictures:
        with Image.open(path) as shown:
            assert not shown.info
    key = json.loads((tmp_path / "sheet-key.json").read_text())
    with (tmp_path / "a.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["test", "reader", "item", "judged", "score", "comment"])
        for item in key["items"]:
            writer.writerow([key["test"], "ab", item["number"], "synthetic" if item["synthetic"] else "real", 3, ""])
    capsys.readouterr()
    score = ["score", "--answers", str(tmp_path / "a.csv"), "--key", str(tmp_path / "sheet-key.json")]
    assert main([*score, "--out", str(tmp_path / "result")]) == 0
    assert "| ab | all | 16 | 100.0 | 0.0 (0.0 to 20.6) | 0.000 | 0 of 8 | 3.00 / 3.00 |" in capsys.readouterr().out
    assert (tmp_path / "result" / "reader_test.csv").exists()


def test_key_may_not_lie_with_the_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key in the readers' folder is refused before anything is written."""
    command = ["make", "--real", str(tmp_path), "--synthetic", str(tmp_path), "--seed", "1"]
    assert main([*command, "--out", str(tmp_path / "sheet"), "--key", str(tmp_path / "sheet" / "key.json")]) == 2
    assert "put the key elsewhere" in capsys.readouterr().err
    assert not (tmp_path / "sheet").exists()
