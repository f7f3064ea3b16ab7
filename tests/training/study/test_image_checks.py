"""Tests of training.study.image_checks: what no table of means can say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError, InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast
from training.study.image_checks import MeanImageScores, check_mean_scores, largest_psnr_excess_db
from training.study.paper import IMAGE_RANGE, IMAGE_TABLE

POSSIBLE = MeanImageScores(
    mse=25.0, mae=3.0, psnr_db=10 * math.log10(255**2 / 25), psnr_sd_db=0.0, ssim=0.8, data_range=255.0, pairs=1
)


def paper_row(contrast: Contrast, *, pairs: int) -> MeanImageScores:
    """Returns a row of the paper's table one."""
    mse, mae, psnr_db, psnr_sd_db, ssim = IMAGE_TABLE[contrast]
    return MeanImageScores(mse, mae, psnr_db, psnr_sd_db, ssim, IMAGE_RANGE, pairs)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_every_row_of_the_paper_is_refused_for_its_mae(contrast: Contrast) -> None:
    """MAE 23.4 beside MSE 19.2: the root is 4.4."""
    with pytest.raises(InvalidInputError, match=r"exceeds 4\.3") as caught:
        check_mean_scores(paper_row(contrast, pairs=13_440))
    assert caught.value.reason == "MAE_EXCEEDS_RMSE"


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_every_row_of_the_paper_is_refused_for_its_psnr_too(contrast: Contrast) -> None:
    """With the MAE mended, 43.1 dB still asks for a range of about 624 on any set of up to 10,000 pairs."""
    with pytest.raises(InvalidInputError, match=r"range of 6[12]\d;") as caught:
        check_mean_scores(replace(paper_row(contrast, pairs=10_000), mae=3.0))
    assert caught.value.reason == "PSNR_CONTRADICTS_MSE"


def test_the_papers_psnr_goes_with_the_range_it_implies() -> None:
    """At a range of 624 the same PSNR and MSE are one pair's."""
    check_mean_scores(replace(paper_row(Contrast.T1N, pairs=1), mae=3.0, data_range=624.4))


def test_mean_of_two_unequal_pairs_is_possible_and_its_bound_is_exact() -> None:
    """MSE 1 and 100 at range 10: PSNR 20 and 0, mean 10, sd 10; the mean MSE of 50.5 alone would give 2.97 dB."""
    two = MeanImageScores(mse=50.5, mae=5.5, psnr_db=10.0, psnr_sd_db=10.0, ssim=0.5, data_range=10.0, pairs=2)
    check_mean_scores(two)
    assert largest_psnr_excess_db(psnr_sd_db=10.0, pairs=2) == pytest.approx(10.0 - 10 * math.log10(100 / 50.5))
    with pytest.raises(InvalidInputError, match="possible"):
        check_mean_scores(replace(two, psnr_sd_db=9.0))


def test_mean_psnr_below_that_of_the_mean_mse_is_refused() -> None:
    """The mean of logarithms is never below the logarithm of the mean, whatever the spread."""
    with pytest.raises(InvalidInputError, match="possible"):
        check_mean_scores(replace(POSSIBLE, psnr_db=POSSIBLE.psnr_db - 0.1, psnr_sd_db=5.0, pairs=9))


def test_real_scores_always_pass() -> None:
    """Means over random pairs of any spread are possible by construction."""
    rng = np.random.default_rng(3)
    for pairs in (1, 2, 7, 300):
        errors = rng.normal(0, rng.uniform(0.001, 0.4, (pairs, 1)), (pairs, 50))
        mse = (errors**2).mean(axis=1)
        psnr_db = 10 * np.log10(1 / mse)
        check_mean_scores(
            MeanImageScores(
                mse=float(mse.mean()),
                mae=float(np.abs(errors).mean()),
                psnr_db=float(psnr_db.mean()),
                psnr_sd_db=float(psnr_db.std()),
                ssim=0.1,
                data_range=1.0,
                pairs=pairs,
            )
        )


@pytest.mark.parametrize(("field", "value"), [("ssim", 1.2), ("mse", -1.0), ("mse", math.nan), ("mae", 300.0)])
def test_scores_out_of_bounds_are_refused_by_name(field: str, value: float) -> None:
    """SSIM above 1, a negative or undefined error, an error above the range."""
    with pytest.raises(InvalidInputError, match=field):
        check_mean_scores(replace(POSSIBLE, **{field: value}))


def test_a_range_must_be_stated() -> None:
    """Zero is no range."""
    with pytest.raises(InvalidParameterError, match="data_range"):
        check_mean_scores(replace(POSSIBLE, data_range=0.0))
