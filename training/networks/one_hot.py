"""The brain map as a generator's input: whole numbers in, one channel a class out, at every resolution."""

from typing import Final

import torch
from torch import Tensor

from gliosynth.brain_map import BrainChannel

TUMOUR_CLASSES: Final = (BrainChannel.NCR, BrainChannel.ED, BrainChannel.ET)
"""The same in the maps of all contrasts, so they are taken once."""

BAND_CLASSES: Final = (BrainChannel.BAND_1, BrainChannel.BAND_2, BrainChannel.BAND_3, BrainChannel.BAND_4)
"""Each contrast has bands of its own."""


def input_channels(contrasts: int) -> int:
    """Returns how many channels `one_hot` makes of the maps of some contrasts: 8 of one, 20 of four."""
    return len(TUMOUR_CLASSES) + len(BAND_CLASSES) * contrasts + 1


def one_hot(brain_maps: Tensor) -> Tensor:
    """Returns the classes of brain maps, one channel each.

    Args:
        brain_maps: ``(B, M, H, W)`` uint8, values of `gliosynth.brain_map.BrainChannel`, one map a contrast; tumour and
            background are the same in all M.

    Returns:
        ``(B, 3 + 4 M + 1, H, W)`` float32, 0 or 1: NCR, ED, ET; the four bands of the first contrast, of the second,
        ...; background.
    """
    values = brain_maps.float()
    first = values[:, :1]
    bands = [(values == float(band)).unsqueeze(2) for band in BAND_CLASSES]
    channels = [first == float(label) for label in TUMOUR_CLASSES]
    channels += [torch.cat(bands, dim=2).flatten(1, 2), first == float(BrainChannel.BACKGROUND)]
    return torch.cat(channels, dim=1).to(values.dtype)


def class_masks(brain_maps: Tensor) -> Tensor:
    """Returns the eight classes of every map on its own, ``(B, M, 8, H, W)`` float32, 0 or 1."""
    values = brain_maps.unsqueeze(2)
    return torch.cat([values == int(channel) for channel in BrainChannel], dim=2).float()


def brain_of(brain_maps: Tensor) -> Tensor:
    """Returns where the brain is, ``(B, 1, H, W)`` float32, 1 inside."""
    return (brain_maps[:, :1].float() != float(BrainChannel.BACKGROUND)).float()
