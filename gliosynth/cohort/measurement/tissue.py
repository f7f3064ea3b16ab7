"""Three tissue classes from the T1 alone, so that a scan without a tissue map is measured as a synthetic one is.

A real scan comes without tissue labels. Whatever is compared between real and synthetic cases is therefore measured on
both by this rule: k-means of the T1's intensities with three classes outside the tumour (METHODS.md C.2).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidVolumeError
from gliosynth.labels import LabelMap, Mask

HISTOGRAM_BINS: Final = 512
"""Bins of the T1 histogram that k-means runs on."""

CLIP_PERCENTILES: Final = (0.5, 99.5)
"""Percentiles of the T1 between which the histogram lies."""

START_QUANTILES: Final = (0.1, 0.45, 0.8)
"""Quantiles at which the three class means start."""

ROUNDS: Final = 60
"""Most rounds of k-means; it stands still long before."""

COARSE_MM: Final = 3.0
"""Voxel edge on which distances from the brain's surface are measured, mm."""

MARGIN_VOXELS: Final = 3
"""Voxels around the tumour that are counted as neither tumour nor healthy."""


@dataclass(frozen=True, eq=False)
class TissueClasses:
    """The healthy brain, told apart by its T1.

    Attributes:
        fluid: ``(X, Y, Z)`` bool, the darkest class.
        grey: ``(X, Y, Z)`` bool, the middle class.
        white: ``(X, Y, Z)`` bool, the brightest class.
        depth_mm: ``(X, Y, Z)`` float32, distance from the surface of the brain mask, known to about `COARSE_MM`.
    """

    fluid: Mask
    grey: Mask
    white: Mask
    depth_mm: NDArray[np.float32]


def classify_tissue(
    t1n: NDArray[np.float32], labels: LabelMap, brain: Mask, *, spacing_mm: tuple[float, float, float]
) -> TissueClasses:
    """Returns fluid, grey and white matter outside the tumour and its margin, by k-means on the T1.

    Args:
        t1n: ``(X, Y, Z)`` float32, any unit.
        labels: ``(X, Y, Z)`` uint8, values of `gliosynth.labels.Label`.
        brain: ``(X, Y, Z)`` bool.
        spacing_mm: Voxel edges in mm.

    Raises:
        InvalidVolumeError: No healthy voxel (EMPTY_BRAIN_MASK), or a constant T1 (CONSTANT_IMAGE).
    """
    healthy = brain & ~_with_margin(labels > 0)
    values = t1n[healthy]
    if values.size == 0:
        raise InvalidVolumeError(
            "the brain mask holds no voxel outside the tumour; give the mask of the whole brain",
            field="brain",
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    low, high = _borders(values)
    return TissueClasses(
        fluid=healthy & (t1n <= low),
        grey=healthy & (t1n > low) & (t1n <= high),
        white=healthy & (t1n > high),
        depth_mm=_depth_mm(brain, spacing_mm),
    )


def _depth_mm(brain: Mask, spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Returns the distance from the outside in mm, measured on every n-th voxel and repeated between."""
    steps = [max(1, round(COARSE_MM / edge)) for edge in spacing_mm]
    coarse = np.pad(brain[tuple(slice(None, None, step) for step in steps)], 1)
    sampling = [edge * step for edge, step in zip(spacing_mm, steps, strict=True)]
    depth = ndimage.distance_transform_edt(coarse, sampling=sampling)[1:-1, 1:-1, 1:-1].astype(np.float32)
    for axis, step in enumerate(steps):
        depth = np.repeat(depth, step, axis=axis)
    x, y, z = brain.shape
    cut: NDArray[np.float32] = depth[:x, :y, :z]
    return cut


def _with_margin(tumour: Mask) -> Mask:
    return ndimage.binary_dilation(tumour, iterations=MARGIN_VOXELS) if tumour.any() else tumour


def _borders(values: NDArray[np.float32]) -> tuple[float, float]:
    """Returns the two intensities between the three classes."""
    low, high = (float(value) for value in np.percentile(values, CLIP_PERCENTILES))
    if not high > low:
        raise InvalidVolumeError(
            f"t1n: every voxel of the healthy brain has the value {low:g}; give an image with contrast",
            field="t1n",
            got=f"{low:g}",
            reason="CONSTANT_IMAGE",
        )
    counts, edges = np.histogram(values, bins=HISTOGRAM_BINS, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    share = np.cumsum(counts) / counts.sum()
    means = np.array([middles[int(np.searchsorted(share, quantile))] for quantile in START_QUANTILES])
    for _ in range(ROUNDS):
        owner = np.abs(middles[:, None] - means).argmin(axis=1)
        held = np.bincount(owner, weights=counts, minlength=3)
        moved = np.where(
            held > 0, np.bincount(owner, weights=counts * middles, minlength=3) / np.maximum(held, 1), means
        )
        if np.array_equal(moved, means):
            break
        means = moved
    return float(means[:2].mean()), float(means[1:].mean())
