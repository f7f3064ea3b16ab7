"""The brain map: the generator's eight channels from an image and a tumour map (METHODS.md A.002).

Three channels hold the tumour (NCR, ED, ET), four the brain in bands of intensity, one the background. The bands are
shares of the largest intensity *of the same slice*: above 3/4, above 1/2, above 1/4, the rest of the brain; each is
closed by 3 x 3 voxels in its slice, which takes the noise out of it. A voxel that closing gives to several bands
belongs to the brightest of them, so that every voxel has exactly one channel and a brain map is one label map.

Where a tumour was that is somewhere else now, the brain becomes the band between 1/4 and 1/2; `Vacated` says what else
it may become (`gliosynth.generation.healing`).
"""

from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidCaseError, InvalidLabelError, InvalidParameterError
from gliosynth.geometry import bounding_box
from gliosynth.labels import Label, LabelMap, Mask

BrainMap = NDArray[np.uint8]
"""``(X, Y, Z)`` uint8, values of `BrainChannel`."""

Channels = NDArray[np.bool_]
"""``(8, X, Y, Z)`` bool, exactly one True at every voxel, in the order of `BrainChannel`."""


class BrainChannel(IntEnum):
    """The channels of a brain map."""

    NCR = 0
    ED = 1
    ET = 2
    BAND_1 = 3
    """Brain above 3/4 of the slice's largest intensity."""
    BAND_2 = 4
    """Above 1/2, up to 3/4."""
    BAND_3 = 5
    """Above 1/4, up to 1/2; also what a tumour that moved leaves behind."""
    BAND_4 = 6
    """The rest of the brain."""
    BACKGROUND = 7
    """Neither brain nor tumour."""


class Vacated(StrEnum):
    """What becomes of the place that a tumour left."""

    MIRRORED = "mirrored"
    """The bands of the mirrored side, in each contrast its own."""
    BAND = "band"
    """The band between 1/4 and 1/2 in every contrast, as the Augmentation Network's authors do it: darker than brain in
    T1, brighter in T2, so what a network paints there looks like a second lesion."""


BANDS: Final = (
    (BrainChannel.BAND_1, 0.75),
    (BrainChannel.BAND_2, 0.5),
    (BrainChannel.BAND_3, 0.25),
)
"""Each band and the share of the slice's largest intensity that it lies above, brightest first."""

TUMOUR_CHANNELS: Final = {
    Label.NCR: BrainChannel.NCR,
    Label.ED: BrainChannel.ED,
    Label.ET: BrainChannel.ET,
}
"""The channel of each tumour label."""


def build_brain_map(
    image: NDArray[np.float32],
    tumour: LabelMap,
    *,
    brain: Mask,
    moved_from: LabelMap | None = None,
    slice_axis: int = 2,
) -> BrainMap:
    """Returns the brain map of an image and a tumour.

    Args:
        image: Intensities ``(X, Y, Z)``, not negative in the brain.
        tumour: ``(X, Y, Z)``: where the tumour shall be.
        brain: ``(X, Y, Z)`` bool.
        moved_from: ``(X, Y, Z)``: where the tumour is in the image, if that is somewhere else.
        slice_axis: The axis across the slices, 0 to 2.

    Raises:
        InvalidCaseError: SHAPE_MISMATCH.
        InvalidLabelError: EMPTY_BRAIN_MASK.
        InvalidParameterError: The axis is none of the three, or the image is negative in the brain.
    """
    _check(image, tumour, brain, moved_from)
    if slice_axis not in (0, 1, 2):
        raise InvalidParameterError(
            f"slice_axis: {slice_axis} is no axis; give 0, 1 or 2", field="slice_axis", got=str(slice_axis)
        )
    box = bounding_box(brain)
    inside = tuple(slice(start, stop) for start, stop in zip(box.start, box.stop, strict=True))
    brain_map = np.full(image.shape, BrainChannel.BACKGROUND, dtype=np.uint8)
    brain_map[inside] = _bands(image[inside], brain[inside], slice_axis)
    if moved_from is not None:
        brain_map[moved_from != 0] = BrainChannel.BAND_3
    return _with_tumour(brain_map, tumour)


def move_tumour(brain_map: BrainMap, tumour: LabelMap) -> BrainMap:
    """Returns a brain map with its tumour somewhere else; what it leaves becomes `BrainChannel.BAND_3`.

    Args:
        brain_map: ``(X, Y, Z)``.
        tumour: ``(X, Y, Z)``: where the tumour shall be.

    Raises:
        InvalidCaseError: SHAPE_MISMATCH.
    """
    _check_shape("tumour", tumour.shape, brain_map.shape)
    emptied = np.where(brain_map <= BrainChannel.ET, np.uint8(BrainChannel.BAND_3), brain_map)
    return _with_tumour(emptied, tumour)


def tumour_of(brain_map: BrainMap) -> LabelMap:
    """Returns the tumour map ``(X, Y, Z)`` of a brain map."""
    table = np.zeros(len(BrainChannel), dtype=np.uint8)
    for label, channel in TUMOUR_CHANNELS.items():
        table[channel] = label
    labels: LabelMap = table[brain_map]
    return labels


