"""Tumours of simulated cases moved: inside the brain, replayable, and only when asked."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.generation import Manipulation, move_tumour
from gliosynth.labels import Region, region_mask
from gliosynth.metrics.overlap import dice
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import Translate
from gliosynth.volume import Volume

STILL = Manipulation(rotation_deg=0.0, shift_mm=0.0, dz_mm=0.0, scale=(1.0, 1.0), flips=False)
"""Moves nothing."""

NOWHERE = Manipulation(rotation_deg=0.0, shift_mm=0.0, dz_mm=0.0, scale=(1.5, 1.5), flips=False, smallest_inside=1.0)
"""A large tumour half as long again, no voxel of it outside the brain: it does not fit."""


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_moved_tumour_lies_in_the_brain_and_not_in_its_ventricles(base: SimulatedCase) -> None:
    """Wherever it was not before; most of it is somewhere else now, and all of its labels are there."""
    moved = move_tumour(base, Manipulation(), rng())
    assert moved is not None
    now, before = moved.labels > 0, base.labels > 0
    room = Surroundings.of_tissues(Volume(base.tissues, np.diag([4.0, 4.0, 4.0, 1.0]))).room & base.brain
    assert not (now & ~before & ~room).any()
    assert not (now & ~base.brain).any()
    assert np.unique(moved.labels).tolist() == np.unique(base.labels).tolist()
    assert dice(now, before) < 0.8
    assert moved.draws >= 1


def test_the_edits_make_the_same_map_again(base: SimulatedCase) -> None:
    """What is recorded, given to the editor, gives the moved tumour voxel by voxel."""
    moved = move_tumour(base, Manipulation(), rng())
    assert moved is not None
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    head = Surroundings.of_tissues(Volume(base.tissues, affine))
    around = Surroundings(head.grid, head.brain & base.brain, head.room & base.brain)
    again = edit_tumour_map(Volume(base.labels, affine), moved.edits, around=around)
    assert np.array_equal(again.labels.data, moved.labels)
    assert again.clipped_ml == pytest.approx(moved.clipped_ml)


def test_the_generator_of_the_case_decides(base: SimulatedCase) -> None:
    """The same state moves alike, another one otherwise."""
    first, again = move_tumour(base, Manipulation(), rng()), move_tumour(base, Manipulation(), rng())
    other = move_tumour(base, Manipulation(), np.random.default_rng(8))
    assert first is not None
    assert again is not None
    assert other is not None
    assert np.array_equal(first.labels, again.labels)
    assert first.edits == again.edits != other.edits


@pytest.mark.parametrize("manipulation", [Manipulation(), Manipulation(share=0.0), NOWHERE], ids=["moved", "0", "none"])
def test_as_many_values_are_drawn_whatever_happens(
    base: SimulatedCase, free: SimulatedCase, manipulation: Manipulation
) -> None:
    """The next value of the generator is the same for any case and any outcome."""
    following = set()
    for case in (base, free):
        source = rng()
        move_tumour(case, manipulation, source)
        following.add(source.random())
    expected = rng()
    expected.random(), expected.integers(1 << 63)
    assert following == {expected.random()}


def test_a_share_of_none_moves_none(base: SimulatedCase) -> None:
    """The map is the simulated one, and nothing was drawn."""
    kept = move_tumour(base, Manipulation(share=0.0), rng())
    assert kept is not None
    assert (kept.edits, kept.draws, kept.clipped_ml) == ((), 0, 0.0)
    assert np.array_equal(kept.labels, base.labels)


def test_the_asked_share_is_moved(base: SimulatedCase) -> None:
    """A quarter: those states whose first value, uniform in 0 to 1, lies below it."""
    moved = [move_tumour(base, Manipulation(share=0.25), np.random.default_rng(seed)) for seed in range(8)]
    below = [np.random.default_rng(seed).random() < 0.25 for seed in range(8)]
    assert [bool(one and one.edits) for one in moved] == below
    assert any(below)


def test_a_case_without_tumour_stays_as_it_is(free: SimulatedCase) -> None:
    """There is nothing to move."""
    kept = move_tumour(free, Manipulation(), rng())
    assert kept is not None
    assert not kept.labels.any()
    assert kept.edits == ()


def test_a_movement_by_nothing_leaves_the_tumour_where_it_was(base: SimulatedCase) -> None:
    """Resampled once, on its own grid."""
    moved = move_tumour(base, STILL, rng())
    assert moved is not None
    for region in Region:
        assert dice(region_mask(moved.labels, region), region_mask(base.labels, region)) > 0.97


def test_a_tumour_that_fits_nowhere_is_refused_unless_it_may_stay(base: SimulatedCase) -> None:
    """No draw leaves all of it inside: None, or the simulated map where the caller says so."""
    assert move_tumour(base, NOWHERE, rng()) is None
    kept = move_tumour(base, replace(NOWHERE, keep_unmoved=True), rng())
    assert kept is not None
    assert kept.edits == ()
    assert np.array_equal(kept.labels, base.labels)


def test_the_ranges_are_those_that_were_given(base: SimulatedCase) -> None:
    """Shifts of 3 mm at most, nothing else: the recorded shift lies in the range."""
    manipulation = Manipulation(rotation_deg=0.0, shift_mm=3.0, dz_mm=1.0, scale=(1.0, 1.0), flips=False)
    moved = move_tumour(base, manipulation, rng())
    assert moved is not None
    (shift,) = [edit for edit in moved.edits if isinstance(edit, Translate)]
    assert 0.0 < max(abs(shift.right_mm), abs(shift.anterior_mm)) <= 3.0
    assert abs(shift.superior_mm) <= 1.0
