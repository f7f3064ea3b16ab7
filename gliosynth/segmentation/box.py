"""Boxes around masks, and the crops of axial slices that networks accept."""

import numpy as np
from numpy.typing import NDArray

from gliosynth.geometry import Box, bounding_box
from gliosynth.labels import Mask


def box_of(mask: Mask) -> Box | None:
    """Returns the smallest box that holds every voxel of a mask, or None if the mask is empty.

    Args:
        mask: ``(X, Y, Z)`` bool.
    """
    return bounding_box(mask) if mask.any() else None


def index_of(box: Box) -> tuple[slice, slice, slice]:
    """Returns a box that lies inside a volume as the index of its voxels."""
    x, y, z = (slice(start, stop) for start, stop in zip(box.start, box.stop, strict=True))
    return x, y, z


def in_plane_box(box: Box, shape: tuple[int, int, int], *, margin: int, multiple: int) -> Box:
    """Returns the box grown in X and Y by a margin and up to the next multiple; Z stays.

    The growth takes the volume's own voxels where there are any: a box that would reach over one face is moved back
    inside. It reaches out of the volume only where the volume is smaller than the size asked for.

    Args:
        box: A box inside the volume.
        shape: Shape ``(X, Y, Z)`` of the volume.
        margin: Voxels to add on each of the four sides.
        multiple: The in-plane sizes become multiples of this.
    """
    (x0, x1), (y0, y1) = (
        _grown_range(box.start[axis] - margin, box.stop[axis] + margin, extent=shape[axis], multiple=multiple)
        for axis in (0, 1)
    )
    return Box(start=(x0, y0, box.start[2]), stop=(x1, y1, box.stop[2]))


def _grown_range(start: int, stop: int, *, extent: int, multiple: int) -> tuple[int, int]:
    size = -(-(stop - start) // multiple) * multiple
    start -= (size - (stop - start)) // 2
    start = min(max(start, 0), extent - size) if size <= extent else -((size - extent) // 2)
    return start, start + size


def crop_slices(volume: NDArray[np.float32], box: Box, indices: NDArray[np.intp]) -> NDArray[np.float32]:
    """Returns axial slices of one volume cut to a box, zero where the box lies outside the volume.

    Args:
        volume: ``(X, Y, Z)`` float32.
        box: Its X and Y ranges are cut out; Z is ignored.
        indices: Z indices ``(B,)`` inside the volume.

    Returns:
        ``(B, H, W)`` float32 with H along X and W along Y.
    """
    height, width, _ = box.shape
    inside, target = _overlap(box, volume.shape)
    slices = np.zeros((len(indices), height, width), dtype=np.float32)
    slices[:, target[0], target[1]] = np.moveaxis(volume[inside[0], inside[1]][:, :, indices], 2, 0)
    return slices


def paste_slices(target: Mask, box: Box, indices: NDArray[np.intp], slices: NDArray[np.bool_]) -> None:
    """Writes axial slices back to where `crop_slices` took them from, in place.

    Args:
        target: ``(X, Y, Z)`` bool; only the slices named are written.
        box: The box that was cut out.
        indices: Z indices ``(B,)``.
        slices: ``(B, H, W)`` bool; what lies outside the volume is dropped.
    """
    inside, source = _overlap(box, target.shape)
    target[inside[0], inside[1], indices] = np.moveaxis(slices[:, source[0], source[1]], 0, 2)


def _overlap(box: Box, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Returns the in-plane part of a box inside the volume: as indices of the volume, and of the crop."""
    lows = [max(box.start[axis], 0) for axis in (0, 1)]
    highs = [min(box.stop[axis], shape[axis]) for axis in (0, 1)]
    volume_x, volume_y = (slice(low, high) for low, high in zip(lows, highs, strict=True))
    crop_x, crop_y = (slice(lows[axis] - box.start[axis], highs[axis] - box.start[axis]) for axis in (0, 1))
    return (volume_x, volume_y), (crop_x, crop_y)
