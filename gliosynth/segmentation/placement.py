"""Where each region lies in native space, and the proof that it was put back where it belongs.

The way from the 1 mm grid to the native grid is where orientations get lost. So each region's centre of mass is
computed twice, in millimetres of the same world: on the 1 mm grid by its affine, and on the native grid by the affine
of the file that was sent. A flipped axis, a wrong offset or a wrong order of axes moves the second by centimetres.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.errors import ModelError
from gliosynth.geometry import centroid_mm
from gliosynth.labels import REGIONS, Region, region_mask
from gliosynth.volume import Volume

LARGEST_SHIFT_VOXELS: Final = 0.5
"""Largest believed distance of the two centres, in the longest voxel edge of the two grids.

Slices that are kept or dropped whole move the centre of a slanting tumour within the slice too, so the slice's
thickness counts in every direction.
"""

SMALL_REGION_VOXELS: Final = 50
"""Native voxels below which rounding to whole voxels alone can move a centre by half a voxel.

A tumour of less than half of any native voxel can even vanish honestly.
"""
LARGEST_SHIFT_SMALL_VOXELS: Final = 1.0
"""The same limit for a tumour that small."""


@dataclass(frozen=True)
class RegionPlace:
    """Size and place of one region in native space.

    Attributes:
        region: Which region.
        volume_ml: Volume in millilitres on the native grid.
        centroid_mm: Centre of mass in RAS+ mm of the native grid, or None where the region has no native voxel.
        shift_mm: Distance in mm to the centre of mass on the 1 mm grid, or None where either is missing.
        found_voxels: Voxels of the region on the 1 mm grid.
    """

    region: Region
    volume_ml: float
    centroid_mm: tuple[float, float, float] | None
    shift_mm: float | None
    found_voxels: int


def place_regions(native: Volume[np.uint8], working: Volume[np.uint8]) -> tuple[RegionPlace, ...]:
    """Returns where WT, TC and ET lie, after proving that the whole tumour is where it was found.

    Args:
        native: Label map on the native grid, values of `Label`.
        working: Label map on the grid it was found on, in the same world.

    Raises:
        ModelError: The centres of the whole tumour lie further apart than `LARGEST_SHIFT_VOXELS` (GEOMETRY_PROOF).
    """
    places = tuple(_place(native, working, region) for region in REGIONS)
    _prove_placement(native, working)
    return places


def _place(native: Volume[np.uint8], working: Volume[np.uint8], region: Region) -> RegionPlace:
    mask = region_mask(native.data, region)
    found = region_mask(working.data, region)
    found_voxels = int(np.count_nonzero(found))
    if not mask.any():
        return RegionPlace(region, 0.0, None, None, found_voxels)
    x, y, z = (float(value) for value in centroid_mm(mask, native.affine))
    volume_ml = int(np.count_nonzero(mask)) * native.voxel_volume_ml
    shift_mm = float(np.linalg.norm(centroid_mm(found, working.affine) - (x, y, z))) if found.any() else None
    return RegionPlace(region, volume_ml, (x, y, z), shift_mm, found_voxels)


def _prove_placement(native: Volume[np.uint8], working: Volume[np.uint8]) -> None:
    there, found = native.data > 0, working.data > 0
    if not there.any() and not found.any():
        return
    if not there.any():
        if int(np.count_nonzero(found)) * working.voxel_volume_ml < native.voxel_volume_ml * SMALL_REGION_VOXELS:
            return
        raise _misplaced("the whole tumour vanished on the way back to the native grid")
    if not found.any():
        raise _misplaced("the native label map holds a tumour that was not found")
    shift_mm = float(np.linalg.norm(centroid_mm(there, native.affine) - centroid_mm(found, working.affine)))
    small = np.count_nonzero(there) < SMALL_REGION_VOXELS
    limit_mm = (LARGEST_SHIFT_SMALL_VOXELS if small else LARGEST_SHIFT_VOXELS) * _longest_edge_mm(native, working)
    if shift_mm > limit_mm:
        raise _misplaced(f"the whole tumour moved by {shift_mm:.2f} mm on the way back, {limit_mm:.2f} mm are believed")


def _longest_edge_mm(native: Volume[np.uint8], working: Volume[np.uint8]) -> float:
    return max(*native.spacing_mm, *working.spacing_mm)


def _misplaced(what: str) -> ModelError:
    return ModelError(
        f"t1c: {what}; the result is withheld, report the geometry of this case",
        field="t1c",
        got=what,
        reason="GEOMETRY_PROOF",
    )
