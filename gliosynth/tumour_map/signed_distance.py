"""The regions of a tumour as signed distances: fields that can be moved, bent and cut at any level, and stay nested.

A field is negative inside its region and positive outside, in mm. As ET lies in TC and TC in WT, their fields never
cross, and neither do their interpolations: the surface between two thick slices runs where the distances meet
(shape-based interpolation; Raya and Udupa, IEEE Trans. Med. Imaging 9:32, 1990).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gliosynth.geometry import Box, Grid, bounding_box, crop, crop_affine
from gliosynth.labels import REGIONS, LabelMap, Mask, region_mask

Field = NDArray[np.float32]
"""``(X, Y, Z)`` float32: mm from a region's surface, negative inside."""

MARGIN_MM: Final = 6.0
"""Healthy rim around a tumour in which its distances are known, mm; at least `MARGIN_VOXELS`."""

MARGIN_VOXELS: Final = 2
"""The same in voxels, for thick slices."""


@dataclass(frozen=True, eq=False)
class RegionField:
    """One region in its box.

    Attributes:
        distances: The field.
        count: Voxels of the region.
        grid: The box as a grid of its own.
    """

    distances: Field
    count: int
    grid: Grid


Fields = tuple[RegionField | None, ...]
"""One field for each of `REGIONS`, None where the region is empty."""


def voxel_ml_of(grid: Grid) -> float:
    """Returns the volume of one voxel in ml."""
    return abs(float(np.linalg.det(grid.affine[:3, :3]))) / 1000.0


def fields_of(labels: LabelMap, grid: Grid) -> Fields:
    """Returns the regions of a tumour map as signed distances, each in a box around it.

    Args:
        labels: ``(X, Y, Z)``, not empty.
        grid: The grid of the labels.
    """
    box = padded_box(labels != 0, grid, 0.0)
    local, inside = crop(labels, box), Grid.of(box.shape, crop_affine(grid.affine, box))
    return tuple(_field(region_mask(local, region), inside) for region in REGIONS)


def _field(mask: Mask, grid: Grid) -> RegionField | None:
    if not mask.any():
        return None
    box = padded_box(mask, grid, MARGIN_MM)
    local = crop(mask, box)
    inside = Grid.of(box.shape, crop_affine(grid.affine, box))
    return RegionField(signed_distance(local, grid.spacing_mm), int(np.count_nonzero(local)), inside)


def padded_box(mask: Mask, grid: Grid, margin_mm: float) -> Box:
    """Returns the box of a mask and a rim around it, which may leave the grid.

    Args:
        mask: ``(X, Y, Z)``, not empty.
        grid: Its grid.
        margin_mm: Width of the rim, mm; at least `MARGIN_VOXELS`.
    """
    tight = bounding_box(mask)
    margins = [max(MARGIN_VOXELS, int(np.ceil(margin_mm / edge))) for edge in grid.spacing_mm]
    low = [start - margin for start, margin in zip(tight.start, margins, strict=True)]
    high = [stop + margin for stop, margin in zip(tight.stop, margins, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def cut_to_grid(box: Box, grid: Grid) -> Box:
    """Returns the part of a box that lies on the grid or at most one voxel beyond it."""
    low = [max(start, -1) for start in box.start]
    high = [min(stop, size + 1) for stop, size in zip(box.stop, grid.shape, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def signed_distance(mask: Mask, spacing_mm: tuple[float, float, float]) -> Field:
    """Returns the distance to the nearest voxel on the other side of a mask's surface, negative inside.

    Args:
        mask: ``(X, Y, Z)`` with voxels inside and outside.
        spacing_mm: Voxel edges in mm.
    """
    inside = distance_transform_edt(mask, sampling=spacing_mm)
    outside = distance_transform_edt(~mask, sampling=spacing_mm)
    return np.asarray(outside - inside, dtype=np.float32)


def lowest(values: Field, candidates: Mask, count: int) -> Mask:
    """Returns the mask of exactly `count` candidates with the lowest values, or of all if there are fewer.

    Equal values are taken in the order of their indices, so that the result is the same everywhere.

    Args:
        values: ``(X, Y, Z)``.
        candidates: ``(X, Y, Z)``.
        count: How many.
    """
    places = np.flatnonzero(candidates)
    chosen = np.zeros(values.shape, dtype=np.bool_)
    chosen.reshape(-1)[lowest_places(values.reshape(-1)[places], places, count)] = True
    return chosen


def lowest_places(values: Field, places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Returns exactly `count` places with the lowest values, or all if there are fewer, as `lowest` does.

    Args:
        values: ``(N,)``.
        places: ``(N,)``: index of each value.
        count: How many.
    """
    if count >= places.size:
        return places
    if count <= 0:
        return places[:0]
    limit = np.partition(values, count - 1)[count - 1]
    below = values < limit
    equal = places[values == limit][: count - int(np.count_nonzero(below))]
    return np.concatenate([places[below], equal])
