"""Where each region lies in native space, and the proof that it was put back where it belongs.

The way from the 1 mm grid to the native grid is where orientations get lost. The proof knows nothing of that way: it
takes the voxels of the tumour on the 1 mm grid, places them in the world by that grid's affine, finds the native voxels
they fall into by the affine of the file that was sent, and counts how many of those are tumour in the native label
map. None agrees, or more would agree one native voxel aside: then the label map lies elsewhere, by a flipped axis, a
wrong order of axes or an offset above half a voxel. Thin, scattered and cut-off tumours lose voxels on the way to thick
slices, but never agree better elsewhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import ModelError
from gliosynth.geometry import apply_affine, centroid_mm
from gliosynth.labels import REGIONS, Region, region_mask
from gliosynth.volume import Volume

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
    places_mm = apply_affine(working.affine, np.argwhere(working.data > 0))
    indices = apply_affine(np.asarray(np.linalg.inv(native.affine), dtype=np.float64), places_mm)
    if not there.any():
        _check_vanished(_cells(indices, native), native, working)
        return
    agreeing = _agreement(indices, native)
    if not agreeing:
        raise _misplaced("no voxel of the tumour lies where it was found")
    for step in np.vstack([np.eye(3), -np.eye(3)]):
        aside = _agreement(indices + step, native)
        if aside > agreeing:
            raise _misplaced(
                f"{aside} voxels of the tumour agree at an offset of {step.astype(int).tolist()}, {agreeing} in place"
            )


def _agreement(indices: NDArray[np.float64], native: Volume[np.uint8]) -> int:
    """Returns how many points, ``(N, 3)`` native indices, lie in tumour of the native label map."""
    cells = _cells(indices, native)
    return int(np.count_nonzero(native.data[tuple(cells.T)]))


def _cells(indices: NDArray[np.float64], native: Volume[np.uint8]) -> NDArray[np.intp]:
    """Returns the native voxels, ``(M, 3)``, of those points that lie in the native grid."""
    cells = np.rint(indices).astype(np.intp)
    return cells[((cells >= 0) & (cells < native.shape)).all(axis=1)]


def _check_vanished(cells: NDArray[np.intp], native: Volume[np.uint8], working: Volume[np.uint8]) -> None:
    """Accepts an empty native label map only where tumour fills no native voxel."""
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