def channels_of(brain_map: BrainMap) -> Channels:
    """Returns the eight channels ``(8, X, Y, Z)`` of a brain map."""
    return np.stack([brain_map == channel for channel in BrainChannel])


def brain_map_of(channels: Channels) -> BrainMap:
    """Returns the brain map of eight channels: the inverse of `channels_of`.

    Args:
        channels: ``(8, X, Y, Z)`` bool.

    Raises:
        InvalidLabelError: NOT_ONE_HOT: not exactly one channel is True somewhere.
    """
    if channels.shape[0] != len(BrainChannel) or (channels.sum(axis=0, dtype=np.uint8) != 1).any():
        raise InvalidLabelError(
            f"channels: every voxel must have exactly one of {len(BrainChannel)} channels; make the map one-hot",
            field="channels",
            got=str(channels.shape),
            reason="NOT_ONE_HOT",
        )
    brain_map: BrainMap = channels.argmax(axis=0).astype(np.uint8)
    return brain_map


def check_brain_map(values: NDArray[np.generic], *, name: str) -> BrainMap:
    """Returns the voxels of a file as a brain map.

    Args:
        values: ``(X, Y, Z)`` of any dtype.
        name: What the file is called in messages.

    Raises:
        InvalidLabelError: NOT_A_BRAIN_MAP: a value is no channel.
    """
    found = np.unique(values)
    unknown = [float(value) for value in found if value not in tuple(BrainChannel)]
    if unknown:
        raise InvalidLabelError(
            f"{name}: values {unknown[:5]} are no channels of a brain map; they must be 0 to {BrainChannel.BACKGROUND}",
            field=name,
            got=str(unknown[:5]),
            reason="NOT_A_BRAIN_MAP",
        )
    return values.astype(np.uint8)


def _bands(image: NDArray[np.float32], brain: Mask, slice_axis: int) -> BrainMap:
    """Returns the bands of the brain, without any tumour."""
    in_slice = tuple(axis for axis in range(3) if axis != slice_axis)
    largest = np.where(brain, image, np.float32(0.0)).max(axis=in_slice, keepdims=True)
    brain_map = np.where(brain, np.uint8(BrainChannel.BAND_4), np.uint8(BrainChannel.BACKGROUND))
    left, claimed = brain.copy(), np.zeros_like(brain)
    for channel, share in BANDS:
        band = left & (image > np.float32(share) * largest)
        left &= ~band
        closed = closed_in_slice(band, in_slice) & brain & ~claimed
        brain_map[closed] = channel
        claimed |= closed
    return brain_map


def closed_in_slice(mask: Mask, axes: tuple[int, ...]) -> Mask:
    """Returns the mask closed by three voxels along each of some axes; nothing is outside the array.

    Args:
        mask: ``(X, Y, Z)`` bool.
        axes: Two of its axes, for 3 x 3.
    """
    padding = [(1, 1) if axis in axes else (0, 0) for axis in range(mask.ndim)]
    closed = np.pad(mask, padding)
    for axis in axes:
        closed = _with_neighbours(closed, axis)
    closed = ~closed
    for axis in axes:
        closed = _with_neighbours(closed, axis)
    inside = tuple(slice(1, -1) if axis in axes else slice(None) for axis in range(mask.ndim))
    result: Mask = ~closed[inside]
    return result


def _with_neighbours(mask: Mask, axis: int) -> Mask:
    """Returns the voxels of a mask and their two neighbours along an axis."""
    along = np.moveaxis(mask, axis, 0)
    grown = along.copy()
    grown[1:] |= along[:-1]
    grown[:-1] |= along[1:]
    return np.moveaxis(grown, 0, axis)


def _with_tumour(brain_map: BrainMap, tumour: LabelMap) -> BrainMap:
    result = brain_map.copy()
    for label, channel in TUMOUR_CHANNELS.items():
        result[tumour == label] = channel
    return result


def _check(image: NDArray[np.float32], tumour: LabelMap, brain: Mask, moved_from: LabelMap | None) -> None:
    _check_shape("tumour", tumour.shape, image.shape)
    _check_shape("brain", brain.shape, image.shape)
    if moved_from is not None:
        _check_shape("moved_from", moved_from.shape, image.shape)
    if not brain.any():
        raise InvalidLabelError(
            "brain: the mask selects no voxel; give a mask that covers the brain",
            field="brain",
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    lowest = float(image[brain].min())
    if lowest < 0.0:
        raise InvalidParameterError(
            f"image: intensities fall to {lowest:g} in the brain, and bands are shares of the largest one; give the"
            " image before it was normalised",
            field="image",
            got=f"{lowest:g}",
        )


def _check_shape(name: str, got: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if got != expected:
        raise InvalidCaseError(
            f"{name}: its shape {got} is not the image's {expected}; resample one onto the other",
            field=name,
            got=str(got),
            reason="SHAPE_MISMATCH",
        )
