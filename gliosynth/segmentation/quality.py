"""Remarks about a case and its result that a reader should know before using it.

Each rule is one small function; a remark says what was seen with its value. A warning means: look at it first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import CONTRASTS, Contrast, Mask
from gliosynth.preprocessing.record import Alignment, BrainSource, CaseRecord
from gliosynth.segmentation.cascade import Segmentation
from gliosynth.segmentation.placement import RegionPlace

SMALLEST_BRAIN_ML: Final = 900.0
"""Brain volume in ml below which the brain mask is doubted; adult brains with CSF have 1000 to 1900 ml."""

LARGEST_BRAIN_ML: Final = 2000.0
"""Brain volume in ml above which the brain mask is doubted."""

THICK_SLICE_MM: Final = 3.0
"""Slice spacing in mm above which small findings between the slices can be lost."""

MANY_COMPONENTS: Final = 3
"""Separate parts of the whole tumour above which the result is doubted."""

LOW_DISTINCTNESS: Final = 3.5
"""Ratio of what two heads share in place and 1 cm apart below which the alignment should be looked at.

Registration itself refuses heads below 2.5, see `gliosynth.preprocessing.registration`. Stripped brains share less (1.2
to 2 when they are aligned) and are judged there by their outlines, so the remark is for heads.
"""

LARGEST_TRUSTED_MOTION_MM: Final = 20.0
"""Mean displacement in mm above which a registration should be looked at."""

AGENT_QUANTILE: Final = 0.999
"""Share of the brain's voxels that vessels and plexus, which always enhance, surely exceed."""

SMALLEST_AGENT_GAIN: Final = 1.0
"""Standard deviations by which T1c exceeds T1 at that quantile when agent was given; without it, noise is left."""


class Severity(StrEnum):
    """How serious a remark is."""

    INFO = "info"
    """A fact worth knowing."""
    WARNING = "warning"
    """The result should be looked at before it is used."""


@dataclass(frozen=True)
class Remark:
    """One remark.

    Attributes:
        id: Stable identifier in UPPER_SNAKE_CASE.
        severity: How serious it is.
        message: One sentence with what was seen and its value.
        volume: The contrast it is about, or ``""``.
    """

    id: str
    severity: Severity
    message: str
    volume: str = ""


@dataclass(frozen=True, eq=False)
class QualityInput:
    """What the remarks are made from.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32 z-scores inside the brain, in the order of `CONTRASTS`.
        brain: Brain mask ``(X, Y, Z)``.
        record: What preprocessing did.
    """

    contrasts: NDArray[np.float32]
    brain: Mask
    record: CaseRecord


def input_remarks(case: QualityInput) -> tuple[Remark, ...]:
    """Returns the remarks about the images: brain, registration, slices, contrast agent.

    Args:
        case: The preprocessed case.
    """
    return (
        *_brain_remarks(case.record),
        *_registration_remarks(case.record),
        *_slice_remarks(case.record),
        *_agent_remarks(case),
    )


def result_remarks(segmentation: Segmentation, places: tuple[RegionPlace, ...]) -> tuple[Remark, ...]:
    """Returns the remarks about the label map: empty, scattered, moved.

    Args:
        segmentation: What the cascade found.
        places: Where it lies in native space.
    """
    return (*_finding_remarks(segmentation), *_place_remarks(places))


def _brain_remarks(record: CaseRecord) -> Iterator[Remark]:
    strip = record.skull_strip
    yield Remark(*_SOURCES[strip.source])
    if not SMALLEST_BRAIN_ML <= strip.brain_ml <= LARGEST_BRAIN_ML:
        yield Remark(
            "BRAIN_VOLUME",
            Severity.WARNING,
            f"The brain mask holds {strip.brain_ml:.0f} ml, outside {SMALLEST_BRAIN_ML:.0f} to"
            f" {LARGEST_BRAIN_ML:.0f} ml; check it or send a mask.",
        )


_SOURCES: Final = {
    BrainSource.USER_MASK: ("BRAIN_MASK_GIVEN", Severity.INFO, "The brain mask that was sent was used."),
    BrainSource.ALREADY_STRIPPED: (
        "ALREADY_STRIPPED",
        Severity.INFO,
        "The images were found skull-stripped already; their common foreground is the brain.",
    ),
    BrainSource.MODEL: ("SKULL_STRIPPED", Severity.INFO, "A model removed skull and scalp."),
}


def _registration_remarks(record: CaseRecord) -> Iterator[Remark]:
    head = record.skull_strip.source is BrainSource.MODEL
    for step in record.registrations:
        name = step.contrast.value
        if step.alignment is Alignment.REGISTERED:
            yield Remark(
                "REGISTERED", Severity.INFO, f"{name} was moved by {step.displacement_mm:.1f} mm on average.", name
            )
        if step.displacement_mm > LARGEST_TRUSTED_MOTION_MM:
            yield Remark(
                "LARGE_MOTION",
                Severity.WARNING,
                f"{name} lay {step.displacement_mm:.0f} mm away from t1c; check that both are of one visit.",
                name,
            )
        if head and step.alignment is not Alignment.REFERENCE and step.distinctness < LOW_DISTINCTNESS:
            yield Remark(
                "UNSURE_REGISTRATION",
                Severity.WARNING,
                f"{name} fits t1c only {step.distinctness:.1f} times better in place than 1 cm apart; look at the"
                " alignment.",
                name,
            )


def _slice_remarks(record: CaseRecord) -> Iterator[Remark]:
    for step in record.contrasts:
        thickest_mm = max(step.native.spacing_mm)
        if thickest_mm > THICK_SLICE_MM:
            yield Remark(
                "THICK_SLICES",
                Severity.INFO,
                f"{step.contrast.value} has a slice every {thickest_mm:.1f} mm; small findings can be lost in between.",
                step.contrast.value,
            )


def _agent_remarks(case: QualityInput) -> Iterator[Remark]:
    t1n, t1c = (case.contrasts[CONTRASTS.index(contrast)] for contrast in (Contrast.T1N, Contrast.T1C))
    gain = float(np.quantile((t1c - t1n)[case.brain], AGENT_QUANTILE))
    if gain < SMALLEST_AGENT_GAIN:
        yield Remark(
            "NO_CONTRAST_AGENT",
            Severity.WARNING,
            f"t1c is hardly brighter than t1n anywhere (by {gain:.2f} sd at its brightest); was contrast agent given?",
            Contrast.T1C.value,
        )


def _finding_remarks(segmentation: Segmentation) -> Iterator[Remark]:
    whole, core, _ = segmentation.findings
    if not segmentation.tumour_found:
        yield Remark("NO_TUMOUR_FOUND", Severity.WARNING, "No tumour was found; the label map is empty.")
    elif core.voxel_count == 0:
        yield Remark("NO_CORE_FOUND", Severity.INFO, "No tumour core was found: the whole tumour is oedema.")
    if whole.component_count > MANY_COMPONENTS:
        yield Remark(
            "MANY_COMPONENTS",
            Severity.WARNING,
            f"The tumour has {whole.component_count} separate parts; look for false findings.",
        )


def _place_remarks(places: tuple[RegionPlace, ...]) -> Iterator[Remark]:
    for place in places:
        if place.found_voxels and place.centroid_mm is None:
            yield Remark(
                "LOST_IN_NATIVE",
                Severity.WARNING,
                f"{place.region.value} of {place.found_voxels} mm³ fills no native voxel by half and is left out of"
                " the label map.",
                Contrast.T1C.value,
            )
