"""Input channels of a region model: contrasts, and differences of contrasts (T1c - T1, paper 002)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import ModelError
from gliosynth.geometry import Box
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.segmentation.box import crop_slices


@dataclass(frozen=True)
class Channel:
    """One input channel: a contrast, or a contrast minus another.

    Attributes:
        contrast: The contrast that is read.
        minus: The contrast that is subtracted from it, or None.
    """

    contrast: Contrast
    minus: Contrast | None = None


def parse_channels(expressions: tuple[str, ...]) -> tuple[Channel, ...]:
    """Returns the channels that a model's configuration names.

    Args:
        expressions: One per channel: ``"t1c"`` or ``"t1c-t1n"``.

    Raises:
        ModelError: An expression is neither a contrast nor a difference of two, or there is none (BAD_CHANNELS).
    """
    if not expressions:
        raise _bad_channels("", "no channel is named")
    return tuple(_parse_channel(expression) for expression in expressions)


def _parse_channel(expression: str) -> Channel:
    terms = [term.strip() for term in expression.split("-")]
    unknown = [term for term in terms if term not in tuple(CONTRASTS)]
    if unknown or len(terms) > 2:
        raise _bad_channels(expression, "it is neither a contrast nor the difference of two")
    return Channel(Contrast(terms[0]), Contrast(terms[1]) if len(terms) == 2 else None)


def _bad_channels(expression: str, why: str) -> ModelError:
    return ModelError(
        f"the model's channel {expression!r} cannot be made: {why}; name {', '.join(CONTRASTS)} or a difference such as"
        " t1c-t1n in the parameter channels of its config.pbtxt",
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
    needed = {contrast for channel in channels for contrast in (channel.contrast, channel.minus) if contrast}
    planes = {name: crop_slices(contrasts[CONTRASTS.index(name)], box, indices) for name in needed}
    for number, channel in enumerate(channels):
        plane = planes[channel.contrast]
        batch[:, number] = plane if channel.minus is None else plane - planes[channel.minus]
    return batch
