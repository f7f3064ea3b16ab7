"""Boxes of voxels: metrics touch the full grid once, to find the box that holds everything, and work inside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidLabelError

Shape3 = tuple[int, int, int]
"""Number of voxels along X, Y and Z."""

Triple = tuple[float, float, float]
"""One number for each of X, Y and Z, such as ``spacing_mm``."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned block of voxels, half open: ``start <= index < stop``.

    Attributes:
        start: First voxel along X, Y and Z.
        stop: One past the last voxel along X, Y and Z.
    """

    start: Shape3
    stop: Shape3

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index that cuts the box out of an array."""
        x, y, z = (slice(low, high) for low, high in zip(self.start, self.stop, strict=True))
        return x, y, z

    @property
    def voxel_count(self) -> int:
        """Number of voxels in the box."""
        x, y, z = (high - low for low, high in zip(self.start, self.stop, strict=True))
        return x * y * z

    def union(self, other: "Box") -> "Box":
        """Returns the smallest box that holds both.

        Args:
            other: Box on the same grid.
        """
        return Box(
            _triple(np.minimum(self.start, other.start)),
            _triple(np.maximum(self.stop, other.stop)),
        )

    def grown(self, margin: int, *, shape: Shape3) -> "Box":
        """Returns the box with a margin on all sides, cut at the borders of the grid.

        Args:
            margin: Voxels to add on each side.
            shape: Shape of the grid.
        """
        low = np.maximum(np.asarray(self.start) - margin, 0)
        high = np.minimum(np.asarray(self.stop) + margin, shape)
        return Box(_triple(low), _triple(high))


def bounding_box(occupied: NDArray[np.bool_] | NDArray[np.uint8]) -> Box | None:
    """Returns the smallest box that holds every voxel other than zero, or None where there is none.

    Args:
        occupied: Mask or label map ``(X, Y, Z)``; C or Fortran order is read without a copy.

    Raises:
        InvalidLabelError: The array is not 3D, or its voxels are not bytes.
    """
    if occupied.ndim != 3 or occupied.itemsize != 1:
        raise InvalidLabelError(
            f"a mask or label map is a 3D array of bool or uint8, this is {occupied.dtype} {occupied.shape};"
            " convert it with canonical_labels or region_mask",
            field="mask",
            got=f"{occupied.dtype} {occupied.shape}",
            reason="NOT_A_MASK",
        )
    if occupied.flags.f_contiguous and not occupied.flags.c_contiguous:
        found = bounding_box(occupied.T)
        return None if found is None else Box(_reverse(found.start), _reverse(found.stop))
    rows: NDArray[np.uint8] = np.ascontiguousarray(occupied).view(np.uint8).reshape(occupied.shape[0], -1)
    filled = np.flatnonzero(rows.max(axis=1))
    if not filled.size:
        return None
    first, last = int(filled[0]), int(filled[-1]) + 1
    plane = rows[first:last].max(axis=0).reshape(occupied.shape[1:])
    along_y, along_z = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    return Box((first, int(along_y[0]), int(along_z[0])), (last, int(along_y[-1]) + 1, int(along_z[-1]) + 1))


def common_box(
    reference: NDArray[np.bool_] | NDArray[np.uint8], prediction: NDArray[np.bool_] | NDArray[np.uint8]
) -> Box | None:
    """Returns the smallest box that holds the voxels of both, or None where both are empty.

    Args:
        reference: Mask or label map ``(X, Y, Z)``.
        prediction: The same of the prediction, on the same grid.

    Raises:
        InvalidLabelError: The two have different shapes, or are not 3D.
    """
    check_same_grid(reference, prediction)
    first, second = bounding_box(reference), bounding_box(prediction)
    if first is None or second is None:
        return first or second
    return first.union(second)


def check_same_grid(reference: NDArray[np.generic], prediction: NDArray[np.generic]) -> None:
    """Refuses two arrays that do not lie on one grid.

    Args:
        reference: Array of the reference.
        prediction: Array of the prediction.

    Raises:
        InvalidLabelError: The shapes differ.
    """
    if reference.shape != prediction.shape:
        raise InvalidLabelError(
            f"reference {reference.shape} and prediction {prediction.shape} have different shapes;"
            " resample one onto the grid of the other",
            field="prediction",
            got=str(prediction.shape),
            reason="SHAPE_MISMATCH",
        )


def _triple(values: NDArray[np.integer]) -> Shape3:
    x, y, z = (int(value) for value in values)
    return x, y, z


def _reverse(triple: Shape3) -> Shape3:
    return triple[2], triple[1], triple[0]
