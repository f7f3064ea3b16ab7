"""Named presets of feature encoders, one line each."""

from dataclasses import dataclass
from typing import Final

from training.networks.encoder import EncoderSpec


@dataclass(frozen=True)
class EncoderPreset:
    """One encoder and the slices that it learns from.

    Attributes:
        spec: The network.
        size: Height and width of the slices, multiples of the network's.
    """

    spec: EncoderSpec
    size: tuple[int, int] = (160, 192)


ENCODERS: Final = {
    "encoder": EncoderPreset(EncoderSpec()),  # 1.0 M parameters, shipped
    "tiny": EncoderPreset(EncoderSpec(widths=(8, 16, 24), joined=16), size=(64, 80)),  # for trials: seconds
}
"""Presets by name."""
