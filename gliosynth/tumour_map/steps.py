"""One movement added to those under way."""

from collections.abc import Callable
from typing import Final

import numpy as np

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import Points
from gliosynth.tumour_map.edits import (
    Deform,
    Edit,
    Mirror,
    Movement,
    MovingEdit,
    RandomEdit,
    Relocate,
    Rotate,
    Scale,
    Translate,
    Transplant,
)
from gliosynth.tumour_map.movement import Path, make_bend
from gliosynth.tumour_map.places import MirrorPlane
from gliosynth.tumour_map.placing import place_in_head, place_in_lobe
from gliosynth.tumour_map.random_edit import draw_movements
from gliosynth.tumour_map.state import State
from gliosynth.tumour_map.surroundings import Surroundings
from gliosynth.volume import Affine

MOST_DRAWS: Final = 100
"""How often a random edit is drawn before it is given up."""

_ACROSS: Final = {
    MirrorPlane.SAGITTAL: (-1.0, 1.0, 1.0),
    MirrorPlane.CORONAL: (1.0, -1.0, 1.0),
    MirrorPlane.AXIAL: (1.0, 1.0, -1.0),
}
"""Signs of right, anterior and superior under each reflection."""


def moved(
    state: State,
    edit: MovingEdit,
    anatomies: Callable[[str], Surroundings] | None,
    check: Callable[[], None],
) -> tuple[State, tuple[Edit, ...], int]:
    """Returns the tumour after an edit that moves it, what was done, and how often it was drawn.

    Args:
        state: The tumour before.
        edit: What to do.
        anatomies: Where transplants find their heads.
        check: Called before every draw of a random edit; raises when the caller no longer waits.

    Raises:
        InvalidParameterError: The edit is impossible.
    """
    match edit:
        case RandomEdit():
            return _drawn(state, edit, check)
        case Relocate():
            target = place_in_lobe(state.whole.labels != 0, state.around, edit)
            return state.going(state.path.turned(_shift(target - state.path.centroid_mm))), (edit,), 1
        case Transplant():
            return _transplanted(state, edit, anatomies), (edit,), 1
        case _:
            return state.going(_extended(state, state.path, edit)), (edit,), 1


def _drawn(state: State, edit: RandomEdit, check: Callable[[], None]) -> tuple[State, tuple[Edit, ...], int]:
    rng = np.random.default_rng(edit.seed)
    best = 0.0
    for draw in range(1, MOST_DRAWS + 1):
        check()
        movements = draw_movements(edit, rng)
        path = state.path
        for movement in movements:
            path = _extended(state, path, movement)
        try:
            after = state.going(path)
        except InvalidParameterError:
            continue
        best = max(best, after.inside_share)
        if after.inside_share >= edit.smallest_inside:
            return after, movements, draw
    raise InvalidParameterError(
        f"smallest_inside: none of {MOST_DRAWS} draws left {edit.smallest_inside:.0%} of the tumour inside the brain"
        f" (the best {best:.0%}); narrow the ranges or lower smallest_inside",
        field="smallest_inside",
        got=f"{edit.smallest_inside:g}",
        reason="NO_DRAW_FITS",
    )


def _transplanted(state: State, edit: Transplant, anatomies: Callable[[str], Surroundings] | None) -> State:
    if anatomies is None:
        raise InvalidParameterError(
            f"anatomy: there is no head {edit.anatomy!r}, because none was given", field="anatomy", got=edit.anatomy
        )
    target = anatomies(edit.anatomy)
    centre = state.path.centroid_mm
    place, ratio = place_in_head(centre, state.around, target)
    path = state.path.turned(_scaling(centre, ratio)) if edit.fit else state.path
    return state.into(target).going(path.turned(_shift(place - centre)))


def _extended(state: State, path: Path, edit: Movement) -> Path:
    """Returns the path with one movement more."""
    match edit:
        case Translate():
            return path.turned(_shift(np.array([edit.right_mm, edit.anterior_mm, edit.superior_mm])))
        case Rotate():
            return path.turned(_about(path.centroid_mm, _rotation(edit)))
        case Scale():
            return path.turned(_scaling(path.centroid_mm, edit.factor))
        case Mirror(plane=MirrorPlane.MIDLINE):
            return path.turned(state.around.frame.mirror())
        case Mirror():
            return path.turned(_about(path.centroid_mm, np.diag(_ACROSS[edit.plane])))
        case Deform():
            rng = np.random.default_rng(edit.seed)
            return path.bent(make_bend(path.centroid_mm, amount_mm=edit.amount_mm, scale_mm=edit.scale_mm, rng=rng))


def _shift(vector_mm: Points) -> Affine:
    affine = np.eye(4)
    affine[:3, 3] = vector_mm
    return affine


def _scaling(centre_mm: Points, factor: float) -> Affine:
    return _about(centre_mm, np.diag([factor, factor, factor]))


def _about(centre_mm: Points, linear: Affine) -> Affine:
    """Returns a linear map ``(3, 3)`` as an affine that leaves a point where it is."""
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = centre_mm - linear @ centre_mm
    return affine


def _rotation(edit: Rotate) -> Affine:
    """Returns the rotation ``(3, 3)`` about an axis (Rodrigues' formula)."""
    axis = np.array([edit.axis_right, edit.axis_anterior, edit.axis_superior])
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(edit.degrees)
    rotation: Affine = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
    return rotation
