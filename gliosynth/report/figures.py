"""The pictures of the page, each as a data URI: nothing on the page comes from elsewhere."""

import base64
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image

from gliosynth.labels import CONTRASTS, Contrast, LabelMap, Region, region_mask
from gliosynth.report.content import Comparison
from gliosynth.report.drawing import (
    BOLD_CONTOUR,
    FINE_CONTOUR,
    LARGE_LETTERS,
    SMALL_LETTERS,
    contour_layer,
    grey_picture,
    window_of,
    with_letters,
)
from gliosynth.report.overlay import CONTRAST_TITLES
from gliosynth.report.views import Plane, Scene, SliceChoice, choose_slices, cut, pixel_mm

JPEG_QUALITY: Final = 88
"""Quality of the grey pictures: no visible loss at a quarter of PNG's size."""

STRIP_LENGTH: Final = 8
"""Slices in the strip through the tumour."""


@dataclass(frozen=True)
class Figure:
    """One picture in two layers, so that a reader can take the outlines away.

    Attributes:
        title: What it shows.
        picture: Data URI of the grey slice.
        outlines: Data URI of the outlines on a transparent ground.
        width: Dots.
        height: Dots.
    """

    title: str
    picture: str
    outlines: str
    width: int
    height: int


def plane_figures(scene: Scene) -> tuple[tuple[str, tuple[Figure, ...]], ...]:
    """Returns, for each plane, its title and the four contrasts of the slice with the most tumour.

    Args:
        scene: The case.
    """
    return tuple(
        (
            _plane_title(scene, choice),
            tuple(
                _figure(scene, choice, contrast, labels=scene.labels, title=CONTRAST_TITLES[contrast])
                for contrast in CONTRASTS
            ),
        )
        for choice in choose_slices(scene)
    )


def strip_figures(scene: Scene) -> tuple[Figure, ...]:
    """Returns FLAIR slices evenly spaced from the lowest to the highest slice with tumour; none without a tumour.

    Args:
        scene: The case.
    """
    areas = region_mask(scene.labels, Region.WT).sum(axis=(0, 1))
    found = areas.nonzero()[0]
    if found.size == 0:
        return ()
    count = min(STRIP_LENGTH, int(found[-1] - found[0]) + 1)
    step = (found[-1] - found[0]) / max(1, count - 1)
    choices = [SliceChoice(Plane.AXIAL, round(float(found[0] + number * step))) for number in range(count)]
    return tuple(
        _figure(scene, choice, Contrast.T2F, labels=scene.labels, title=f"slice {choice.index + 1}", shown_small=True)
        for choice in choices
    )


def comparison_figures(scene: Scene, comparison: Comparison) -> tuple[tuple[str, tuple[Figure, ...]], ...]:
    """Returns expert, models and baseline on the axial slice with the most tumour, on T1c and FLAIR.

    Args:
        scene: The case.
        comparison: Whose labels to show beside the models'.
    """
    choice = choose_slices(scene)[0]
    sources = (("Expert", comparison.reference), ("gliosynth", scene.labels), ("Threshold", comparison.baseline))
    return tuple(
        (
            CONTRAST_TITLES[contrast],
            tuple(
                _figure(scene, choice, contrast, labels=labels, title=name, shown_small=True)
                for name, labels in sources
            ),
        )
        for contrast in (Contrast.T1C, Contrast.T2F)
    )


def _figure(
    scene: Scene, choice: SliceChoice, contrast: Contrast, *, labels: LabelMap, title: str, shown_small: bool = False
) -> Figure:
    edges_mm = pixel_mm(scene, choice.plane)
    image = scene.images[contrast]
    line_width, letter_height = (BOLD_CONTOUR, LARGE_LETTERS) if shown_small else (FINE_CONTOUR, SMALL_LETTERS)
    grey = grey_picture(cut(image, scene, choice), window=window_of(image), pixel_mm=edges_mm)
    outlines = contour_layer(cut(labels, scene, choice), pixel_mm=edges_mm, line_width=line_width)
    return Figure(
        title=title,
        picture=_data_uri(with_letters(grey, choice.plane, letter_height=letter_height), "JPEG"),
        outlines=_data_uri(outlines, "PNG"),
        width=grey.width,
        height=grey.height,
    )


def _plane_title(scene: Scene, choice: SliceChoice) -> str:
    counts = dict(zip((Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL), scene.labels.shape, strict=True))
    return f"{choice.plane.value.capitalize()}, slice {choice.index + 1} of {counts[choice.plane]}"


def _data_uri(picture: Image.Image, form: str) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=form, quality=JPEG_QUALITY, optimize=True)
    return f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
