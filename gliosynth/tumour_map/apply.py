"""Edits applied to a tumour map, one after the other.

Movements in a row are put together and the tumour is resampled once, from the map before the first of them: ten small
turns blur no more than one, and a tumour that is moved there and back is the tumour it was. Whatever falls outside the
brain is cut off where the movements end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from gliosynth.errors import InvalidCaseError, InvalidLabelError, InvalidParameterError
from gliosynth.geometry import grid_of
from gliosynth.tumour_map.edits import AddSatellite, Edit, Grow, MovingEdit, Resize, Shrink, ThickenRim
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
        tissues: The label map of the head that was given, healed where the tumour left; None where none was given.
        healing: How it was healed, or None.
        steps: Every edit and what it did.
        before: WT, TC and ET as given.
        after: WT, TC and ET at the end.
        clipped_ml: What was cut off in all, ml.
    """

    labels: Volume[np.uint8]
    around: Surroundings
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
        on_edit: Called with the index of each edit before it begins, and of a random one before each draw; may raise.

    Raises:
        InvalidLabelError: EMPTY_TUMOUR_MAP.
        InvalidCaseError: GRID_MISMATCH or OUTSIDE_BRAIN: the head or the tumour lies elsewhere.
        InvalidParameterError: An edit is impossible; the field begins with ``edits[i]``.
    """
    grid = grid_of(tumour)
    head = around if around is not None else Surroundings.unknown(grid)
    check_same_grid(grid, head.grid, name="around")
    _check(tumour, edits)
    state, steps = _start(tumour, head), []
    for index, edit in enumerate(edits):
        check = partial(on_edit or _ignore, index)
        check()
        state, step = _in_turn(state, edit, index, partial(moved, anatomies=anatomies, check=check))
        steps.append(step)
    return _finished(tumour, head, state, tuple(steps))


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


def _start(tumour: Volume[np.uint8], head: Surroundings) -> State:
    """Returns the tumour inside the brain, before any edit. It may lie in a barred part of the brain, where it is."""
    room = head.room | ((tumour.data != 0) & head.brain)
    labels = np.where(room, tumour.data, np.uint8(0))
    outside = int(np.count_nonzero(tumour.data)) - int(np.count_nonzero(labels))
    if not labels.any():
        raise InvalidCaseError(
            f"{tumour.name}: the whole tumour lies outside the brain; check that both are of one case",
            field=tumour.name,
            got=f"{outside} voxels outside",
            reason="OUTSIDE_BRAIN",
        )
    return State.at_rest(labels, head, room, lost_ml=outside * tumour.voxel_volume_ml)


Move = Callable[[State, MovingEdit], tuple[State, tuple[Edit, ...], int]]
"""Moves the tumour: the state after an edit, what was done, and how often it was drawn."""


def _in_turn(state: State, edit: Edit, index: int, move: Move) -> tuple[State, EditStep]:
    """Returns the state after one edit, and what it did; errors name the edit."""
    try:
        return _step(state, edit, move)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"edits[{index}] ({edit.edit}): {error}",
            field=f"edits[{index}].{error.field}",
            got=error.got,
            reason=error.reason,
        ) from error


def _step(state: State, edit: Edit, move: Move) -> tuple[State, EditStep]:
    before = measure(state.labels, state.around.grid)
    done: tuple[Edit, ...] = (edit,)
    draws = 1
    match edit:
        case Grow() | Shrink() | Resize() | ThickenRim():
            after = state.rebuilt(regrow(state.labels, state.room, state.around.grid, edit))
        case AddSatellite():
            after = state.rebuilt(add_satellite(state.labels, state.room, state.around.grid, edit))
        case _:
            after, done, draws = move(state, edit)
    measured = measure(after.labels, after.around.grid)
    return after, EditStep(edit, done, draws, before, measured, after.clipped_ml)


def _finished(tumour: Volume[np.uint8], source: Surroundings, end: State, steps: tuple[EditStep, ...]) -> EditedTumour:
    was, stayed = tumour.data != 0, end.around is source
    now = end.labels != 0 if stayed else np.zeros_like(was)
    healed = None
    if source.tissues is not None:
        healed = heal_tissues(source.tissues, source, vacated=was & ~now & source.brain, tumour=was | now)
    return EditedTumour(
        labels=Volume(end.labels, end.around.grid.affine, tumour.name),
        around=end.around,
        tissues=None if healed is None else healed.tissues,
        healing=None if healed is None else healed.healing,
        steps=steps,
        before=measure(tumour.data, source.grid),
        after=measure(end.labels, end.around.grid),
        clipped_ml=end.lost_ml + end.clipped_ml,
    )


def _ignore(index: int) -> None:
    """Stands for a caller that does not listen."""
    del index
