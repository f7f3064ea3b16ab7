"""Input channels of a region model: contrasts, differences of contrasts (T1c - T1, paper 002), and neighbouring slices.

A 2.5D model sees the slices beside the one it segments (METHODS.md C.1 line 12). Its channels say which: ``t1c@-2`` is
T1c two voxels of the 1 mm grid below. What lies beyond the volume is zero, like all that lies outside the brain.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import ModelError
from gliosynth.geometry import Box
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.segmentation.box import crop_slices

EXPRESSION: Final = re.compile(r"(?P<terms>[^@]*)(?:@(?P<offset>[+-]?\d{1,3}))?")
"""Terms of a channel, and the offset of its slice in voxels along Z."""


@dataclass(frozen=True)
class Channel:
    """One input channel: a contrast, or a contrast minus another, of the slice itself or one beside it.

    Attributes:
        contrast: The contrast that is read.
        minus: The contrast that is subtracted from it, or None.
        offset: Voxels along Z from the slice that is segmented, above it positive.
    """

    contrast: Contrast
    minus: Contrast | None = None
    offset: int = 0


def parse_channels(expressions: tuple[str, ...]) -> tuple[Channel, ...]:
    """Returns the channels that a model's configuration names.

    Args:
        expressions: One per channel: ``"t1c"``, ``"t1c-t1n"``, or either with an offset, ``"t1c@-2"``.

    Raises:
        ModelError: An expression is neither a contrast nor a difference of two, or there is none (BAD_CHANNELS).
    """
    if not expressions:
        raise _bad_channels("", "no channel is named")
    return tuple(_parse_channel(expression) for expression in expressions)


def _parse_channel(expression: str) -> Channel:
    parts = EXPRESSION.fullmatch(expression.strip())
    if parts is None:
        raise _bad_channels(expression, "its offset is no whole number of voxels")
    terms = [term.strip() for term in parts["terms"].split("-")]
    unknown = [term for term in terms if term not in tuple(CONTRASTS)]
    if unknown or len(terms) > 2:
        raise _bad_channels(expression, "it is neither a contrast nor the difference of two")
    minus = Contrast(terms[1]) if len(terms) == 2 else None
    return Channel(Contrast(terms[0]), minus, int(parts["offset"] or 0))


def _bad_channels(expression: str, why: str) -> ModelError:
    return ModelError(
        f"the model's channel {expression!r} cannot be made: {why}; name {', '.join(CONTRASTS)} or a difference such as"
        " t1c-t1n, with @-2 behind it for the slice two voxels below, in the parameter channels of its config.pbtxt",
        field="channels",
        got=expression,
        reason="BAD_CHANNELS",
    )


def channel_batch(
    contrasts: NDArray[np.float32], channels: tuple[Channel, ...], *, box: Box, indices: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Returns a batch of axial slices with the channels a model wants.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32 z-scores in the order of `CONTRASTS`.
        channels: What to compute.
        box: In-plane crop, see `crop_slices`.
        indices: Z indices ``(B,)``.

    Returns:
        ``(B, C, H, W)`` float32, contiguous; H along X, W along Y.
    """
    height, width, _ = box.shape
    batch = np.empty((len(indices), len(channels), height, width), dtype=np.float32)
    wanted = [(name, channel.offset) for channel in channels for name in (channel.contrast, channel.minus) if name]
    planes = {
        (name, offset): _slices_beside(contrasts[CONTRASTS.index(name)], box, indices + offset)
        for name, offset in dict.fromkeys(wanted)
    }
    for number, channel in enumerate(channels):
        plane = planes[channel.contrast, channel.offset]
        batch[:, number] = plane if channel.minus is None else plane - planes[channel.minus, channel.offset]
    return batch


def _slices_beside(volume: NDArray[np.float32], box: Box, indices: NDArray[np.intp]) -> NDArray[np.float32]:
    """Returns `crop_slices` of Z indices that may lie beyond the volume; such slices are zero."""
    there = (indices >= 0) & (indices < volume.shape[2])
    if there.all():
        return crop_slices(volume, box, indices)
    height, width, _ = box.shape
    slices = np.zeros((len(indices), height, width), dtype=np.float32)
    slices[there] = crop_slices(volume, box, indices[there])
    return slices
