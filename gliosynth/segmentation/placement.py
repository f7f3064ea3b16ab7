"""Where each region lies in native space, and the proof that it was put back where it belongs.

The way from the 1 mm grid to the native grid is where orientations get lost. So each region's centre of mass is
computed twice, in millimetres of the same world: on the 1 mm grid by its affine, and on the native grid by the affine
of the file that was sent. A flipped axis, a wrong offset or a wrong order of axes moves the second by centimetres.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import ModelError
from gliosynth.geometry import centroid_mm
from gliosynth.labels import REGIONS, Region, region_mask
from gliosynth.volume import Affine, Volume

LARGEST_SHIFT_VOXELS: Final = 0.5
"""Largest believed distance of the two centres, in native voxels along each native axis."""

SMALL_REGION_VOXELS: Final = 50
"""Native voxels below which rounding to whole voxels alone can move a centre by half a voxel."""

LARGEST_SHIFT_SMALL_VOXELS: Final = 1.0
"""The same limit for regions that small."""


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
            return  # a tumour of less than half of any native voxel can vanish honestly
        raise _misplaced("the whole tumour vanished on the way back to the native grid", np.inf)
    if not found.any():
        raise _misplaced("the native label map holds a tumour that was not found", np.inf)
    limit = LARGEST_SHIFT_VOXELS if np.count_nonzero(there) >= SMALL_REGION_VOXELS else LARGEST_SHIFT_SMALL_VOXELS
    shift_voxels = _shift_voxels(
        centroid_mm(there, native.affine) - centroid_mm(found, working.affine), affine=native.affine
    )
    if shift_voxels > limit:
        raise _misplaced("the whole tumour moved on the way back to the native grid", shift_voxels)


def _shift_voxels(shift_mm: NDArray[np.float64], *, affine: Affine) -> float:
    """Returns the largest component of a world vector in native voxels."""
    return float(np.abs(np.linalg.solve(affine[:3, :3], shift_mm)).max())


def _misplaced(what: str, shift_voxels: float) -> ModelError:
    return ModelError(
        f"t1c: {what}, by {shift_voxels:.2f} native voxels; the result is withheld, report the geometry of this case",
        field="t1c",
        got=f"{shift_voxels:.2f} voxels",
        reason="GEOMETRY_PROOF",
    )
