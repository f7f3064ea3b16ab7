"""Impossible image scores are caught."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError, InvalidParameterError
from gliosynth.metrics import ReportedImageScores, check_image_scores, score_image
from gliosynth.metrics.consistency import implied_peak

POSSIBLE = ReportedImageScores(mse=4.0, mae=1.5, psnr_db=42.1102, ssim=0.9, data_range=255.0)
"""RMSE 2; 10 log10(255² / 4) = 42.1102 dB."""


def test_possible_scores_pass() -> None:
    """Figures that agree are left alone."""
    check_image_scores(POSSIBLE)


def test_our_own_scores_pass() -> None:
    """What `score_image` returns is consistent, for different and for equal images."""
    rng = np.random.default_rng(3)
    reference, prediction = rng.random((2, 16, 16), dtype=np.float32)
    for other in (prediction, reference):
        scores = score_image(reference, other, data_range=1.0)
        check_image_scores(ReportedImageScores(scores.mse, scores.mae, scores.psnr_db, scores.ssim, 1.0))


def test_mean_error_above_root_mean_square_is_refused() -> None:
    """The published table: MAE 23.4 beside MSE 19.2, whose root is 4.4."""
    with pytest.raises(InvalidInputError, match=r"MAE 23\.4 exceeds RMSE 4\.38") as caught:
        check_image_scores(replace(POSSIBLE, mse=19.2, mae=23.4))
    assert caught.value.reason == "MAE_EXCEEDS_RMSE"


def test_peak_beyond_the_data_range_is_refused() -> None:
    """The same table: 43.07 dB with MSE 19.2 implies a peak of 624, not 255."""
    assert implied_peak(mse=19.2, psnr_db=43.07) == pytest.approx(624, abs=1)
    with pytest.raises(InvalidInputError, match="implies a peak of 62") as caught:
        check_image_scores(replace(POSSIBLE, mse=19.2, psnr_db=43.07))
    assert caught.value.reason == "PSNR_CONTRADICTS_MSE"


@pytest.mark.parametrize(
    ("field", "value"),
    [("ssim", 1.2), ("ssim", float("nan")), ("mse", -1.0), ("mse", 70000.0), ("mae", 300.0), ("mae", float("nan"))],
)
def test_scores_out_of_bounds_are_refused(field: str, value: float) -> None:
    """The error names the score."""
    with pytest.raises(InvalidInputError) as caught:
        check_image_scores(replace(POSSIBLE, **{field: value}))
    assert (caught.value.field, caught.value.reason) == (field, "SCORE_OUT_OF_BOUNDS")


def test_equal_images_have_infinite_psnr_only() -> None:
    """MSE 0 goes with an infinite ratio, not with 99 dB."""
    equal = ReportedImageScores(mse=0.0, mae=0.0, psnr_db=float("inf"), ssim=1.0, data_range=1.0)
    check_image_scores(equal)
    with pytest.raises(InvalidInputError, match="99 dB"):
        check_image_scores(replace(equal, psnr_db=99.0))


def test_scores_without_a_range_are_refused() -> None:
    """Nothing can be checked without the data range."""
    with pytest.raises(InvalidParameterError, match="data_range"):
        check_image_scores(replace(POSSIBLE, data_range=0.0))
