"""The tumour of a simulated case moved to somewhere else in the same head (METHODS.md A.002, its defects mended)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.brain_map import Vacated
from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import LabelMap
from gliosynth.tumour_map import EditStep, Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import Edit, RandomEdit
from gliosynth.volume import Volume

NOTHING_FITS: Final = "NO_DRAW_FITS"
"""Reason of the error that says that no draw left enough of the tumour inside the brain."""

SEEDS: Final = 1 << 63
"""Seeds of random edits are drawn below this."""


@dataclass(frozen=True)
class Manipulation:
    """How tumours are moved; ranges as in `gliosynth.tumour_map.edits.RandomEdit`.

    Attributes:
        share: Share of the cases with a tumour whose tumour is moved; the others keep it where it grew.
        rotation_deg: Largest angle about the superior axis.
        shift_mm: Largest shift to the right or left, and forwards or backwards, mm.
        dz_mm: Largest shift up or down, mm.
        scale: Smallest and largest factor of the tumour's size.
        flips: Whether it is mirrored across the midline and front to back, each in one of two draws.
        smallest_inside: Share of its volume that must stay inside the brain.
        keep_unmoved: Whether the tumour stays where it grew when no draw leaves enough of it inside the brain.
        vacated: What becomes of the place that it leaves.
    """

    share: float = 1.0
    rotation_deg: float = 80.0
    shift_mm: float = 10.0
    dz_mm: float = 10.0
    scale: tuple[float, float] = (0.7, 1.3)
    flips: bool = True
    smallest_inside: float = 0.9
    keep_unmoved: bool = False
    vacated: Vacated = Vacated.MIRRORED

    def edit(self, seed: int) -> RandomEdit:
        """Returns the random edit of a seed.

        Args:
            seed: 0 to 2**63 - 1.

        Raises:
            InvalidParameterError: A range is out of bounds.
        """
        return RandomEdit(
            seed,
            rotation_deg=self.rotation_deg,
            shift_mm=self.shift_mm,
            dz_mm=self.dz_mm,
            smallest_scale=self.scale[0],
            largest_scale=self.scale[1],
            flips=self.flips,
            smallest_inside=self.smallest_inside,
        )


@dataclass(frozen=True, eq=False)
class MovedTumour:
    """Where the tumour of a case shall be.

    Attributes:
        labels: ``(X, Y, Z)`` uint8.
        edits: What was done to the simulated tumour map, in this order, to be replayed by
            `gliosynth.tumour_map.edit_tumour_map`; empty where it stays as it is.
        draws: How often the movement was drawn; 0 where none was asked for.
        clipped_ml: What fell outside the brain and was cut off, ml.
    """

    labels: LabelMap
    edits: tuple[Edit, ...]
    draws: int
    clipped_ml: float


def move_tumour(
    base: SimulatedCase,
    manipulation: Manipulation,
    rng: np.random.Generator,
    *,
    check: Callable[[], None] | None = None,
) -> MovedTumour | None:
    """Returns where the tumour of a case goes, or None where no draw leaves enough of it inside the brain.

    The tumour stays inside the brain mask and out of the ventricles and the choroid plexus, but for where it grew.

    Args:
        base: The simulated case.
        manipulation: How tumours are moved.
        rng: The case's own generator; two values are drawn, whatever becomes of them.
        check: Called before each draw of a movement, of which there are 100 at most; may raise to stop the work.

    Raises:
        InvalidParameterError: A range is out of bounds.
    """
    drawn, seed = rng.random(), int(rng.integers(SEEDS))
    if not base.labels.any() or drawn >= manipulation.share:
        return MovedTumour(base.labels, (), 0, 0.0)
    moved = _moved(base, manipulation.edit(seed), check)
    if moved is not None:
        return moved
    return MovedTumour(base.labels, (), 0, 0.0) if manipulation.keep_unmoved else None


def _moved(base: SimulatedCase, edit: RandomEdit, check: Callable[[], None] | None) -> MovedTumour | None:
    tumour = Volume[np.uint8](base.labels, np.diag([*base.spacing_mm, 1.0]), "tumour")

    def on_draw(_: int) -> None:
        if check is not None:
            check()

    try:
        edited = edit_tumour_map(tumour, [edit], around=_surroundings(base), on_edit=on_draw)
    except InvalidParameterError as error:
        if error.reason != NOTHING_FITS:
            raise
        return None
    step: EditStep = edited.steps[0]
    return MovedTumour(edited.labels.data, step.done, step.draws, edited.clipped_ml)


def _surroundings(base: SimulatedCase) -> Surroundings:
    """Returns the head of a case: brain and room of its tissues, inside its brain mask."""
    tissues: Volume[np.integer] = Volume(base.tissues, np.diag([*base.spacing_mm, 1.0]), "tissues")
    head = Surroundings.of_tissues(tissues)
    return Surroundings(head.grid, head.brain & base.brain, head.room & base.brain)
