"""Where each region lies in native space, and the proof that it was put back where it belongs.

The way from the 1 mm grid to the native grid is where orientations get lost. The proof knows nothing of that way: it
takes the voxels of the tumour on the 1 mm grid, places them in the world by that grid's affine, finds the native voxels
they fall into by the affine of the file that was sent, and asks whether the native label map says tumour there. A
flipped axis, a wrong offset or a wrong order of axes leaves few that agree, or moves their centre away from that of the
label map.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import ModelError
from gliosynth.geometry import apply_affine, centroid_mm
from gliosynth.labels import REGIONS, Region, region_mask
from gliosynth.volume import Affine, Volume

LARGEST_SHIFT_VOXELS: Final = 0.25
"""Largest believed distance of the centre of the native tumour from that of the 1 mm tumour inside it.

In the longest voxel edge of the two grids. A label map that is off by half a voxel moves the first by half a voxel and
the second by a quarter.
"""

SMALL_REGION_VOXELS: Final = 50
"""Native voxels below which rounding alone can move a centre that far; then twice as much is believed."""

SMALLEST_COVERAGE: Final = 0.4
"""Share of the native tumour that the 1 mm tumour inside it must fill.

A native voxel is tumour when tumour fills at least half of it; a tenth is left to interpolation.
"""

SURELY_FILLED: Final = 0.9
"""A native voxel that tumour fills by this share must be tumour, whatever the interpolation."""


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
        ModelError: The native tumour is not where it was found (GEOMETRY_PROOF).
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
    there = native.data > 0
    points = np.argwhere(working.data > 0)
    places_mm = apply_affine(working.affine, points)
    cells = _native_cells(native, places_mm)
    if not there.any():
        _check_vanished(cells, native, working)
        return
    inside = np.zeros(len(points), dtype=np.bool_)
    known = (cells >= 0).all(axis=1)
    inside[known] = there[tuple(cells[known].T)]
    coverage = np.count_nonzero(inside) * working.voxel_volume_ml / (np.count_nonzero(there) * native.voxel_volume_ml)
    if coverage < SMALLEST_COVERAGE:
        raise _misplaced(f"the tumour that was found fills {coverage:.0%} of the native label map")
    shift_mm = float(np.linalg.norm(centroid_mm(there, native.affine) - places_mm[inside].mean(axis=0)))
    limit_mm = LARGEST_SHIFT_VOXELS * max(*native.spacing_mm, *working.spacing_mm)
    if shift_mm > limit_mm * (2 if np.count_nonzero(there) < SMALL_REGION_VOXELS else 1):
        raise _misplaced(f"its centre moved by {shift_mm:.2f} mm, {limit_mm:.2f} mm are believed")


def _native_cells(native: Volume[np.uint8], points_mm: NDArray[np.float64]) -> NDArray[np.intp]:
    """Returns the index of the native voxel that each point lies in, ``(N, 3)``; -1 three times outside the grid."""
    to_native: Affine = np.asarray(np.linalg.inv(native.affine), dtype=np.float64)
    cells = np.rint(apply_affine(to_native, points_mm)).astype(np.intp)
    cells[((cells < 0) | (cells >= native.shape)).any(axis=1)] = -1
    return cells


def _check_vanished(cells: NDArray[np.intp], native: Volume[np.uint8], working: Volume[np.uint8]) -> None:
    """Accepts an empty native label map only where tumour fills no native voxel."""
    cells = cells[(cells >= 0).all(axis=1)]
    if not len(cells):
        return
    _, counts = np.unique(cells, axis=0, return_counts=True)
    if counts.max() * working.voxel_volume_ml >= SURELY_FILLED * native.voxel_volume_ml:
        raise _misplaced("the tumour vanished, although it fills native voxels")


def _misplaced(what: str) -> ModelError:
    return ModelError(
        f"t1c: on the way back to the native grid {what}; the result is withheld, report the geometry of this case",
        field="t1c",
        got=what,
        reason="GEOMETRY_PROOF",
    )
