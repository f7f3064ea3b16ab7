"""What preprocessing did to a case: every step as plain data, enough to undo it and to explain it."""

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum

from gliosynth.geometry import AxisCodes, Box, Grid
from gliosynth.labels import Contrast

Rows = tuple[tuple[float, float, float, float], ...]
"""Upper three rows of a ``(4, 4)`` affine."""


class Alignment(StrEnum):
    """What was done to bring a contrast onto the reference."""

    REFERENCE = "reference"
    """It is the reference."""
    LEFT_ALONE = "left_alone"
    """Registration was run and found it in place already."""
    REGISTERED = "registered"
    """It was moved by a rigid transform."""


class BrainSource(StrEnum):
    """Where the brain mask came from."""

    USER_MASK = "user_mask"
    """The caller gave it."""
    ALREADY_STRIPPED = "already_stripped"
    """The images were found stripped: their common background is the outside."""
    MODEL = "model"
    """A brain extractor made it."""


@dataclass(frozen=True)
class RegistrationRecord:
    """How one contrast was brought onto the reference.

    Attributes:
        contrast: The moving contrast.
        alignment: What was done.
        transform: World mm of the reference to world mm of the contrast (upper three rows); identity if left alone.
        displacement_mm: Mean displacement of the head that registration found, in mm, also where it was left alone.
        similarity_before: Normalised mutual information as given, 1 (none) to 2.
        similarity_after: The same after registration.
        overlap_after: Share of the reference's head that the contrast's head covers, 0 to 1.
        distinctness: How many times more both heads share in place than 1 cm apart; about 1 for different
            subjects, and set to 1 for the reference itself.
    """

    contrast: Contrast
    alignment: Alignment
    transform: Rows
    displacement_mm: float
    similarity_before: float
    similarity_after: float
    overlap_after: float
    distinctness: float


@dataclass(frozen=True)
class ContrastRecord:
    """What was done to the voxels of one contrast.

    Attributes:
        contrast: Which one.
        native: Its grid as given.
        orientation: Where its axes pointed, e.g. ``("L", "A", "S")``.
        resampled: False if its voxels were only reordered.
        mean: Mean intensity inside the brain before normalisation.
        sd: Population standard deviation inside the brain before normalisation.
    """

    contrast: Contrast
    native: Grid
    orientation: AxisCodes
    resampled: bool
    mean: float
    sd: float


@dataclass(frozen=True)
class SkullStripRecord:
    """How the brain was found.

    Attributes:
        source: Where the mask came from.
        brain_ml: Its volume in millilitres.
        zero_fraction: Share of voxels that are exactly 0 in every contrast.
        dark_rim_fraction: Share of the layer 3 to 9 mm under the head's surface that is dark in every contrast (skull).
    """

    source: BrainSource
    brain_ml: float
    zero_fraction: float
    dark_rim_fraction: float


@dataclass(frozen=True)
class CaseRecord:
    """Everything that preprocessing did to one case.

    Attributes:
        native: Grid of the reference as given: where `to_native` returns to.
        working: The isotropic grid before the crop.
        crop: The box of the working grid that was kept; it may reach beyond the grid, where voxels are 0.
        contrasts: One record per contrast, in channel order.
        registrations: One record per contrast, in channel order.
        skull_strip: How the brain was found.
    """

    native: Grid
    working: Grid
    crop: Box
    contrasts: tuple[ContrastRecord, ...]
    registrations: tuple[RegistrationRecord, ...]
    skull_strip: SkullStripRecord

    def to_json(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)
