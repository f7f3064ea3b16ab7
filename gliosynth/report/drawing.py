"""Slices as pictures: grey windows, contours, letters at the edges."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from gliosynth.labels import REGIONS, LabelMap, Mask, Region, region_mask
from gliosynth.report.palette import REGION_COLOURS, Colour
from gliosynth.report.views import EDGE_LETTERS, HEAD_SHARE, Plane

DOTS_PER_MM: Final = 2.0
"""Picture elements per millimetre."""

SUPERSAMPLING: Final = 2
"""Contours are drawn this many times larger and then reduced, so that their edges are smooth."""

FINE_CONTOUR: Final = 3
"""Width in supersampled dots of a contour in a large picture: 0.75 mm."""

BOLD_CONTOUR: Final = 6
"""Width in supersampled dots of a contour in a picture that is shown small: 1.5 mm."""

WINDOW_PERCENTILES: Final = (0.5, 50.0, 99.8)
"""Percentiles of the head's intensities: black, the middle, white."""

WHITE_OVER_MIDDLE: Final = 3.0
"""White is at most this many times the middle: scalp fat in T1 and fluid in T2 are brighter still."""

LETTER_COLOUR: Final = (255, 255, 255)
"""Colour of the orientation letters."""

SMALL_LETTERS: Final = 16
"""Height in dots of the orientation letters in a large picture."""

LARGE_LETTERS: Final = 32
"""Height in dots of the orientation letters in a picture that is shown small."""


def window_of(image: NDArray[np.float32]) -> tuple[float, float]:
    """Returns the intensities that become black and white, so that neither fat nor one bright vessel dims the brain.

    Args:
        image: A whole contrast ``(X, Y, Z)``, so that all its slices share one window.
    """
    head = image[image > HEAD_SHARE * float(np.percentile(image, 99.0))]
    if head.size == 0:
        return 0.0, 1.0
    low, middle, high = (float(value) for value in np.percentile(head, WINDOW_PERCENTILES))
    white = min(high, WHITE_OVER_MIDDLE * middle)
    return min(float(image.min()), low), max(white, low + 1e-6)


def picture_size(shape: tuple[int, ...], pixel_mm: tuple[float, float]) -> tuple[int, int]:
    """Returns width and height in dots of a slice at true scale.

    Args:
        shape: Rows and columns.
        pixel_mm: Height and width of a pixel in mm.
    """
    return round(shape[1] * pixel_mm[1] * DOTS_PER_MM), round(shape[0] * pixel_mm[0] * DOTS_PER_MM)


def grey_picture(
    pixels: NDArray[np.float32], *, window: tuple[float, float], pixel_mm: tuple[float, float]
) -> Image.Image:
    """Returns a slice in greys at true scale.

    Args:
        pixels: ``(rows, columns)``.
        window: Intensities that become black and white.
        pixel_mm: Height and width of a pixel in mm.

    Returns:
        An RGB picture.
    """
    low, high = window
    scaled = np.clip((pixels - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
    size = picture_size(pixels.shape, pixel_mm)
    return Image.fromarray(np.ascontiguousarray(scaled)).resize(size, Image.Resampling.BICUBIC).convert("RGB")


def contour_layer(
    labels: LabelMap,
    *,
    pixel_mm: tuple[float, float],
    regions: Iterable[Region] = REGIONS,
    line_width: int = FINE_CONTOUR,
) -> Image.Image:
    """Returns the outlines of the regions on a transparent ground, the inner ones on top.

    Outlines run where the linearly interpolated region crosses one half, so they are as smooth as the voxels allow.

    Args:
        labels: Slice ``(rows, columns)`` of a label map.
        pixel_mm: Height and width of a pixel in mm.
        regions: Which regions, outer ones first.
        line_width: Width of the outlines in supersampled dots.

    Returns:
        An RGBA picture of the size of `grey_picture`.
    """
    width, height = picture_size(labels.shape, pixel_mm)
    large = Image.new("RGBA", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    for region in regions:
        line = Image.fromarray(_outline(region_mask(labels, region), large.size, line_width))
        large.paste((*REGION_COLOURS[region], 255), mask=line)
    return large.resize((width, height), Image.Resampling.BOX)


def _outline(mask: Mask, size: tuple[int, int], line_width: int) -> NDArray[np.uint8]:
    """Returns 255 on the inner edge of the enlarged mask, 0 elsewhere."""
    enlarged = Image.fromarray(np.ascontiguousarray(mask).astype(np.uint8) * 255)
    inside = np.asarray(enlarged.resize(size, Image.Resampling.BILINEAR)) >= 128
    eroded = ndimage.binary_erosion(inside, iterations=line_width, border_value=1)
    return np.where(inside & ~eroded, np.uint8(255), np.uint8(0))


def with_layer(picture: Image.Image, layer: Image.Image) -> Image.Image:
    """Returns a picture with a transparent layer on top.

    Args:
        picture: RGB.
        layer: RGBA of the same size.
    """
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def with_letters(picture: Image.Image, plane: Plane, *, letter_height: int = SMALL_LETTERS) -> Image.Image:
    """Returns a picture with the orientation letters of its plane at its four edges.

    Args:
        picture: RGB.
        plane: Plane of the slice.
        letter_height: Height of the letters in dots.
    """
    lettered = picture.copy()
    width, height = lettered.size
    inset = letter_height * 0.7
    places = ((inset, height / 2), (width - inset, height / 2), (width / 2, inset), (width / 2, height - inset))
    for letter, place in zip(EDGE_LETTERS[plane], places, strict=True):
        write(lettered, place, letter, height=letter_height, colour=LETTER_COLOUR)
    return lettered


def write(
    picture: Image.Image,
    place: tuple[float, float],
    text: str,
    *,
    height: int,
    colour: Colour,
    anchor: str = "mm",
) -> None:
    """Writes a line of text with a dark rim onto a picture, in place.

    Args:
        picture: RGB.
        place: Dots from the left and the top.
        text: What to write.
        height: Height of the letters in dots.
        colour: Their colour.
        anchor: Which point of the text lies there, as Pillow names it; ``mm`` is its middle.
    """
    font = ImageFont.load_default(size=height)
    ImageDraw.Draw(picture).text(
        place, text, font=font, fill=colour, anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0)
    )
