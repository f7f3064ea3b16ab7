"""What a case's label map and contrasts say in numbers: volumes, contrast ratios, place, shape, texture, morphology."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.measurement.tissue import TissueClasses
from gliosynth.errors import InvalidVolumeError
from gliosynth.geometry import bounding_box
from gliosynth.labels import CONTRASTS, Contrast, Label, LabelMap, Mask, Region, region_mask
from gliosynth.segmentation.box import index_of

Contrasts = NDArray[np.float32]
"""``(4, X, Y, Z)`` float32 in the order of `gliosynth.labels.CONTRASTS`."""

Spacing = tuple[float, float, float]
"""Voxel edges in mm."""

FEWEST_VOXELS: Final = 50
"""A median over fewer voxels than this is not reported."""

INNER_MM: Final = 8.0
"""Tissue is measured this far below the surface of the brain mask, mm: at the rim lie vessels, dura and mask errors."""

AUTOCORRELATION_MM: Final = (1.0, 2.0, 4.0, 8.0)
"""Distances in mm at which a region's texture is correlated with itself (METHODS.md C.2)."""

FLAT: Final = 1e-5
"""Standard deviation over mean below which a region has no texture: what summing equal float32 values leaves."""


@dataclass(frozen=True)
class RegionVolumes:
    """Volumes of one case in ml.

    Attributes:
        brain_ml: The brain mask.
        wt_ml: Whole tumour.
        tc_ml: Tumour core.
        et_ml: Enhancing tumour.
        ncr_ml: Necrosis and non-enhancing core.
        ed_ml: Oedema.
    """

    brain_ml: float
    wt_ml: float
    tc_ml: float
    et_ml: float
    ncr_ml: float
    ed_ml: float


@dataclass(frozen=True)
class ContrastRatios:
    """Median intensities of one contrast relative to white matter's; None where a part has too few voxels.

    Attributes:
        contrast: Which contrast.
        grey: Grey matter over white matter.
        fluid: CSF over white matter.
        oedema: ED over white matter.
        necrosis: NCR over white matter.
        enhancing: ET over white matter.
    """

    contrast: Contrast
    grey: float | None
    fluid: float | None
    oedema: float | None
    necrosis: float | None
    enhancing: float | None


@dataclass(frozen=True)
class RegionTexture:
    """Texture of one label in one contrast; None where the label has too few voxels.

    Attributes:
        contrast: Which contrast.
        label: Which label.
        variation: Robust coefficient of variation: 0.7413 times the interquartile range over the median.
        autocorrelation: Pearson correlation with itself at `AUTOCORRELATION_MM`, mean over the in-plane axes.
    """

    contrast: Contrast
    label: Label
    variation: float | None
    autocorrelation: tuple[float | None, ...]


def measure_volumes(labels: LabelMap, brain: Mask, *, spacing_mm: Spacing) -> RegionVolumes:
    """Returns the volumes of the brain, the regions and the labels in ml.

    Args:
        labels: ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)`` bool.
        spacing_mm: Voxel edges in mm.
    """
    ml = float(np.prod(spacing_mm)) / 1000.0
    counts = np.bincount(labels.ravel(), minlength=max(Label) + 1)
    ncr, ed, et = (float(counts[label]) * ml for label in (Label.NCR, Label.ED, Label.ET))
    return RegionVolumes(
        brain_ml=float(np.count_nonzero(brain)) * ml,
        wt_ml=ncr + ed + et,
        tc_ml=ncr + et,
        et_ml=et,
        ncr_ml=ncr,
        ed_ml=ed,
    )


