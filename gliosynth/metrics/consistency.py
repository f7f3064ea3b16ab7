"""Rejects image scores that cannot belong to one pair of images.

A published table holds MAE 23.4 beside MSE 19.2 (RMSE 4.4): impossible, since the mean of absolute errors never exceeds
their root mean square; and PSNR 43.07 dB beside the same MSE implies a peak of 624 in 8-bit images. Figures like these
are caught here before they stand beside ours.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.errors import InvalidInputError
from gliosynth.metrics.image import check_data_range

MAE_SLACK: Final = 1e-6
"""Relative excess of MAE over RMSE that rounding explains."""

PSNR_SLACK_DB: Final = 0.05
"""Difference in dB between a reported PSNR and the one of the MSE that rounding to one decimal explains."""


@dataclass(frozen=True)
class ReportedImageScores:
    """Image scores as somebody reports them for one pair of images (not means over pairs).

    Attributes:
        mse: Mean squared error, in squared intensity units.
        mae: Mean absolute error, in intensity units.
        psnr_db: Peak signal-to-noise ratio.
        ssim: Structural similarity.
        data_range: Largest minus smallest value that the intensities can take.
    """

    mse: float
    mae: float
    psnr_db: float
    ssim: float
    data_range: float


def check_image_scores(scores: ReportedImageScores) -> None:
    """Refuses scores that contradict each other or their own bounds.

    Args:
        scores: What was reported.

    Raises:
        InvalidInputError: An error is negative or NaN, MAE exceeds RMSE or the data range, SSIM leaves [-1, 1], or
            PSNR is not that of the MSE and the data range.
        InvalidParameterError: The data range is not positive and finite.
    """
    check_data_range(scores.data_range)
    _check_bounds(scores)
    rmse = float(np.sqrt(scores.mse))
    if scores.mae > rmse * (1 + MAE_SLACK):
        raise InvalidInputError(
            f"MAE {scores.mae:g} exceeds RMSE {rmse:g} (MSE {scores.mse:g}), which no pair of images allows;"
            " check the units of both",
            field="mae",
            got=f"{scores.mae:g}",
            reason="MAE_EXCEEDS_RMSE",
        )
    _check_psnr(scores)


def implied_peak(*, mse: float, psnr_db: float) -> float:
    """Returns the data range that a PSNR and an MSE imply together: ``sqrt(mse 10^(psnr / 10))``.

    Args:
        mse: Mean squared error, above 0.
        psnr_db: Peak signal-to-noise ratio in dB.
    """
    return float(np.sqrt(mse * 10 ** (psnr_db / 10)))


def _check_bounds(scores: ReportedImageScores) -> None:
    bounds = {
        "mse": (0.0, scores.data_range**2, scores.mse),
        "mae": (0.0, scores.data_range, scores.mae),
        "ssim": (-1.0, 1.0, scores.ssim),
    }
    for name, (low, high, value) in bounds.items():
        if not low <= value <= high:
            raise InvalidInputError(
                f"{name} is {value:g}, for a data range of {scores.data_range:g} it lies between {low:g} and {high:g};"
                " check the data range",
                field=name,
                got=f"{value:g}",
                reason="SCORE_OUT_OF_BOUNDS",
            )


def _check_psnr(scores: ReportedImageScores) -> None:
    expected_db = 10 * float(np.log10(scores.data_range**2 / scores.mse)) if scores.mse else float("inf")
    agrees = scores.psnr_db == expected_db or abs(scores.psnr_db - expected_db) <= PSNR_SLACK_DB
    if not agrees:
        peak = f", it implies a peak of {implied_peak(mse=scores.mse, psnr_db=scores.psnr_db):g}" if scores.mse else ""
        raise InvalidInputError(
            f"PSNR {scores.psnr_db:g} dB does not follow from MSE {scores.mse:g} and data range {scores.data_range:g}"
            f" ({expected_db:.2f} dB){peak}; check the data range",
            field="psnr_db",
            got=f"{scores.psnr_db:g}",
            reason="PSNR_CONTRADICTS_MSE",
        )
