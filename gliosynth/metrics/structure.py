"""The structural similarity index on one slice, and the windows under which tools compute it.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13(4), 2004.
"""

from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Slice = NDArray[np.float32]
"""``(Y, X)`` float32, C-contiguous."""

SSIM_K1: Final = 0.01
"""Stabiliser of the luminance term, as a share of the data range (Wang et al. 2004, section III.B)."""

SSIM_K2: Final = 0.03
"""Stabiliser of the contrast and structure terms, as a share of the data range."""

GAUSSIAN_SIGMA: Final = 1.5
"""Standard deviation of Wang's window in pixels."""


class SsimWindow(StrEnum):
    """The local window of SSIM; the value is the definition's id."""

    GAUSSIAN_11 = "gaussian-11"
    """Wang et al. 2004: Gaussian of sigma 1.5 over 11x11, weighted (biased) moments: MONAI, piq, and scikit-image
    with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``."""
    UNIFORM_7 = "uniform-7"
    """Mean over 7x7 with sample (unbiased) covariance: scikit-image's default."""

    @property
    def taps(self) -> NDArray[np.float32]:
        """Weights of the window along one axis; they sum to 1."""
        if self is SsimWindow.UNIFORM_7:
            return np.full(7, 1 / 7, dtype=np.float32)
        offset = np.arange(-5.0, 6.0)
        weights = np.exp(-(offset**2) / (2 * GAUSSIAN_SIGMA**2))
        return np.asarray(weights / weights.sum(), dtype=np.float32)

    @property
    def covariance_factor(self) -> float:
        """What the weighted covariance is multiplied with: ``n / (n - 1)`` for sample covariance."""
        return 49 / 48 if self is SsimWindow.UNIFORM_7 else 1.0


def ssim_map(first: Slice, second: Slice, *, data_range: float, window: SsimWindow) -> Slice:
    """Returns the index at every pixel whose window lies inside the slice (equation 13).

    With ``s = a + b`` and ``d = a - b``: ``2 mu_a mu_b = (mu_s² - mu_d²) / 2`` and
    ``mu_a² + mu_b² = (mu_s² + mu_d²) / 2``, and the same for the (co)variances, so that four filterings do instead of
    five. The halves cancel in the fraction.

    Args:
        first: ``(Y, X)`` float32.
        second: ``(Y, X)`` float32.
        data_range: Largest minus smallest value that the intensities can take.
        window: The local window, of ``n`` taps.

    Returns:
        ``(Y - n + 1, X - n + 1)`` float32, in [-1, 1].
    """
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2 / window.covariance_factor
    total, difference = first + second, first - second
    mean_s, mean_d = _filtered(total, window), _filtered(difference, window)
    square_s, square_d = _filtered(total * total, window), _filtered(difference * difference, window)
    mean_s *= mean_s
    mean_d *= mean_d
    square_s -= mean_s
    square_d -= mean_d
    luminance = (mean_s - mean_d + 2 * c1) / (mean_s + mean_d + 2 * c1)
    luminance *= (square_s - square_d + 2 * c2) / (square_s + square_d + 2 * c2)
    return luminance


def _filtered(image: Slice, window: SsimWindow) -> Slice:
    taps = window.taps
    margin = len(taps) // 2
    filtered = np.asarray(cv2.sepFilter2D(image, -1, taps, taps, borderType=cv2.BORDER_REFLECT), dtype=np.float32)
    return filtered[margin:-margin, margin:-margin]
