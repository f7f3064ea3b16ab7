"""The colours of the tumour regions, in pictures and tables alike."""

from types import MappingProxyType
from typing import Final

from gliosynth.labels import Region

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

REGION_COLOURS: Final = MappingProxyType(
    {
        Region.WT: (64, 196, 255),
        Region.TC: (255, 92, 138),
        Region.ET: (255, 209, 64),
    }
)
"""Sky, rose and amber: apart in hue and in lightness on grey, for colour-blind readers too (after Okabe and Ito)."""

REGION_NAMES: Final = MappingProxyType(
    {Region.WT: "Whole tumour", Region.TC: "Tumour core", Region.ET: "Enhancing tumour"}
)
"""What the regions are called for readers."""


def hexadecimal(colour: Colour) -> str:
    """Returns the colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
