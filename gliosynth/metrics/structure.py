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

Scratch = NDArray[np.float32]
"""``(6, Y, X)`` float32: memory that the slices of one volume share."""

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


def ssim_map(first: Slice, second: Slice, *, data_range: float, window: SsimWindow, work: Scratch) -> Slice:
    """Returns the index at every pixel whose window lies inside the slice (equation 13).

    With ``s = a + b`` and ``d = a - b``: ``2 mu_a mu_b = (mu_s² - mu_d²) / 2`` and
    ``mu_a² + mu_b² = (mu_s² + mu_d²) / 2``, and the same for the (co)variances, so that four filterings do instead of
    five. The halves cancel in the fraction. Everything happens in the scratch, which stays in the cache between slices.

    Args:
        first: ``(Y, X)`` float32.
        second: ``(Y, X)`` float32.
        data_range: Largest minus smallest value that the intensities can take.
        window: The local window, of ``n`` taps.
        work: Scratch from `ssim_scratch`; overwritten.

    Returns:
        ``(Y - n + 1, X - n + 1)`` float32 in [-1, 1]: a view of the scratch, gone with the next call.
    """
    total, difference, mean_s, mean_d, var_s, var_d = work
    np.add(first, second, out=total)
    np.subtract(first, second, out=difference)
    taps = window.taps
    c1 = (SSIM_K1 * data_range) ** 2
    c2 = (SSIM_K2 * data_range) ** 2 / window.covariance_factor
    _filter(total, taps, out=mean_s)
    _filter(difference, taps, out=mean_d)
    _filter(np.multiply(total, total, out=total), taps, out=var_s, offset=2 * c2)
    _filter(np.multiply(difference, difference, out=difference), taps, out=var_d)
    var_s -= np.multiply(mean_s, mean_s, out=mean_s)
    var_d -= np.multiply(mean_d, mean_d, out=mean_d)
    mean_s += np.float32(2 * c1)
    index: Slice = np.subtract(mean_s, mean_d, out=total)
    index *= np.subtract(var_s, var_d, out=difference)
    index /= np.multiply(np.add(mean_s, mean_d, out=mean_s), np.add(var_s, var_d, out=var_s), out=mean_s)
    margin = len(taps) // 2
    return index[margin:-margin, margin:-margin]


def ssim_scratch(shape: tuple[int, int]) -> Scratch:
    """Returns scratch memory for slices of one shape.

    Args:
        shape: ``(Y, X)``.
    """
    return np.empty((6, *shape), dtype=np.float32)


def _filter(image: Slice, taps: NDArray[np.float32], *, out: Slice, offset: float = 0.0) -> None:
    cv2.sepFilter2D(image, -1, taps, taps, dst=out, delta=offset, borderType=cv2.BORDER_REFLECT)
