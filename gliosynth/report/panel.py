"""The panel of one case: four contrasts, axial and coronal through the largest tumour area, with outlines.

Real and synthetic cases are drawn by this one function, so that nothing but the images tells them apart.
"""

import io
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gliosynth.geometry import Box
from gliosynth.labels import CONTRASTS, Contrast, LabelMap, Mask
from gliosynth.report.drawing import contour_layer, grey_picture, window_of, with_layer, write
from gliosynth.report.overlay import CONTRAST_TITLES, GROUND, INK
from gliosynth.report.views import Plane, Scene, SliceChoice, choose_slices, cut, pixel_mm

GAP: Final = 4
"""Dots between two pictures."""

TITLE_HEIGHT: Final = 26
"""Dots above the pictures."""

TEXT_HEIGHT: Final = 14
"""Height of the letters in dots."""

PLANES: Final = (Plane.AXIAL, Plane.CORONAL)
"""The planes that are shown, from top to bottom."""


def case_panel(
    contrasts: NDArray[np.float32],
    labels: LabelMap,
    brain: Mask,
    *,
    spacing_mm: tuple[float, float, float],
    title: str,
) -> bytes:
    """Returns a PNG: four contrasts from left to right, axial above coronal, radiological convention.

    The same case gives the same bytes.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32, axes right, anterior, superior, 0 outside the brain.
        labels: ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)`` bool; an empty one shows the whole grid.
        spacing_mm: Voxel edges in mm.
        title: What is written above the first picture.
    """
    images = dict(zip(CONTRASTS, contrasts, strict=True))
    scene = Scene(MappingProxyType(images), labels, spacing_mm, _box_of(brain))
    choices = {choice.plane: choice for choice in choose_slices(scene)}
    windows = {contrast: window_of(image) for contrast, image in images.items()}
    rows = [
        [_picture(scene, choices[plane], contrast, windows[contrast]) for contrast in CONTRASTS] for plane in PLANES
    ]
    heights = [max(picture.height for picture in row) for row in rows]
    width = max(picture.width for row in rows for picture in row)
    sheet = Image.new("RGB", (4 * (width + GAP) + GAP, TITLE_HEIGHT + sum(heights) + GAP * len(rows)), GROUND)
    top = TITLE_HEIGHT
    for row, height in zip(rows, heights, strict=True):
        for column, picture in enumerate(row):
            sheet.paste(picture, (GAP + column * (width + GAP) + (width - picture.width) // 2, top))
        top += height + GAP
    _write_titles(sheet, width, title)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _picture(scene: Scene, choice: SliceChoice, contrast: Contrast, window: tuple[float, float]) -> Image.Image:
    edges_mm = pixel_mm(scene, choice.plane)
    image = scene.images[contrast]
    grey = grey_picture(cut(image, scene, choice), window=window, pixel_mm=edges_mm)
    outlined = with_layer(grey, contour_layer(cut(scene.labels, scene, choice), pixel_mm=edges_mm))
    return outlined.resize((grey.width // 2, grey.height // 2), Image.Resampling.LANCZOS)


def _write_titles(sheet: Image.Image, width: int, title: str) -> None:
    for column, contrast in enumerate(CONTRASTS):
        text = f"{title}  {CONTRAST_TITLES[contrast]}" if column == 0 else CONTRAST_TITLES[contrast]
        place = (GAP + column * (width + GAP) + 3.0, TITLE_HEIGHT / 2)
        write(sheet, place, text, height=TEXT_HEIGHT, colour=INK, anchor="lm")


def _box_of(brain: Mask) -> Box:
    """Returns the brain's bounding box with a margin of three voxels, or the whole grid without a brain."""
    if not brain.any():
        x, y, z = brain.shape
        return Box((0, 0, 0), (x, y, z))
    start = [max(0, int(found.min()) - 3) for found in brain.nonzero()]
    stop = [min(size, int(found.max()) + 4) for found, size in zip(brain.nonzero(), brain.shape, strict=True)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
