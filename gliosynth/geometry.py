"""Where voxels lie: orientations, grids, boxes, centroids, and exact crops.

World coordinates are RAS+ mm. A voxel's index is its centre: voxel 0 reaches from -0.5 to 0.5.
"""

# mypy: allow-untyped-calls
# (nibabel's orientation functions carry no types.)

from dataclasses import dataclass
from typing import Final, Self

import nibabel.orientations as nibo
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gliosynth.errors import InvalidVolumeError
from gliosynth.labels import Mask
from gliosynth.volume import Affine, ScalarT_co, Volume, spacing_of

Shape = tuple[int, int, int]
"""Voxels along X, Y and Z."""

Points = NDArray[np.float64]
"""Coordinates ``(..., 3)``."""

AxisCodes = tuple[str, str, str]
"""Where each voxel axis points to: one of R/L, A/P and S/I each."""

GRID_TOLERANCE_MM: Final = 1e-2
"""Two grids are one grid if no corner differs by more than this: headers store single precision."""

UNET_MULTIPLE: Final = 16
"""The 2D U-Nets halve a slice four times, so its sides must be multiples of this."""


@dataclass(frozen=True)
class Grid:
    """A regular grid: shape and affine, without voxels. Plain tuples, so that it compares, hashes and turns to JSON.

    Attributes:
        shape: Voxels along X, Y and Z.
        rows: The upper three rows of the affine, voxel index to RAS+ mm.
    """

    shape: Shape
    rows: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def of(cls, shape: Shape, affine: Affine) -> Self:
        """Returns the grid of a shape and an affine ``(4, 4)``."""
        x, y, z = (int(size) for size in shape)
        rows = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in affine[:3])
        return cls(shape=(x, y, z), rows=rows)

    @property
    def affine(self) -> Affine:
        """``(4, 4)`` float64: voxel index to RAS+ mm."""
        return np.vstack([np.asarray(self.rows, dtype=np.float64), [0.0, 0.0, 0.0, 1.0]])

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel in mm."""
        return spacing_of(self.affine)

    @property
    def corners(self) -> Points:
        """World coordinates ``(8, 3)`` in mm of the outer corners of the grid, half a voxel beyond its centres."""
        unit = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
        return apply_affine(self.affine, unit * np.asarray(self.shape) - 0.5)

    def matches(self, other: "Grid") -> bool:
        """Whether both grids have the same voxels in the same places, see `GRID_TOLERANCE_MM`."""
        return self.shape == other.shape and bool(np.abs(self.corners - other.corners).max() <= GRID_TOLERANCE_MM)


@dataclass(frozen=True)
class Box:
    """A box of voxels, which may reach beyond its grid.

    Attributes:
        start: First index along X, Y and Z.
        stop: Index behind the last along X, Y and Z.
    """

    start: Shape
    stop: Shape

    @property
    def shape(self) -> Shape:
        """Voxels along X, Y and Z."""
        x, y, z = (b - a for a, b in zip(self.start, self.stop, strict=True))
        return x, y, z


def grid_of(volume: Volume[np.generic]) -> Grid:
    """Returns the grid that a volume lies on."""
    return Grid.of(volume.shape, volume.affine)


def apply_affine(affine: Affine, points: ArrayLike) -> Points:
    """Returns the points moved by an affine.

    Args:
        affine: ``(4, 4)``.
        points: ``(..., 3)``.
    """
    return np.asarray(points, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3]


def axis_codes(affine: Affine) -> AxisCodes:
    """Returns where the voxel axes point to, e.g. ``("L", "A", "S")``.

    Args:
        affine: ``(4, 4)``, voxel index to RAS+ mm.
    """
    x, y, z = nibo.aff2axcodes(affine)
    return str(x), str(y), str(z)


def reorient_to_ras(volume: Volume[ScalarT_co]) -> Volume[ScalarT_co]:
    """Returns the same voxels with the axes permuted and flipped so that they point closest to R, A and S.

    No voxel is interpolated; the data is a view, and the affine places each voxel where it was.

    Args:
        volume: Volume of any orientation.
    """
    orientation = nibo.io_orientation(volume.affine)
    data = nibo.apply_orientation(volume.data, orientation)
    affine = volume.affine @ nibo.inv_ornt_aff(orientation, volume.shape)
    return Volume(data, affine, volume.name)


def ras_grid(grid: Grid) -> Grid:
    """Returns the grid with its axes permuted and flipped as `reorient_to_ras` does."""
    orientation = nibo.io_orientation(grid.affine)
    x, y, z = (grid.shape[int(np.flatnonzero(orientation[:, 0] == axis)[0])] for axis in range(3))
    return Grid.of((x, y, z), grid.affine @ nibo.inv_ornt_aff(orientation, grid.shape))


def isotropic_grid(grid: Grid, spacing_mm: float) -> Grid:
    """Returns an isotropic grid over the same box, see `aligned_grid`."""
    return aligned_grid(grid, (spacing_mm, spacing_mm, spacing_mm))


def aligned_grid(grid: Grid, spacing_mm: tuple[float, float, float]) -> Grid:
    """Returns a grid of another spacing over the same box, with the given grid's axes in the order closest to R, A, S.

    The axes stay with the slices of the scan, so that thick slices blur along one axis only. Sheared axes are replaced
    by the closest orthogonal ones (polar decomposition), and the box grows to cover all corners. A grid that already
    has this spacing and no shear is returned as it is, reordered.

    Args:
        grid: Grid of the reference volume.
        spacing_mm: Edges of the new voxels along the new X, Y and Z.
    """
    ordered = ras_grid(grid)
    directions = ordered.affine[:3, :3] / np.asarray(ordered.spacing_mm)
    left, _, right = np.linalg.svd(directions)
    axes, wanted_mm = left @ right, np.asarray(spacing_mm)
    drift_mm = np.abs(np.asarray(ordered.spacing_mm) - wanted_mm) * np.asarray(ordered.shape)
    if (drift_mm <= GRID_TOLERANCE_MM).all() and np.allclose(axes, directions, atol=1e-4):
        return ordered
    along = ordered.corners @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    sizes = np.maximum(1, np.ceil((high - low) / wanted_mm - 1e-3)).astype(int)
    first_centre = (low + high) / 2 - (sizes - 1) / 2 * wanted_mm
    affine = np.eye(4)
    affine[:3, :3] = axes * wanted_mm
    affine[:3, 3] = axes @ first_centre
    return Grid.of((int(sizes[0]), int(sizes[1]), int(sizes[2])), affine)


def centroid_mm(mask: Mask, affine: Affine) -> Points:
    """Returns the centre of mass of a mask in RAS+ mm, ``(3,)``.

    Args:
        mask: Boolean mask ``(X, Y, Z)``.
        affine: ``(4, 4)``, voxel index to RAS+ mm.

    Raises:
        InvalidVolumeError: EMPTY_MASK.
    """
    if not mask.any():
        raise InvalidVolumeError(
            "an empty mask has no centroid; check that it has voxels first", got="0 voxels", reason="EMPTY_MASK"
        )
    counts = [mask.sum(axis=axes, dtype=np.int64) for axes in ((1, 2), (0, 2), (0, 1))]
    index = [float(np.average(np.arange(count.size), weights=count)) for count in counts]
    return apply_affine(affine, index)


def bounding_box(mask: Mask, *, margin: Shape = (0, 0, 0)) -> Box:
    """Returns the smallest box around a mask, grown by a margin and cut at the grid.

    Args:
        mask: Boolean mask ``(X, Y, Z)``.
        margin: Voxels to add on both sides along X, Y and Z.

    Raises:
        InvalidVolumeError: EMPTY_MASK.
    """
    found = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if found[0].size == 0:
        raise InvalidVolumeError(
            "an empty mask has no bounding box; check that it has voxels first", got="0 voxels", reason="EMPTY_MASK"
        )
    start = [max(0, int(index[0]) - grow) for index, grow in zip(found, margin, strict=True)]
    stop = [min(size, int(index[-1]) + 1 + grow) for index, grow, size in zip(found, margin, mask.shape, strict=True)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def grow_to_multiple(box: Box, multiples: Shape) -> Box:
    """Returns the box grown on both sides, evenly, until each side is a multiple; it may then leave the grid.

    Args:
        box: Box to grow.
        multiples: Wanted divisor of the sides along X, Y and Z; 1 leaves a side as it is.
    """
    start, stop = list(box.start), list(box.stop)
    for axis, multiple in enumerate(multiples):
        missing = -(stop[axis] - start[axis]) % multiple
        start[axis] -= missing // 2
        stop[axis] += missing - missing // 2
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def crop_affine(affine: Affine, box: Box) -> Affine:
    """Returns the affine of the cropped grid: the same axes, the origin at the box's first voxel."""
    moved = affine.copy()
    moved[:3, 3] = apply_affine(affine, box.start)
    return moved


