"""The look of real gliomas in numbers: the targets of METHODS.md C.2 as data, and the functions that measure them.

Measured on two gliomas with silver labels (an enhancing one, T1 by spin echo; a non-enhancing one, T1-FLAIR) and, for
T2, a third with expert labels. Ratios are medians relative to white matter. A simulator is right when its cases spread
around these values, not when each case equals one of them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gliosynth.anatomy import Tissue
from gliosynth.labels import Label
from gliosynth.ranges import Range

MEASURED_RATIOS: Final[dict[tuple[str, int], tuple[float, ...]]] = {
    ("GM", 0): (0.75, 0.55),
    ("GM", 1): (0.93, 0.55),
    ("GM", 2): (1.26, 1.11),
    ("GM", 3): (1.05, 0.83),
    ("CSF", 0): (0.42, 0.22),
    ("CSF", 1): (0.60, 0.22),
    ("CSF", 2): (2.6, 3.5),
    ("CSF", 3): (0.37, 0.26),
    ("ED", 0): (0.77, 0.65),
    ("ED", 1): (0.98, 0.61),
    ("ED", 2): (1.38, 1.74, 2.15),
    ("ED", 3): (1.36, 1.51),
    ("NCR", 0): (0.69, 0.34),
    ("NCR", 1): (0.97, 0.34),
    ("NCR", 2): (1.69, 2.25, 2.77),
    ("NCR", 3): (1.58, 1.37),
    ("ET", 0): (0.73,),
    ("ET", 1): (1.17,),
    ("ET", 2): (1.62, 2.28),
    ("ET", 3): (1.55,),
}
"""Median signal relative to white matter by region (see `region_masks`) and contrast 0 to 3 (t1n, t1c, t2w, t2f), one
value a case."""

Z_SCORES: Final[dict[tuple[str, int], Range]] = {
    ("ED", 3): (1.6, 2.6),
    ("CSF", 2): (3.1, 3.1),
    ("WM", 0): (0.8, 1.2),
    ("ET", 1): (1.7, 1.7),
}
"""Median z-score in the brain."""

BRIGHTEST: Final[tuple[Range, Range, Range, Range]] = ((1.2, 1.3), (1.3, 2.3), (2.9, 4.7), (1.6, 2.5))
"""99.5 % quantile in the brain relative to white matter, by contrast."""

NOISE: Final[Range] = (0.01, 0.05)
"""High-pass noise in white matter, after resampling, relative to it."""

BIAS: Final[Range] = (0.92, 1.10)
"""2 and 98 % quantile of the low-pass signal of white matter; .81 and 1.42 at worst."""

WORST_BIAS: Final[Range] = (0.81, 1.42)
"""The same in the worst case."""

VARIATION: Final[Range] = (0.09, 0.14)
"""Coefficient of variation inside a region of a tumour."""

LAGS_MM: Final = (1, 2, 3, 4, 6, 8)
"""Distances of `AUTOCORRELATION`, mm."""

AUTOCORRELATION: Final = (0.84, 0.64, 0.50, 0.38, 0.19, 0.08)
"""Autocorrelation of FLAIR inside oedema: a Gaussian field of about 2 mm."""

EDGE: Final[tuple[float, Range]] = (1.02, (1.49, 1.67))
"""FLAIR relative to white matter 3 mm outside and 3 mm inside the border of the whole tumour."""

EDGE_MM: Final = 3.0
"""Distance from the border at which `EDGE` is measured, mm."""

HALF_HEIGHT_MM: Final = 1.0
"""Largest distance of the edge's half height from the label's border, mm."""


def region_masks(
    tissues: NDArray[np.uint8], labels: NDArray[np.uint8], brain: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Returns the regions of the targets, ``(X, Y, Z)`` bool each: WM, GM and CSF outside the tumour, NCR, ED, ET.

    Args:
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`.
        labels: ``(X, Y, Z)`` uint8, values of `Label`.
        brain: ``(X, Y, Z)`` bool.
    """
    healthy = brain & (labels == 0)
    tissue = {"WM": Tissue.WHITE_MATTER, "GM": Tissue.CORTICAL_GREY, "CSF": Tissue.VENTRICLE}
    masks = {name: healthy & (tissues == int(value)) for name, value in tissue.items()}
    return masks | {label.name: labels == int(label) for label in Label if int(label) > 0}


def noise_level(image: NDArray[np.float32], mask: NDArray[np.bool_], sigma: float) -> float:
    """Returns the high-pass noise in a region relative to its median: 1.4826 times the median absolute deviation.

    Args:
        image: ``(X, Y, Z)``.
        mask: ``(X, Y, Z)`` bool: white matter.
        sigma: Sigma of the Gaussian whose result is taken off, voxels.
    """
    inside = (image - gaussian_filter(image, sigma))[mask]
    return float(1.4826 * np.median(np.abs(inside - np.median(inside))) / np.median(image[mask]))


def bias_range(image: NDArray[np.float32], mask: NDArray[np.bool_], sigma: float) -> Range:
    """Returns the 2 and 98 % quantile of the low-pass signal of a region, relative to its median.

    Args:
        image: ``(X, Y, Z)``.
        mask: ``(X, Y, Z)`` bool: white matter.
        sigma: Sigma of the Gaussian that smooths inside the region, voxels.
    """
    inside = mask.astype(np.float32)
    low = gaussian_filter(image * inside, sigma)[mask] / np.maximum(gaussian_filter(inside, sigma)[mask], 1e-3)
    least, middle, largest = np.percentile(low, (2, 50, 98))
    return float(least / middle), float(largest / middle)


def autocorrelation(image: NDArray[np.float32], mask: NDArray[np.bool_], lag: int) -> float:
    """Returns the correlation between voxels of a region that lie apart in plane, mean over the first two axes.

    Args:
        image: ``(X, Y, Z)``.
        mask: ``(X, Y, Z)`` bool: the region.
        lag: Distance in voxels, at least 1.
    """
    found = []
    for axis in range(2):
        near, far = range(image.shape[axis] - lag), range(lag, image.shape[axis])
        both = np.take(mask, near, axis) & np.take(mask, far, axis)
        first, second = (np.take(image, places, axis)[both].astype(np.float64) for places in (near, far))
        found.append(float(np.corrcoef(first, second)[0, 1]))
    return float(np.mean(found))


def edge_profile(
    image: NDArray[np.float32], depth_mm: NDArray[np.float32], distances_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the median signal at distances from a border, ``(D,)``.

    Args:
        image: ``(X, Y, Z)``.
        depth_mm: ``(X, Y, Z)``: mm inside the border, negative outside.
        distances_mm: ``(D,)`` depths wanted; each takes the voxels within .5 mm of it.
    """
    return np.array([float(np.median(image[np.abs(depth_mm - distance) < 0.5])) for distance in distances_mm])


def half_height_mm(distances_mm: NDArray[np.float64], profile: NDArray[np.float64]) -> float:
    """Returns the depth at which a rising profile crosses the middle between its ends, mm; NaN where it never rises.

    Args:
        distances_mm: ``(D,)`` increasing.
        profile: ``(D,)``.
    """
    middle = 0.5 * (profile[0] + profile[-1])
    above = np.flatnonzero(profile >= middle)
    if profile[-1] <= profile[0] or above[0] == 0:
        return float("nan")
    k = int(above[0])
    share = (middle - profile[k - 1]) / (profile[k] - profile[k - 1])
    return float(distances_mm[k - 1] + share * (distances_mm[k] - distances_mm[k - 1]))
