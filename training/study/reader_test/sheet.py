"""The items of a reader test: which cases are shown, in which order, and how one looks.

Real and synthetic images go through the same functions: the same window rule, planes, scale and file names, so that
nothing but the image tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gliosynth.errors import InvalidInputError
from gliosynth.geometry import bounding_box
from gliosynth.labels import CONTRASTS, Contrast, LabelMap, Mask
from gliosynth.preprocessing.intensity import unit_intensities
from gliosynth.report.drawing import grey_picture, with_letters
from gliosynth.report.views import Plane, Scene, choose_slices, cut, pixel_mm

CELLS: Final = MappingProxyType({Plane.AXIAL: (320, 400), Plane.CORONAL: (320, 340), Plane.SAGITTAL: (400, 340)})
"""Width and height of each plane's picture in dots: 160 x 200 mm, 160 x 170 mm and 200 x 170 mm at two dots a mm."""

GAP: Final = 8
"""Dots between two pictures."""

BRAIN_MARGIN_MM: Final = 4.0
"""Margin that is left around the brain, mm."""


@dataclass(frozen=True, eq=False)
class ReaderCase:
    """A case that can be shown.

    Attributes:
        name: Its name; goes into the key alone.
        contrasts: ``(4, X, Y, Z)`` float32, axes right, anterior, superior; any linear scale.
        brain: ``(X, Y, Z)`` bool.
        labels: Tumour labels ``(X, Y, Z)``; they choose the slices and are never drawn. All 0 shows the middle.
        spacing_mm: Voxel edges in mm.
    """

    name: str
    contrasts: NDArray[np.float32]
    brain: Mask
    labels: LabelMap
    spacing_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Item:
    """One picture of the test, and the truth about it.

    Attributes:
        number: Its place in the sheet, from 1.
        contrast: What is shown.
        synthetic: The truth.
        case: Name of the case.
    """

    number: int
    contrast: Contrast
    synthetic: bool
    case: str


def choose_items(
    real: Sequence[str], synthetic: Sequence[str], *, count: int, rng: np.random.Generator
) -> tuple[Item, ...]:
    """Returns the items of a sheet: for each contrast as many real as synthetic cases, shuffled.

    Of an odd count one more is synthetic, as in the paper (9 and 10). Cases are drawn anew for each contrast and never
    twice in one, so knowing a case in one contrast says little about the next.

    Args:
        real: Names of the real cases.
        synthetic: Names of the synthetic cases.
        count: Items a contrast, at least 2.
        rng: Draws cases and order.

    Raises:
        InvalidInputError: There are fewer cases than items need.
    """
    wanted = (count // 2, count - count // 2)
    for name, cases, need in (("real", real, wanted[0]), ("synthetic", synthetic, wanted[1])):
        if len(cases) < max(need, 1) or count < 2:
            raise InvalidInputError(
                f"{count} items a contrast need {need} {name} cases, {len(cases)} are there; give more, or a count of"
                " at least 2 that fits",
                field="count",
                got=str(count),
            )
    items: list[Item] = []
    for contrast in CONTRASTS:
        drawn = [(name, False) for name in rng.choice(sorted(real), wanted[0], replace=False)]
        drawn += [(name, True) for name in rng.choice(sorted(synthetic), wanted[1], replace=False)]
        items += [
            Item(len(items) + place, contrast, drawn[index][1], str(drawn[index][0]))
            for place, index in enumerate(rng.permutation(count), start=1)
        ]
    return tuple(items)


def picture(case: ReaderCase, contrast: Contrast) -> Image.Image:
    """Returns an item: axial, coronal and sagittal slice side by side, through the largest tumour area.

    Percentiles 0.5 and 99.5 of the brain are black and white, and air is black, whatever scale the case has.

    Args:
        case: What is shown.
        contrast: Which of its images.
    """
    image = unit_intensities(case.contrasts[CONTRASTS.index(contrast)], case.brain, name=case.name)
    margin_x, margin_y, margin_z = (round(BRAIN_MARGIN_MM / edge_mm) for edge_mm in case.spacing_mm)
    view = bounding_box(case.brain, margin=(margin_x, margin_y, margin_z))
    scene = Scene(MappingProxyType({contrast: image}), case.labels, case.spacing_mm, view)
    width = sum(cell[0] for cell in CELLS.values()) + GAP * (len(CELLS) - 1)
    sheet = Image.new("RGB", (width, max(cell[1] for cell in CELLS.values())))
    left = 0
    for choice in choose_slices(scene):
        cell = CELLS[choice.plane]
        shown = grey_picture(cut(image, scene, choice), window=(0.0, 1.0), pixel_mm=pixel_mm(scene, choice.plane))
        sheet.paste(with_letters(_centred(shown, cell), choice.plane), (left, (sheet.height - cell[1]) // 2))
        left += cell[0] + GAP
    return sheet


def _centred(shown: Image.Image, cell: tuple[int, int]) -> Image.Image:
    """Returns the picture in the middle of its cell, cut where it is larger: every item has the same scale."""
    canvas = Image.new("RGB", cell)
    canvas.paste(shown, ((cell[0] - shown.width) // 2, (cell[1] - shown.height) // 2))
    return canvas
