"""The panel of one case: four contrasts, axial and coronal through the largest tumour area, with and without outlines.

Real and synthetic cases are drawn by this one function, so that nothing but the images tells them apart.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
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

TITLE_HEIGHT: Final = 24
"""Dots above the pictures."""

TEXT_HEIGHT: Final = 14
"""Height of the letters in dots."""

BRAIN_MARGIN_MM: Final = 3.0
"""Margin around the brain, mm."""

REDUCTION: Final = 2
"""Pictures are drawn at `gliosynth.report.drawing.DOTS_PER_MM` and reduced by this: a dot is a millimetre."""


WINDOW_VOXELS: Final = (slice(None, None, 2),) * 3
"""Voxels that a contrast's window is measured on: an eighth of all tells as much."""


@dataclass(frozen=True)
class PanelRow:
    """One row of the panel.

    Attributes:
        plane: Which plane.
        outlined: Whether the tumour's outlines are drawn.
        cell: Width and height of each picture in dots; a larger brain is scaled to fit.
    """

    plane: Plane
    outlined: bool
    cell: tuple[int, int]


ROWS: Final = (
    PanelRow(Plane.AXIAL, outlined=False, cell=(150, 184)),
    PanelRow(Plane.AXIAL, outlined=True, cell=(150, 184)),
    PanelRow(Plane.CORONAL, outlined=False, cell=(150, 148)),
)
"""Rows from top to bottom: the images as they are first, the labels beside them."""


def case_panel(
    contrasts: NDArray[np.float32],
    labels: LabelMap,
    brain: Mask,
    *,
    spacing_mm: tuple[float, float, float],
    title: str,
) -> bytes:
    """Returns a PNG: four contrasts from left to right, radiological convention, all panels of one size.

    The same case gives the same bytes.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32, axes right, anterior, superior, 0 outside the brain.
        labels: ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)`` bool; an empty one shows the whole grid.
        spacing_mm: Voxel edges in mm.
        title: What is written above the first picture, or ``""``.
    """
    images = dict(zip(CONTRASTS, contrasts, strict=True))
    scene = Scene(MappingProxyType(images), labels, spacing_mm, _view_of(brain, spacing_mm))
    width = max(row.cell[0] for row in ROWS)
    height = sum(row.cell[1] + GAP for row in ROWS)
    sheet = Image.new("RGB", (len(CONTRASTS) * (width + GAP) + GAP, TITLE_HEIGHT + height), GROUND)
    choices = {choice.plane: choice for choice in choose_slices(scene)}
    for column, contrast in enumerate(CONTRASTS):
        left = GAP + column * (width + GAP)
        _place_column(sheet, scene, choices, contrast, left=left)
        text = f"{title}   {CONTRAST_TITLES[contrast]}" if column == 0 and title else CONTRAST_TITLES[contrast]
        write(sheet, (left + 3.0, TITLE_HEIGHT / 2), text, height=TEXT_HEIGHT, colour=INK, anchor="lm")
    _write_sides(sheet, width)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _place_column(
    sheet: Image.Image, scene: Scene, choices: Mapping[Plane, SliceChoice], contrast: Contrast, *, left: int
) -> None:
    """Pastes the pictures of one contrast, one below the other, all in one window."""
    window = window_of(scene.images[contrast][WINDOW_VOXELS])
    top = TITLE_HEIGHT
    for row in ROWS:
        edges_mm = pixel_mm(scene, row.plane)
        choice = choices[row.plane]
        picture = grey_picture(cut(scene.images[contrast], scene, choice), window=window, pixel_mm=edges_mm)
        if row.outlined:
            picture = with_layer(picture, contour_layer(cut(scene.labels, scene, choice), pixel_mm=edges_mm))
        fitted = _fitted(picture, row.cell)
        place = (left + (row.cell[0] - fitted.width) // 2, top + (row.cell[1] - fitted.height) // 2)
        sheet.paste((0, 0, 0), (left, top, left + row.cell[0], top + row.cell[1]))
        sheet.paste(fitted, place)
        top += row.cell[1] + GAP


def _fitted(picture: Image.Image, cell: tuple[int, int]) -> Image.Image:
    """Returns the picture at one dot a millimetre, or smaller where it does not fit into its cell."""
    scale = min(1.0 / REDUCTION, cell[0] / picture.width, cell[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _write_sides(sheet: Image.Image, width: int) -> None:
    """Writes R and L at the edges of the first picture."""
    middle = TITLE_HEIGHT + ROWS[0].cell[1] / 2
    write(sheet, (GAP + 3.0, middle), "R", height=TEXT_HEIGHT, colour=INK, anchor="lm")
    write(sheet, (GAP + width - 3.0, middle), "L", height=TEXT_HEIGHT, colour=INK, anchor="rm")


def _view_of(brain: Mask, spacing_mm: tuple[float, float, float]) -> Box:
    """Returns the brain's bounding box with a margin, or the whole grid without a brain."""
    start, stop = [0, 0, 0], list(brain.shape)
    for axis, edge_mm in enumerate(spacing_mm):
        found = np.flatnonzero(brain.any(axis=tuple({0, 1, 2} - {axis})))
        if found.size:
            margin = round(BRAIN_MARGIN_MM / edge_mm)
            start[axis] = max(0, int(found[0]) - margin)
            stop[axis] = min(brain.shape[axis], int(found[-1]) + 1 + margin)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