def measure_ratios(contrasts: Contrasts, labels: LabelMap, tissue: TissueClasses) -> tuple[ContrastRatios, ...]:
    """Returns, for each contrast, the medians of tissues and labels relative to white matter.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32 with background 0, not z-scored: a ratio needs an origin.
        labels: ``(X, Y, Z)`` uint8.
        tissue: Of the same case.

    Raises:
        InvalidVolumeError: White matter's median is not above 0 (NO_INTENSITY_ORIGIN).
    """
    inner = tissue.depth_mm > INNER_MM
    healthy = [np.flatnonzero(part & inner) for part in (tissue.white, tissue.grey, tissue.fluid)]
    lesion = [np.flatnonzero(labels == label) for label in (Label.ED, Label.NCR, Label.ET)]
    ratios = []
    for contrast, image in zip(CONTRASTS, contrasts, strict=True):
        flat = image.ravel()
        white = _white_median(flat[healthy[0]], contrast)
        ratios.append(ContrastRatios(contrast, *(_ratio(flat[part], white) for part in (*healthy[1:], *lesion))))
    return tuple(ratios)


def _white_median(values: NDArray[np.float32], contrast: Contrast) -> float:
    median = float(np.median(values)) if values.size else 0.0
    if not median > 0:
        raise InvalidVolumeError(
            f"{contrast}: the median of white matter is {median:g}, so there is no ratio to it; give intensities from 0"
            " upwards, not z-scores",
            field=contrast,
            got=f"{median:g}",
            reason="NO_INTENSITY_ORIGIN",
        )
    return median


def _ratio(values: NDArray[np.float32], white: float) -> float | None:
    return None if values.size < FEWEST_VOXELS else float(np.median(values)) / white


def measure_texture(contrasts: Contrasts, labels: LabelMap, *, spacing_mm: Spacing) -> tuple[RegionTexture, ...]:
    """Returns the texture of each label in each contrast.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32.
        labels: ``(X, Y, Z)`` uint8.
        spacing_mm: Voxel edges in mm.
    """
    inside = region_mask(labels, Region.WT)
    if not inside.any():
        return tuple(
            RegionTexture(contrast, label, None, (None,) * len(AUTOCORRELATION_MM))
            for contrast in CONTRASTS
            for label in (Label.NCR, Label.ED, Label.ET)
        )
    box = index_of(bounding_box(inside))
    return tuple(
        _texture(contrast, image[box], label, labels[box], spacing_mm)
        for contrast, image in zip(CONTRASTS, contrasts, strict=True)
        for label in (Label.NCR, Label.ED, Label.ET)
    )


def _texture(
    contrast: Contrast, image: NDArray[np.float32], label: Label, labels: LabelMap, spacing_mm: Spacing
) -> RegionTexture:
    part = labels == label
    values = image[part]
    if values.size < FEWEST_VOXELS:
        return RegionTexture(contrast, label, None, (None,) * len(AUTOCORRELATION_MM))
    lower, median, upper = (float(value) for value in np.percentile(values, (25, 50, 75)))
    variation = 0.7413 * (upper - lower) / median if median > 0 else None
    lags = tuple(_autocorrelation(image, part, distance_mm, spacing_mm) for distance_mm in AUTOCORRELATION_MM)
    return RegionTexture(contrast, label, variation, lags)


def _autocorrelation(image: NDArray[np.float32], part: Mask, distance_mm: float, spacing_mm: Spacing) -> float | None:
    """Returns the correlation of voxels of the part that lie a distance apart along X, and along Y, on average."""
    found: list[float] = []
    for axis in (0, 1):
        step = max(1, round(distance_mm / spacing_mm[axis]))
        if step >= image.shape[axis]:
            continue
        near = [slice(None)] * 3
        far = [slice(None)] * 3
        near[axis], far[axis] = slice(None, -step), slice(step, None)
        both = part[tuple(near)] & part[tuple(far)]
        first, second = image[tuple(near)][both], image[tuple(far)][both]
        if first.size >= FEWEST_VOXELS and _varies(first) and _varies(second):
            found.append(float(np.corrcoef(first, second)[0, 1]))
    return float(np.mean(found)) if found else None


def _varies(values: NDArray[np.float32]) -> bool:
    """Returns whether values differ by more than rounding, as those of a flat region may."""
    return float(values.std()) > FLAT * abs(float(values.mean()))
