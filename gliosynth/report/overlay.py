"""The overlay picture: three planes, four contrasts, the tumour's outlines on each."""

import io
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from gliosynth.labels import CONTRASTS, REGIONS, Contrast
from gliosynth.report.drawing import contour_layer, grey_picture, window_of, with_layer, with_letters, write
from gliosynth.report.palette import REGION_COLOURS, REGION_NAMES
from gliosynth.report.views import Scene, SliceChoice, choose_slices, cut, pixel_mm

GAP: Final = 6
"""Dots between two pictures."""

HEADER_HEIGHT: Final = 34
"""Dots above the pictures, for the names of the contrasts."""

FOOTER_HEIGHT: Final = 62
"""Dots below the pictures, for the legend and the notice."""

GROUND: Final = (12, 14, 18)
"""Colour between the pictures."""

INK: Final = (225, 229, 235)
"""Colour of names and notices."""

NOTICE: Final = "Research use only. Not a medical device. Radiological convention: the patient's right is on the left."
"""What every picture says."""

CONTRAST_TITLES: Final = {
    Contrast.T1N: "T1",
    Contrast.T1C: "T1 + contrast agent",
    Contrast.T2W: "T2",
    Contrast.T2F: "T2-FLAIR",
}
"""What the contrasts are called for readers."""


def overlay_png(scene: Scene) -> bytes:
    """Returns a PNG with the four contrasts in three planes and the outlines of WT, TC and ET.

    Args:
        scene: The case.
    """
    rows = [[panel(scene, choice, contrast) for contrast in CONTRASTS] for choice in choose_slices(scene)]
    column_widths = [max(row[column].width for row in rows) for column in range(len(CONTRASTS))]
    row_heights = [row[0].height for row in rows]
    size = (
        sum(column_widths) + GAP * (len(column_widths) + 1),
        sum(row_heights) + GAP * (len(rows) + 1) + HEADER_HEIGHT + FOOTER_HEIGHT,
    )
    sheet = Image.new("RGB", size, GROUND)
    _place(sheet, rows, column_widths)
    _write_footer(sheet)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def panel(scene: Scene, choice: SliceChoice, contrast: Contrast) -> Image.Image:
    """Returns one slice of one contrast with outlines and letters.

    Args:
        scene: The case.
        choice: Which slice.
        contrast: Which contrast.
    """
    edges_mm = pixel_mm(scene, choice.plane)
    image = scene.images[contrast]
    picture = grey_picture(cut(image, scene, choice), window=window_of(image), pixel_mm=edges_mm)
    outlined = with_layer(picture, contour_layer(cut(scene.labels, scene, choice), pixel_mm=edges_mm))
    return with_letters(outlined, choice.plane)


def _place(sheet: Image.Image, rows: list[list[Image.Image]], column_widths: list[int]) -> None:
    top = HEADER_HEIGHT + GAP
    for number, row in enumerate(rows):
        left = GAP
        for picture, width, contrast in zip(row, column_widths, CONTRASTS, strict=True):
            sheet.paste(picture, (left + (width - picture.width) // 2, top))
            if number == 0:
                middle = (left + width / 2, HEADER_HEIGHT / 2 + 2)
                write(sheet, middle, CONTRAST_TITLES[contrast], height=19, colour=INK)
            left += width + GAP
        top += row[0].height + GAP


def _write_footer(sheet: Image.Image) -> None:
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=17)
    left, middle = 2.0 * GAP, sheet.height - FOOTER_HEIGHT * 0.70
    for region in REGIONS:
        draw.rectangle((left, middle - 3, left + 26, middle + 2), fill=REGION_COLOURS[region])
        text = f"{region.value}  {REGION_NAMES[region].lower()}"
        draw.text((left + 34, middle), text, font=font, fill=INK, anchor="lm")
        left += 34 + font.getlength(text) + 36
    place = (2.0 * GAP, sheet.height - FOOTER_HEIGHT * 0.27)
    draw.text(place, NOTICE, font=ImageFont.load_default(size=15), fill=INK, anchor="lm")
