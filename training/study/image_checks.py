"""Rejects means of image scores that no set of image pairs can have.

`gliosynth.metrics.check_image_scores` judges one pair; tables print means over many. Paper 002, table one, fails both:
its MAE of 23.4 exceeds the root of its MSE of 19.2, and its PSNR of 43.07 dB asks for a range of 624 instead of 255.
"""

import math
from dataclasses import dataclass

from gliosynth.errors import InvalidInputError
from gliosynth.metrics.consistency import MAE_SLACK, PSNR_SLACK_DB, implied_peak
from gliosynth.metrics.image import check_data_range


@dataclass(frozen=True)
class MeanImageScores:
    """Mean scores of several pairs of images.

    Attributes:
        mse: Mean of the mean squared errors, in squared intensity units.
        mae: Mean of the mean absolute errors, in intensity units.
        psnr_db: Mean of the peak signal-to-noise ratios.
        psnr_sd_db: Their population standard deviation.
        ssim: Mean structural similarity.
        data_range: Largest minus smallest value that the intensities can take.
        pairs: Number of pairs.
    """

    mse: float
    mae: float
    psnr_db: float
    psnr_sd_db: float
    ssim: float
    data_range: float
    pairs: int


def check_mean_scores(scores: MeanImageScores) -> None:
    """Refuses means that contradict each other, whatever the pairs were.

    Args:
        scores: What a table says.

    Raises:
        InvalidInputError: A mean is NaN or out of its bounds (SCORE_OUT_OF_BOUNDS), the MAE exceeds the root of the
            MSE (MAE_EXCEEDS_RMSE), or PSNR and MSE do not fit the range and the number of pairs (PSNR_CONTRADICTS_MSE).
        InvalidParameterError: The data range is not positive and finite.
    """
    check_data_range(scores.data_range)
    _check_bounds(scores)
    _check_mae(scores)
    _check_psnr(scores)


def largest_psnr_excess_db(*, psnr_sd_db: float, pairs: int) -> float:
    """Returns by how many dB a mean PSNR can exceed the PSNR of the mean MSE.

    With PSNR_i = p + d_i the mean MSE is R^2 10^(-p/10) mean(10^(-d_i/10)): the excess is 10 log10 of that last mean.
    Of n numbers with mean 0 and standard deviation s none exceeds s sqrt(n - 1) (Samuelson 1968), and under such a
    bound the mean of an exponential is largest for one value there and all others at -s / sqrt(n - 1) (Bennett 1962).

    Args:
        psnr_sd_db: Population standard deviation of the pairs' PSNR.
        pairs: Number of pairs, n.

    Returns:
        In dB, 0 for a single pair.
    """
    if pairs < 2:
        return 0.0
    rise = math.log(10) / 10 * psnr_sd_db
    far, near = rise * math.sqrt(pairs - 1) - math.log(pairs), math.log1p(-1 / pairs) - rise / math.sqrt(pairs - 1)
    return 10 / math.log(10) * (max(far, near) + math.log1p(math.exp(-abs(far - near))))


def _check_bounds(scores: MeanImageScores) -> None:
    bounds = (
        ("mse", 0.0, scores.data_range**2, scores.mse),
        ("mae", 0.0, scores.data_range, scores.mae),
        ("ssim", -1.0, 1.0, scores.ssim),
        ("psnr_sd_db", 0.0, math.inf, scores.psnr_sd_db),
        ("pairs", 1, math.inf, scores.pairs),
    )
    for name, low, high, value in bounds:
        if not low <= value <= high:
            raise InvalidInputError(
                f"{name} is {value:g}, for a data range of {scores.data_range:g} it lies between {low:g} and {high:g};"
                " check the data range",
                field=name,
                got=f"{value:g}",
                reason="SCORE_OUT_OF_BOUNDS",
            )


def _check_mae(scores: MeanImageScores) -> None:
    """Refuses a > sqrt(m): a pair has MAE <= RMSE, and the mean of roots is at most the root of the mean (Jensen)."""
    rmse = math.sqrt(scores.mse)
    if scores.mae > rmse * (1 + MAE_SLACK):
        raise InvalidInputError(
            f"the mean MAE {scores.mae:g} exceeds {rmse:g}, the root of the mean MSE {scores.mse:g}, which no images"
            " allow; check the units of both",
            field="mae",
            got=f"{scores.mae:g}",
            reason="MAE_EXCEEDS_RMSE",
        )


def _check_psnr(scores: MeanImageScores) -> None:
    """Refuses a mean PSNR below that of the mean MSE (Jensen), or further above it than its spread explains."""
    if not scores.mse:
        expected_db, highest_db = math.inf, math.inf
    else:
        expected_db = 10 * math.log10(scores.data_range**2 / scores.mse)
        highest_db = expected_db + largest_psnr_excess_db(psnr_sd_db=scores.psnr_sd_db, pairs=scores.pairs)
    if not expected_db - PSNR_SLACK_DB <= scores.psnr_db <= highest_db + PSNR_SLACK_DB:
        peak = (
            f"; it implies a range of {implied_peak(mse=scores.mse, psnr_db=scores.psnr_db):.0f}" if scores.mse else ""
        )
        raise InvalidInputError(
            f"a mean PSNR of {scores.psnr_db:g} dB over {scores.pairs} pairs does not go with a mean MSE of"
            f" {scores.mse:g} and a data range of {scores.data_range:g}: between {expected_db:.2f} and"
            f" {highest_db:.2f} dB are possible{peak}; check the data range",
            field="psnr_db",
            got=f"{scores.psnr_db:g}",
            reason="PSNR_CONTRADICTS_MSE",
        )
