"""Where the tumour lies, how it is shaped, and how the brain around it is built."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from gliosynth.anatomy import PARENCHYMA, Tissue, TissueMap
from gliosynth.cohort.measurement.regions import Spacing
from gliosynth.cohort.measurement.tissue import TissueClasses
from gliosynth.components import connected_components
from gliosynth.geometry import bounding_box
from gliosynth.labels import Label, LabelMap, Mask, Region, region_mask
from gliosynth.segmentation.box import index_of

SMALLEST_PART_ML: Final = 0.1
"""A separate part of the tumour below this volume is not counted."""

DEEP_MM: Final = 20.0
"""Fluid this far below the surface of the brain mask is counted as ventricle, with or without a label map, mm."""


@dataclass(frozen=True)
class TumourShape:
    """Place and shape of a tumour; None where a part that it needs is missing.

    Attributes:
        centroid: Centre of mass as a share of the brain's bounding box: from left, back and bottom, 0 to 1.
        parts: Separate parts (26 neighbours) of at least `SMALLEST_PART_ML`.
        sphericity: Area of the sphere of equal volume over the area of the tumour, 0 to about 1.
        oedema_reach_mm: 95th percentile of the distance of ED from the core, mm.
        enhancing_depth_mm: 95th percentile of the depth of ET inside the core, mm.
        enhancing_cover: Share of the core's surface that is ET.
    """

    centroid: tuple[float, float, float]
    parts: int
    sphericity: float
    oedema_reach_mm: float | None
    enhancing_depth_mm: float | None
    enhancing_cover: float | None


@dataclass(frozen=True)
class BrainMorphology:
    """How the brain is built, as shares of the healthy brain.

    Attributes:
        white_share: White matter (k-means class of the T1).
        grey_share: Grey matter.
        fluid_share: CSF.
        deep_fluid_share: CSF deeper than `DEEP_MM`: the ventricles, measured without a label map.
        mirror_dice: Dice of the brain mask and its mirror image about the middle of its box, 0 to 1.
        ventricle_share: Ventricles over parenchyma by the label map, or None without one.
    """

    white_share: float
    grey_share: float
    fluid_share: float
    deep_fluid_share: float
    mirror_dice: float
    ventricle_share: float | None


def measure_shape(labels: LabelMap, brain: Mask, *, spacing_mm: Spacing) -> TumourShape | None:
    """Returns place and shape of the tumour, or None where there is none.

    Args:
        labels: ``(X, Y, Z)`` uint8, axes right, anterior, superior.
        brain: ``(X, Y, Z)`` bool, not empty.
        spacing_mm: Voxel edges in mm.
    """
    tumour = region_mask(labels, Region.WT)
    if not tumour.any():
        return None
    box = index_of(bounding_box(tumour, margin=(1, 1, 1)))
    local = labels[box]
    reach, depth = _reach_and_depth(local, spacing_mm)
    return TumourShape(
        centroid=_relative_centroid(tumour, brain),
        parts=_count_parts(tumour[box], spacing_mm),
        sphericity=_sphericity(tumour[box], spacing_mm),
        oedema_reach_mm=reach,
        enhancing_depth_mm=depth,
        enhancing_cover=_enhancing_cover(local),
    )


def measure_morphology(tissue: TissueClasses, brain: Mask, tissues: TissueMap | None) -> BrainMorphology:
    """Returns how the brain is built.

    Args:
        tissue: Classes of the healthy brain.
        brain: ``(X, Y, Z)`` bool, not empty.
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`, or None for a scan without a label map.
    """
    counts = [float(np.count_nonzero(mask)) for mask in (tissue.white, tissue.grey, tissue.fluid)]
    white, grey, fluid = (count / max(sum(counts), 1.0) for count in counts)
    return BrainMorphology(
        white_share=white,
        grey_share=grey,
        fluid_share=fluid,
        deep_fluid_share=_deep_share(tissue),
        mirror_dice=_mirror_dice(brain),
        ventricle_share=None if tissues is None else _ventricle_share(tissues),
    )


def _relative_centroid(tumour: Mask, brain: Mask) -> tuple[float, float, float]:
    box = bounding_box(brain)
    places = []
    for axis in range(3):
        weights = tumour.sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.float64)
        centre = float(np.average(np.arange(weights.size), weights=weights))
        places.append((centre - box.start[axis]) / max(box.shape[axis] - 1, 1))
    return places[0], places[1], places[2]


def _count_parts(tumour: Mask, spacing_mm: Spacing) -> int:
    sizes = np.bincount(connected_components(tumour).ravel())[1:]
    return int(np.count_nonzero(sizes * float(np.prod(spacing_mm)) / 1000.0 >= SMALLEST_PART_ML))


def _sphericity(tumour: Mask, spacing_mm: Spacing) -> float:
    """Returns the sphericity; the area is the integral of the gradient of the slightly smoothed mask."""
    padded = np.pad(tumour, 4).astype(np.float32)
    soft = ndimage.gaussian_filter(padded, [1.0 / edge for edge in spacing_mm])
    slopes = np.gradient(soft, *spacing_mm)
    area = float(np.sqrt(sum(slope**2 for slope in slopes)).sum()) * float(np.prod(spacing_mm))
    volume = float(np.count_nonzero(tumour)) * float(np.prod(spacing_mm))
    return float(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area)


def _reach_and_depth(labels: LabelMap, spacing_mm: Spacing) -> tuple[float | None, float | None]:
    core, oedema, enhancing = region_mask(labels, Region.TC), labels == Label.ED, labels == Label.ET
    reach = depth = None
    if core.any() and oedema.any():
        reach = float(np.percentile(ndimage.distance_transform_edt(~core, sampling=spacing_mm)[oedema], 95))
    if enhancing.any():
        depth = float(np.percentile(ndimage.distance_transform_edt(core, sampling=spacing_mm)[enhancing], 95))
    return reach, depth


def _enhancing_cover(labels: LabelMap) -> float | None:
    core = region_mask(labels, Region.TC)
    surface = core & ~ndimage.binary_erosion(core)
    return float(np.count_nonzero(labels[surface] == Label.ET) / np.count_nonzero(surface)) if core.any() else None


def _deep_share(tissue: TissueClasses) -> float:
    healthy = sum(np.count_nonzero(mask) for mask in (tissue.white, tissue.grey, tissue.fluid))
    return float(np.count_nonzero(tissue.fluid & (tissue.depth_mm > DEEP_MM)) / max(healthy, 1))


def _mirror_dice(brain: Mask) -> float:
    ends = np.flatnonzero(brain.any(axis=(1, 2)))
    cut = brain[int(ends[0]) : int(ends[-1]) + 1]
    return float(2 * np.count_nonzero(cut & cut[::-1]) / (2 * np.count_nonzero(cut)))


def _ventricle_share(tissues: TissueMap) -> float:
    counts = np.bincount(tissues.ravel(), minlength=max(Tissue) + 1)
    return float(counts[Tissue.VENTRICLE] / max(sum(int(counts[part]) for part in PARENCHYMA), 1))
