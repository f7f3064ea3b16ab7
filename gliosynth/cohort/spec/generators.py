"""What makes a cohort's images, and how tumours are moved where a network does."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from gliosynth.brain_map import Vacated
from gliosynth.cohort.section import Section, Share, ordered


class Generator(StrEnum):
    """Generators of images."""

    SIMULATOR = "simulator"
    """Signal equations on a deformed anatomy with a grown tumour: no patient's image is in it."""
    AUGMENTATION_NETWORK = "augmentation_network"
    """A cascaded refinement network that paints the contrasts of a simulated case whose tumour was moved."""
    SPADE = "spade"
    """A network with spatially-adaptive normalisation that does the same."""

    @property
    def is_network(self) -> bool:
        """Whether a network of the model repository paints the images."""
        return self is not Generator.SIMULATOR


ScaleRange = Annotated[
    tuple[Annotated[float, Field(ge=0.3, le=3.0)], Annotated[float, Field(ge=0.3, le=3.0)]], AfterValidator(ordered)
]
"""Smallest and largest factor of a tumour's size."""


class ManipulationSection(Section):
    """How tumours are moved before a network paints them; each quantity is drawn anew for every case.

    The ranges are those of the Augmentation Network's authors.
    """

    share: Share = 1.0
    """Cases with a tumour whose tumour is moved; in the others it stays where it grew."""
    rotation_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 80.0
    """Largest angle about the axis from foot to head, degrees, either way."""
    shift_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 10.0
    """Largest shift to the right or left, and forwards or backwards, mm."""
    dz_mm: Annotated[float, Field(ge=0.0, le=100.0)] = 10.0
    """Largest shift up or down, mm."""
    scale: ScaleRange = (0.7, 1.3)
    """Smallest and largest factor of its size: of lengths, not of volumes."""
    flips: bool = True
    """Whether it is mirrored across the midline, and front to back, each in one of two cases."""
    smallest_inside: Share = 0.9
    """Share of its volume that must stay inside the brain; a movement that leaves less is drawn again, at most 100
    times."""
    keep_unmoved: bool = False
    """What happens to a tumour that no draw leaves inside: it stays where it grew, or (default) the case is refused as
    by the gate, and drawn again."""
    vacated: Vacated = Vacated.MIRRORED
    """What becomes of the place that it leaves: the bands of the mirrored side, or as the authors do it the band
    between 1/4 and 1/2 of the slice's largest intensity, which networks paint like a second lesion."""
