"""Tests of training.data.mixture."""

from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from training.data.fakes import simulate_ball
from training.data.mixture import Mixture, nested_share, nested_subset, restrict
from training.data.ring import Ring, RingShape, feed
from training.segmentation.presets import segmenter
from training.segmentation.samples import draw_views

SHAPE = RingShape(slots=8, slices=4, height=32, width=32)


@pytest.fixture
def eight(tmp_path: Path) -> Ring:
    """A full ring of eight ball volumes."""
    made = Ring.create(tmp_path / "eight", SHAPE)
    feed(made, simulate_ball, seed=1, numbers=range(8))
    return made


def test_slices_come_from_rings_as_often_as_their_shares_say(ring: Ring, eight: Ring) -> None:
    """Shares 1 and 3: a quarter of 4000 draws, within four standard deviations (27)."""
    mixture, rng = Mixture((ring, eight), (1.0, 3.0)), np.random.default_rng(0)
    drawn = [mixture.pick(rng).folder.name for _ in range(4000)]
    assert abs(drawn.count(ring.folder.name) - 1000) < 4 * 27.4
    assert set(drawn) == {ring.folder.name, eight.folder.name}


def test_only_the_ratio_of_shares_counts(ring: Ring, eight: Ring) -> None:
    """1 to 3 draws what .25 to .75 draws."""
    one, other = np.random.default_rng(7), np.random.default_rng(7)
    whole, parts = Mixture((ring, eight), (1.0, 3.0)), Mixture((ring, eight), (0.25, 0.75))
    assert [whole.pick(one).folder for _ in range(50)] == [parts.pick(other).folder for _ in range(50)]


def test_a_mixture_of_one_draws_what_its_ring_draws(ring: Ring) -> None:
    """No random number is spent on a choice without alternatives, so runs on one ring stay as they were."""
    preset = segmenter("tiny")
    alone, mixed = (
        draw_views(rings, preset, count=5, rng=np.random.default_rng(3)) for rings in (ring, Mixture((ring,), (0.5,)))
    )
    assert np.array_equal(alone.slices.contrasts, mixed.slices.contrasts)
    assert np.array_equal(alone.centres, mixed.centres)


def test_a_batch_of_a_mixture_is_a_function_of_its_generator(ring: Ring, tmp_path: Path) -> None:
    """The same [seed, step, rank] draws the same slices, another step others."""
    second = Ring.create(tmp_path / "second", ring.shape)
    feed(second, simulate_ball, seed=9, numbers=range(3))
    mixture, preset = Mixture((ring, second), (0.5, 0.5)), segmenter("tiny")
    one, two, other = (
        draw_views(mixture, preset, count=6, rng=np.random.default_rng([0, step, 0])).slices.contrasts
        for step in (4, 4, 5)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("shares", [(1.0,), (1.0, 0.0), (1.0, -1.0), (1.0, float("nan")), (1.0, float("inf"))])
def test_shares_that_are_no_ratio_are_refused(ring: Ring, eight: Ring, shares: tuple[float, ...]) -> None:
    """One share a ring, every one above 0 and finite."""
    with pytest.raises(InvalidParameterError, match="share"):
        Mixture((ring, eight), shares)


def test_every_ring_is_told_of_the_step(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A streamed ring inside a mixture waits for its volumes like one alone."""
    told: list[int] = []
    monkeypatch.setattr(ring, "advance", told.append)
    Mixture((ring, ring), (1.0, 1.0)).advance(12)
    assert told == [12, 12]


def test_a_restricted_ring_holds_only_its_slots(eight: Ring) -> None:
    """The others are empty to whoever draws, and the ring itself is as it was."""
    view = restrict(eight, [5, 2])
    assert view.held.tolist() == [2, 5]
    assert view.read(3, np.arange(2)) is None
    mine, theirs = view.read(5, np.arange(4)), eight.read(5, np.arange(4))
    assert mine is not None
    assert theirs is not None
    assert np.array_equal(mine.contrasts, theirs.contrasts)
    assert eight.filled == 8


def test_smaller_subsets_lie_inside_larger_ones(eight: Ring) -> None:
    """A quarter is in a half is in three quarters is in all; another seed chooses others."""
    quarter, half, most, every = (
        set(nested_subset(eight, share, seed=3).held.tolist()) for share in (0.25, 0.5, 0.75, 1)
    )
    assert [len(part) for part in (quarter, half, most, every)] == [2, 4, 6, 8]
    assert quarter < half < most < every
    assert any(set(nested_subset(eight, 0.5, seed=seed).held.tolist()) != half for seed in range(5))


def test_a_share_does_not_depend_on_the_order_of_the_names() -> None:
    """Folders are listed in any order."""
    assert nested_share(["b", "c", "a", "d"], 0.5, seed=1) == nested_share(["d", "a", "c", "b"], 0.5, seed=1)
    assert len(nested_share(["a", "b", "c"], 0.01, seed=1)) == 1


@pytest.mark.parametrize("share", [0.0, 1.1, -0.5])
def test_a_share_out_of_range_is_refused(eight: Ring, share: float) -> None:
    """Nothing, or more than all, is no subset."""
    with pytest.raises(InvalidParameterError, match="above 0"):
        nested_subset(eight, share, seed=0)