def crop(data: NDArray[ScalarT_co], box: Box) -> NDArray[ScalarT_co]:
    """Returns the voxels of a box; those outside the grid are 0.

    Args:
        data: ``(..., X, Y, Z)``.
        box: Box, which may leave the grid.
    """
    result = np.zeros((*data.shape[:-3], *box.shape), dtype=data.dtype)
    source, target = _shared(box, (data.shape[-3], data.shape[-2], data.shape[-1]))
    (a, b, c), (x, y, z) = source, target
    result[..., x, y, z] = data[..., a, b, c]
    return result


def uncrop(data: NDArray[ScalarT_co], box: Box, shape: Shape) -> NDArray[ScalarT_co]:
    """Returns the voxels of a box put back into their grid, 0 elsewhere: the inverse of `crop`.

    Args:
        data: ``(..., x, y, z)``, the box's voxels.
        box: The box that `crop` was given.
        shape: Shape ``(X, Y, Z)`` of the grid.
    """
    result = np.zeros((*data.shape[:-3], *shape), dtype=data.dtype)
    source, target = _shared(box, shape)
    (a, b, c), (x, y, z) = source, target
    result[..., a, b, c] = data[..., x, y, z]
    return result


def _shared(box: Box, shape: Shape) -> tuple[list[slice], list[slice]]:
    """Returns the slices, in the grid and in the box, of the voxels that both have."""
    low = [min(max(0, a), size) for a, size in zip(box.start, shape, strict=True)]
    high = [max(first, min(size, b)) for first, size, b in zip(low, shape, box.stop, strict=True)]
    in_grid = [slice(a, b) for a, b in zip(low, high, strict=True)]
    in_box = [slice(a - first, b - first) for a, b, first in zip(low, high, box.start, strict=True)]
    return in_grid, in_box
