"""What a tumour map holds, and what edits did to it."""

from dataclasses import dataclass

import numpy as np

from gliosynth.geometry import Grid, bounding_box, centroid_mm, crop, crop_affine
from gliosynth.labels import REGIONS, LabelMap, Region, region_mask
from gliosynth.tumour_map.edits import Edit
from gliosynth.tumour_map.signed_distance import voxel_ml_of

Place = tuple[float, float, float]
"""A point in RAS+ mm."""


@dataclass(frozen=True)
class RegionMeasure:
    """Size and place of one region.

    Attributes:
        region: WT, TC or ET.
        volume_ml: Its volume in ml.
        centroid_mm: Its centre of mass in RAS+ mm, None where it is empty.
    """

    region: Region
    volume_ml: float
    centroid_mm: Place | None


@dataclass(frozen=True)
class EditStep:
    """One edit and what it did.

    Attributes:
        edit: As asked.
        done: What was done: the edit itself, or what a random edit drew.
        draws: How often a random edit was drawn, 1 for any other.
        before: WT, TC and ET before it.
        after: WT, TC and ET after it.
        clipped_ml: What fell outside the brain or the grid and was cut off, ml; a movement that follows directly
            brings it back.
    """

    edit: Edit
    done: tuple[Edit, ...]
    draws: int
    before: tuple[RegionMeasure, ...]
    after: tuple[RegionMeasure, ...]
    clipped_ml: float

    @property
    def lost(self) -> tuple[Region, ...]:
        """Regions that were there before and are not any more."""
        pairs = zip(self.before, self.after, strict=True)
        return tuple(old.region for old, new in pairs if old.volume_ml > 0.0 and new.volume_ml == 0.0)


@dataclass(frozen=True)
class Healing:
    """How the place that a tumour left was filled in a label map.

    Attributes:
        mirrored_ml: With the tissue of the mirrored side.
        nearest_ml: With the nearest tissue, where the mirrored side is no brain or is tumour itself.
    """

    mirrored_ml: float
    nearest_ml: float


def measure(labels: LabelMap, grid: Grid) -> tuple[RegionMeasure, ...]:
    """Returns size and place of WT, TC and ET.

    Args:
        labels: ``(X, Y, Z)``.
        grid: Its grid.
    """
    if not labels.any():
        return tuple(RegionMeasure(region, 0.0, None) for region in REGIONS)
    box = bounding_box(labels != 0)
    local, inside = crop(labels, box), Grid.of(box.shape, crop_affine(grid.affine, box))
    return tuple(_measure(local, region, inside) for region in REGIONS)


def _measure(labels: LabelMap, region: Region, grid: Grid) -> RegionMeasure:
    mask = region_mask(labels, region)
    count = int(np.count_nonzero(mask))
    if not count:
        return RegionMeasure(region, 0.0, None)
    x, y, z = (float(value) for value in centroid_mm(mask, grid.affine))
    return RegionMeasure(region, count * voxel_ml_of(grid), (x, y, z))
