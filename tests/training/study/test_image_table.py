"""Tests of training.study.image_table: scores by hand, and a table that checks itself."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.errors import InvalidInputError
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.metrics import ImageScores, SsimWindow
from training.data.sources.fakes import fake_case, write_brats
from training.study.image_table import PairScores, main, score_pair, table_markdown, table_of


def scores(mse: float, mae: float) -> ImageScores:
    """Returns scores of one pair with the PSNR that belongs to them."""
    return ImageScores(mse, mae, 10 * math.log10(1 / mse), 0.9, 1.0, SsimWindow.GAUSSIAN_11)


def images(seed: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Returns four random images and a brain."""
    rng = np.random.default_rng(seed)
    brain = np.zeros((24, 24, 4), dtype=np.bool_)
    brain[2:-2, 2:-2] = True
    return rng.random((4, 24, 24, 4), dtype=np.float32) * brain, brain


def test_means_and_spreads_are_those_of_the_pairs() -> None:
    """MSE .01 and .04: mean .025, sd .015; PSNR 20 and 13.98: mean 16.99, sd 3.01."""
    pairs = [PairScores(case, Contrast.T1C, scores(*two)) for case, two in (("a", (0.01, 0.08)), ("b", (0.04, 0.1)))]
    (row,) = table_of(pairs)
    assert row.mean.mse == pytest.approx(0.025)
    assert row.mse_sd == pytest.approx(0.015)
    assert row.mean.psnr_db == pytest.approx(16.9897, abs=1e-4)
    assert row.mean.psnr_sd_db == pytest.approx(3.0103, abs=1e-4)
    assert "| T1 + contrast agent | 2 | 0.02500 ± 0.01500 | 0.0900 ± 0.0100 | 16.99 ± 3.01 |" in table_markdown(
        (row,), real="x"
    )


def test_a_table_with_an_impossible_row_is_not_printed() -> None:
    """MAE above RMSE."""
    with pytest.raises(InvalidInputError, match="no images allow"):
        table_of([PairScores("a", Contrast.T1N, scores(0.01, 0.2))])


def test_a_linear_change_of_scale_is_no_error() -> None:
    """Twice as bright and shifted: both become the same unit intensities."""
    truth, brain = images(1)
    made = np.where(brain, 2 * truth + 3, 0).astype(np.float32)
    for one in score_pair("a", truth, made, brain):
        assert one.scores.mse < 1e-12
        assert one.scores.ssim == pytest.approx(1.0, abs=1e-5)


def test_only_the_brain_counts() -> None:
    """What lies outside is 0 in both."""
    truth, brain = images(2)
    other = images(3)[0]
    loud = np.where(brain, other, np.float32(9.0))
    quiet = score_pair("a", truth, other, brain)
    assert score_pair("a", truth, loud, brain) == quiet
    assert [one.contrast for one in quiet] == list(CONTRASTS)


def test_folders_of_the_same_cases_give_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case against itself is perfect in MSE and infinite in PSNR, and a foreign case is named."""
    for folder in ("truth", "made"):
        write_brats(tmp_path / folder, "case-1", fake_case(1))
    command = ["--reference", str(tmp_path / "truth"), "--generated", str(tmp_path / "made")]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "| T2-FLAIR | 1 | 0.00000 ± 0.00000 |" in (tmp_path / "out" / "image_table.md").read_text()
    write_brats(tmp_path / "made", "case-2", fake_case(2))
    assert main(command) == 2
    assert "case-2" in capsys.readouterr().err
