"""Edits applied to a tumour map, one after the other.

Movements in a row are put together and the tumour is resampled once, from the map before the first of them: ten small
turns blur no more than one, and a tumour that is moved there and back is the tumour it was. Whatever falls outside the
brain is cut off where the movements end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.errors import InvalidLabelError, InvalidParameterError
from gliosynth.geometry import grid_of
from gliosynth.labels import Mask
from gliosynth.tumour_map.edits import AddSatellite, Edit, Grow, Resize, Shrink, ThickenRim
from gliosynth.tumour_map.healing import heal_tissues
from gliosynth.tumour_map.regrowth import regrow
from gliosynth.tumour_map.report import EditStep, Healing, RegionMeasure, measure
from gliosynth.tumour_map.satellite import add_satellite
from gliosynth.tumour_map.state import State
from gliosynth.tumour_map.steps import moved
from gliosynth.tumour_map.surroundings import LabelVoxels, Surroundings, check_same_grid
from gliosynth.volume import Volume

MOST_EDITS: Final = 100
"""Most edits in one recipe."""

Anatomies = Callable[[str], Surroundings]
"""Finds the head of a name, for transplants; raises `InvalidParameterError` where there is none."""


@dataclass(frozen=True, eq=False)
class EditedTumour:
    """An edited tumour map.

    Attributes:
        labels: The tumour map; on the grid of the head it was transplanted into, if it was.
        around: The head it is in now.
        vacated: ``(X, Y, Z)`` bool on the grid of the map that was given: what the tumour left there.
        tissues: The label map of the head that was given, healed where the tumour left; None where none was given.
        healing: How it was healed, or None.
        steps: Every edit and what it did.
        before: WT, TC and ET as given.
        after: WT, TC and ET at the end.
        clipped_ml: What was cut off in all, ml.
    """

    labels: Volume[np.uint8]
    around: Surroundings
    vacated: Mask
    tissues: LabelVoxels | None
    healing: Healing | None
    steps: tuple[EditStep, ...]
    before: tuple[RegionMeasure, ...]
    after: tuple[RegionMeasure, ...]
    clipped_ml: float


def edit_tumour_map(
    tumour: Volume[np.uint8],
    edits: Sequence[Edit],
    *,
    around: Surroundings | None = None,
    anatomies: Anatomies | None = None,
    on_edit: Callable[[int], None] | None = None,
) -> EditedTumour:
    """Returns a tumour map edited. The same map and edits give the same bytes.

    Args:
        tumour: Tumour map of any grid, with values of `gliosynth.labels.Label`, not empty.
        edits: What to do, 1 to `MOST_EDITS`, in this order.
        around: The head, on the same grid; None where nothing is known of it.
        anatomies: Where transplants find their heads; None where there are none.
        on_edit: Called with the index of each edit before it begins; may raise.

    Raises:
        InvalidLabelError: EMPTY_TUMOUR_MAP.
        InvalidCaseError: GRID_MISMATCH: the head lies elsewhere.
        InvalidParameterError: An edit is impossible; the field begins with ``edits[i]``.
    """
    grid = grid_of(tumour)
    head = around if around is not None else Surroundings.unknown(grid)
    check_same_grid(grid, head.grid, name="around")
    _check(tumour, edits)
    start = State.at_rest(tumour.data, head, head.room | ((tumour.data != 0) & head.brain))
    state, steps = start, []
    for index, edit in enumerate(edits):
        if on_edit is not None:
            on_edit(index)
        state, step = _in_turn(state, edit, index, anatomies)
        steps.append(step)
    return _finished(start, state, tuple(steps), name=tumour.name)


def _check(tumour: Volume[np.uint8], edits: Sequence[Edit]) -> None:
    if not 1 <= len(edits) <= MOST_EDITS:
        raise InvalidParameterError(
            f"edits: {len(edits)} edits were given; give 1 to {MOST_EDITS}", field="edits", got=str(len(edits))
        )
    if not tumour.data.any():
        raise InvalidLabelError(
            f"{tumour.name}: the tumour map holds no tumour, so there is nothing to edit; give one with labels 1 to 3",
            field=tumour.name,
            got="0 voxels",
            reason="EMPTY_TUMOUR_MAP",
        )


def _in_turn(state: State, edit: Edit, index: int, anatomies: Anatomies | None) -> tuple[State, EditStep]:
    """Returns the state after one edit, and what it did; errors name the edit."""
    try:
        return _step(state, edit, anatomies)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"edits[{index}] ({edit.edit}): {error}",
            field=f"edits[{index}].{error.field}",
            got=error.got,
            reason=error.reason,
        ) from error


def _step(state: State, edit: Edit, anatomies: Anatomies | None) -> tuple[State, EditStep]:
    before = measure(state.labels, state.around.grid)
    done: tuple[Edit, ...] = (edit,)
    draws = 1
    match edit:
        case Grow() | Shrink() | Resize() | ThickenRim():
            after = state.rebuilt(regrow(state.labels, state.room, state.around.grid, edit))
        case AddSatellite():
            after = state.rebuilt(add_satellite(state.labels, state.room, state.around.grid, edit))
        case _:
            after, done, draws = moved(state, edit, anatomies)
    measured = measure(after.labels, after.around.grid)
    return after, EditStep(edit, done, draws, before, measured, after.clipped_ml)


def _finished(start: State, end: State, steps: tuple[EditStep, ...], *, name: str) -> EditedTumour:
    source, stayed = start.around, end.around is start.around
    was = start.labels != 0
    vacated = was & (end.labels == 0) if stayed else was
    healed = None
    if source.tissues is not None:
        now = was | (end.labels != 0) if stayed else was
        healed = heal_tissues(source.tissues, source, vacated=vacated, tumour=now)
    return EditedTumour(
        labels=Volume(end.labels, end.around.grid.affine, name),
        around=end.around,
        vacated=vacated,
        tissues=None if healed is None else healed.tissues,
        healing=None if healed is None else healed.healing,
        steps=steps,
        before=measure(start.labels, source.grid),
        after=measure(end.labels, end.around.grid),
        clipped_ml=end.lost_ml + end.clipped_ml,
    )
