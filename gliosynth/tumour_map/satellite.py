"""A small lesion added beside a tumour."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import Grid, Points, apply_affine, centroid_mm, crop, crop_affine, uncrop
from gliosynth.labels import Label, LabelMap, Mask
from gliosynth.tumour.terrain import ball_radius_mm
from gliosynth.tumour_map.edits import AddSatellite
from gliosynth.tumour_map.movement import GRAIN_PER_MM, inverse_of, make_bend
from gliosynth.tumour_map.signed_distance import cut_to_grid, lowest, padded_box, voxel_ml_of

SEARCH_MM: Final = 25.0
"""How much farther than asked a satellite may lie for want of room, mm."""

UNEVENNESS: Final = 0.2
"""Standard deviation of the surface's displacement, in radii."""

REACH: Final = 2.0
"""Half edge of the satellite's box in radii: a ball that fits has room well inside it."""

WAVE: Final = 1.2
"""Distance over which the surface changes, in radii."""


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
    radius_mm = ball_radius_mm(edit.volume_ml)
    tumour = labels != 0
    box = cut_to_grid(padded_box(tumour, grid, edit.gap_mm + 2.0 * radius_mm + SEARCH_MM), grid)
    local = Grid.of(box.shape, crop_affine(grid.affine, box))
    gap_mm = distance_transform_edt(~crop(tumour, box), sampling=grid.spacing_mm)
    free: Mask = crop(room, box) & (gap_mm > edit.gap_mm)
    rng = np.random.default_rng(edit.seed)
    centre = _centre(free, gap_mm, local, radius_mm, edit, rng)
    added = uncrop(_shape(free, local, centre, radius_mm, count, edit, rng), box, grid.shape)
    return np.maximum(labels, added)


def _centre(
    free: Mask, gap_mm: NDArray[np.float64], grid: Grid, radius_mm: float, edit: AddSatellite, rng: np.random.Generator
) -> Points:
    """Returns the centre ``(3,)`` in world mm: as close as asked, in a random direction, where a ball has room."""
    clearance_mm = distance_transform_edt(np.pad(free, 1), sampling=grid.spacing_mm)[1:-1, 1:-1, 1:-1]
    fits = clearance_mm >= radius_mm
    if not fits.any():
        raise InvalidParameterError(
            f"volume_ml: no place around the tumour has room for {edit.volume_ml:g} ml at a distance of"
            f" {edit.gap_mm:g} mm inside the brain; give a smaller volume or gap",
            field="volume_ml",
            got=f"{edit.volume_ml:g}",
            reason="NO_ROOM",
        )
    direction = rng.standard_normal(3)
    points = apply_affine(grid.affine, np.argwhere(fits))
    offsets = points - centroid_mm(gap_mm == 0.0, grid.affine)
    turned_away = 1.0 - offsets @ (direction / np.linalg.norm(direction)) / (np.linalg.norm(offsets, axis=1) + 1e-6)
    excess_mm = gap_mm[fits] - edit.gap_mm - radius_mm
    return np.asarray(points[int(np.argmin(np.round(excess_mm + turned_away * SEARCH_MM, 6)))])


def _shape(
    free: Mask,
    grid: Grid,
    centre: Points,
    radius_mm: float,
    count: int,
    edit: AddSatellite,
    rng: np.random.Generator,
) -> LabelMap:
    """Returns the satellite alone, ``(x, y, z)`` uint8: an uneven ball of exactly `count` free voxels."""
    middle = apply_affine(inverse_of(grid.affine), centre)
    reach = REACH * radius_mm / np.asarray(grid.spacing_mm) + 1.0
    low = np.maximum(np.floor(middle - reach).astype(int), 0)
    high = np.minimum(np.ceil(middle + reach).astype(int) + 1, grid.shape)
    inside = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    voxels = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    bend = make_bend(centre, amount_mm=UNEVENNESS * radius_mm, scale_mm=WAVE * radius_mm, rng=rng)
    sources = bend.sources_of(apply_affine(grid.affine, voxels))
    distance = np.rint(np.linalg.norm(sources - centre, axis=-1) * GRAIN_PER_MM).astype(np.float32)
    satellite = lowest(distance, free[inside], count)
    labels = np.zeros(free.shape, dtype=np.uint8)
    local = labels[inside]
    local[satellite] = Label.ED
    local[lowest(distance, satellite, round(count * edit.enhancing_share))] = Label.ET
    return labels
