"""The feature encoder ``gliosynth-radiomics-1``: what an axial slice looks like, in 58 numbers with names.

Fréchet and kernel distances depend on their features more than on the images (METHODS.md D.1), so ours are named in the
metric's id, computed without any weights, and each can be read: intensities, slopes, energy in bands of width, the
correlation of neighbours, and how the contrasts go together. Intensities are z-scores inside the brain of the volume,
so that arbitrary units and gains do not count.
"""

import itertools
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidVolumeError
from gliosynth.labels import CONTRASTS, Mask
from gliosynth.preprocessing.intensity import normalise

ENCODER_ID: Final = "gliosynth-radiomics-1"
"""Name of the encoder; it changes with any change of a feature."""

SLICES_PER_CASE: Final = 8
"""Axial slices of a case that are encoded."""

SLICE_SPAN: Final = (0.30, 0.85)
"""Share of the brain's height between which the slices are spread evenly, from the bottom."""

BAND_SIGMAS_MM: Final = (0.7, 1.4, 2.8, 5.6)
"""Widths of the Gaussians whose differences are the bands, mm."""

LAGS_MM: Final = (1.0, 2.0, 4.0, 8.0)
"""Distances at which neighbours are correlated, mm."""

HIGH_PASS_MM: Final = 8.0
"""Width of the Gaussian that is subtracted before neighbours are correlated, mm: anatomy goes, texture stays."""

INTENSITY_NAMES: Final = ("mean", "sd", "skewness", "p05", "p95", "slope")
"""Features of one contrast's intensities."""


def feature_names() -> tuple[str, ...]:
    """Returns the names of the features in their order."""
    single = (
        *INTENSITY_NAMES,
        *(f"band_{low:g}_{high:g}_mm" for low, high in itertools.pairwise(BAND_SIGMAS_MM)),
        *(f"autocorrelation_{lag:g}_mm" for lag in LAGS_MM),
    )
    pairs = [f"{a}_{b}_correlation" for index, a in enumerate(CONTRASTS) for b in CONTRASTS[index + 1 :]]
    return (*(f"{contrast}_{name}" for contrast in CONTRASTS for name in single), *pairs)


def encode_case(
    contrasts: NDArray[np.float32], brain: Mask, *, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Returns the features of evenly spread axial slices of a case.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32 in the order of `CONTRASTS`, any unit.
        brain: ``(X, Y, Z)`` bool.
        spacing_mm: Voxel edges in mm. Features of cases are comparable where the edges are.

    Returns:
        ``(SLICES_PER_CASE, len(feature_names()))`` float64.

    Raises:
        InvalidVolumeError: Empty brain mask, or a contrast that is constant inside it.
    """
    heights = np.flatnonzero(brain.any(axis=(0, 1)))
    if heights.size == 0:
        raise InvalidVolumeError(
            "the brain mask selects no voxel; give a mask that covers the brain",
            field="brain",
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    scores = [normalise(image, brain) for image in contrasts]
    places = heights[0] + np.linspace(*SLICE_SPAN, SLICES_PER_CASE) * (heights[-1] - heights[0])
    return np.stack(
        [
            _encode_slice([image[:, :, place] for image in scores], brain[:, :, place], spacing_mm)
            for place in np.rint(places).astype(np.int64)
        ]
    )


def _encode_slice(
    images: list[NDArray[np.float32]], brain: Mask, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    inside = [image[brain].astype(np.float64) for image in images]
    single = [_encode_image(np.ascontiguousarray(image), brain, spacing_mm) for image in images]
    pairs = [_correlation(a, b) for index, a in enumerate(inside) for b in inside[index + 1 :]]
    return np.concatenate([*single, np.array(pairs)])


def _encode_image(
    image: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    values = image[brain].astype(np.float64)
    if values.size < 2:
        return np.zeros(len(INTENSITY_NAMES) + len(BAND_SIGMAS_MM) - 1 + len(LAGS_MM))
    sd = max(float(values.std()), 1e-6)
    skewness = float(np.mean(((values - values.mean()) / sd) ** 3))
    low, high = (float(value) for value in np.percentile(values, (5, 95)))
    first_order = [float(values.mean()), sd, skewness, low, high, _mean_slope(image, brain, spacing_mm)]
    bands, lags = _band_energies(image, brain, spacing_mm), _autocorrelations(image, brain, spacing_mm)
    return np.array([*first_order, *bands, *lags])


def _mean_slope(image: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> float:
    """Returns the mean gradient per mm where both neighbours along both axes are brain: its rim is no edge in it."""
    inner = brain.copy()
    inner[1:-1, 1:-1] &= brain[:-2, 1:-1] & brain[2:, 1:-1] & brain[1:-1, :-2] & brain[1:-1, 2:]
    inner[[0, -1]] = inner[:, [0, -1]] = False
    if not inner.any():
        return 0.0
    along, across = np.gradient(image, *spacing_mm[:2])
    return float(np.sqrt(along**2 + across**2)[inner].mean())


def _band_energies(image: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> list[float]:
    """Returns log10 of the standard deviation in each band of widths."""
    blurred = [_blur(image, brain, sigma_mm, spacing_mm) for sigma_mm in BAND_SIGMAS_MM]
    return [float(np.log10(max(float((fine - wide)[brain].std()), 1e-4))) for fine, wide in itertools.pairwise(blurred)]


def _autocorrelations(image: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> list[float]:
    """Returns the correlation of the high-passed slice with itself at each lag, mean over both axes."""
    texture = image - _blur(image, brain, HIGH_PASS_MM, spacing_mm)
    found = []
    for lag_mm in LAGS_MM:
        along = []
        for axis in (0, 1):
            step = max(1, round(lag_mm / spacing_mm[axis]))
            first, second = _shifted(texture, step, axis)
            both = np.logical_and(*_shifted(brain, step, axis))
            along.append(_correlation(first[both].astype(np.float64), second[both].astype(np.float64)))
        found.append(float(np.mean(along)))
    return found


def _shifted(values: NDArray[np.generic], step: int, axis: int) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    if axis == 0:
        return values[:-step], values[step:]
    return values[:, :-step], values[:, step:]


def _blur(
    image: NDArray[np.float32], brain: Mask, sigma_mm: float, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Returns the slice smoothed inside the brain: what lies outside has no weight."""
    weight = brain.astype(np.float32)
    across, down = sigma_mm / spacing_mm[1], sigma_mm / spacing_mm[0]
    numerator = cv2.GaussianBlur(image * weight, (0, 0), sigmaX=across, sigmaY=down, borderType=cv2.BORDER_CONSTANT)
    total = cv2.GaussianBlur(weight, (0, 0), sigmaX=across, sigmaY=down, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(numerator / np.maximum(total, 1e-3), dtype=np.float32)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Returns Pearson's correlation; 0 where either is constant or holds fewer than 3 values."""
    if first.size < 3 or not (first.std() > 1e-9 and second.std() > 1e-9):
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
