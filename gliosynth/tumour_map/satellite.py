"""A small lesion added beside a tumour."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import distance_transform_edt

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import Grid, Points, apply_affine, centroid_mm, crop, crop_affine, uncrop
from gliosynth.labels import Label, LabelMap, Mask
from gliosynth.tumour_map.edits import AddSatellite
from gliosynth.tumour_map.movement import make_bend
from gliosynth.tumour_map.signed_distance import cut_to_grid, lowest, padded_box, voxel_ml_of

SEARCH_MM: Final = 25.0
"""How much farther than asked a satellite may lie for want of room, mm."""

UNEVENNESS: Final = 0.2
"""Standard deviation of the surface's displacement, in radii."""

WAVE: Final = 1.2
"""Distance over which the surface changes, in radii."""


@dataclass(frozen=True, eq=False)
class _Place:
    """Where a satellite may lie.

    Attributes:
        free: ``(x, y, z)`` bool: room at least the gap away from the tumour.
        clearance_mm: ``(x, y, z)``: distance to what is not free.
        gap_mm: ``(x, y, z)``: distance to the tumour.
        points: ``(x, y, z, 3)`` world mm.
    """

    free: Mask
    clearance_mm: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    gap_mm: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    points: Points


def add_satellite(labels: LabelMap, room: Mask, grid: Grid, edit: AddSatellite) -> LabelMap:
    """Returns the tumour map with a satellite.

    Args:
        labels: ``(X, Y, Z)``, not empty.
        room: ``(X, Y, Z)`` bool: where a tumour may lie.
        grid: Their grid.
        edit: What to add.

    Raises:
        InvalidParameterError: It is smaller than a voxel, or there is no room for it.
    """
    count = round(edit.volume_ml / voxel_ml_of(grid))
    if count < 1:
        raise InvalidParameterError(
            f"volume_ml: {edit.volume_ml:g} ml is less than half a voxel of {voxel_ml_of(grid):g} ml; give more",
            field="volume_ml",
            got=f"{edit.volume_ml:g}",
            reason="NOTHING_CHANGES",
        )
    radius_mm = float(np.cbrt(edit.volume_ml * 1000.0 * 3.0 / (4.0 * np.pi)))
    box = cut_to_grid(padded_box(labels != 0, grid, edit.gap_mm + 2.0 * radius_mm + SEARCH_MM), grid)
    local = Grid.of(box.shape, crop_affine(grid.affine, box))
    place = _place(crop(labels, box), crop(room, box), local, edit.gap_mm)
    rng = np.random.default_rng(edit.seed)
    centre = _centre(place, centroid_mm(labels != 0, grid.affine), radius_mm, edit, rng)
    bend = make_bend(centre, amount_mm=UNEVENNESS * radius_mm, scale_mm=WAVE * radius_mm, rng=rng)
    distance = np.linalg.norm(bend.sources_of(place.points) - centre, axis=-1).astype(np.float32)
    satellite = lowest(distance, place.free, count)
    added = np.where(satellite, np.uint8(Label.ED), np.uint8(0))
    added[lowest(distance, satellite, round(count * edit.enhancing_share))] = Label.ET
    result: LabelMap = np.maximum(labels, uncrop(added, box, grid.shape))
    return result


def _place(labels: LabelMap, room: Mask, grid: Grid, gap_mm: float) -> _Place:
    gap = distance_transform_edt(labels == 0, sampling=grid.spacing_mm)
    free: Mask = room & (gap > gap_mm)
    clearance = distance_transform_edt(np.pad(free, 1), sampling=grid.spacing_mm)[1:-1, 1:-1, 1:-1]
    voxels = np.stack(np.meshgrid(*(np.arange(size) for size in grid.shape), indexing="ij"), axis=-1)
    return _Place(free, clearance, gap, apply_affine(grid.affine, voxels))


def _centre(place: _Place, tumour: Points, radius_mm: float, edit: AddSatellite, rng: np.random.Generator) -> Points:
    """Returns the centre ``(3,)`` in world mm: as close as asked, in a random direction, as far as there is room."""
    fits = place.clearance_mm >= radius_mm
    if not fits.any():
        raise InvalidParameterError(
            f"volume_ml: no place around the tumour has room for {edit.volume_ml:g} ml at a distance of"
            f" {edit.gap_mm:g} mm inside the brain; give a smaller volume or gap",
            field="volume_ml",
            got=f"{edit.volume_ml:g}",
            reason="NO_ROOM",
        )
    direction = rng.standard_normal(3)
    offsets = place.points[fits] - tumour
    lengths = np.linalg.norm(offsets, axis=-1) + 1e-6
    turned_away = 1.0 - offsets @ (direction / np.linalg.norm(direction)) / lengths
    excess_mm = place.gap_mm[fits] - edit.gap_mm - radius_mm
    best = int(np.argmin(np.round(excess_mm + turned_away * SEARCH_MM, 6)))
    return np.asarray(place.points[fits][best])
