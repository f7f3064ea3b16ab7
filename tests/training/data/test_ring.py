"""Tests of training.data.ring."""

from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from training.data.fakes import BallVolume, simulate_ball
from training.data.ring import EMPTY, QUANTUM, Ring, RingShape, feed

SHAPE = RingShape(slots=3, slices=12, height=64, width=80)


def test_same_seed_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    """A volume depends on the seed and its number alone, not on who made it or when."""
    rings = [Ring.create(tmp_path / name, SHAPE) for name in ("one", "two")]
    feed(rings[0], simulate_ball, seed=5, numbers=[0, 1, 2])
    feed(rings[1], simulate_ball, seed=5, numbers=[2, 0, 1])
    for name in ("images.npy", "labels.npy", "areas.npy", "index.npy"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_volume_comes_back_within_half_a_quantum(tmp_path: Path) -> None:
    """z-scores are stored as int8; labels and brain exactly."""
    made = simulate_ball(np.random.default_rng(0))
    ring = Ring.create(tmp_path / "ring", RingShape(1, 10, 60, 72))
    ring.put(0, made)
    found = ring.read(0, np.arange(10))
    assert found is not None
    assert np.abs(found.contrasts - np.moveaxis(made.contrasts, 3, 0)).max() <= QUANTUM / 2 + 1e-6
    assert np.array_equal(found.labels, np.moveaxis(made.labels, 2, 0))
    assert np.array_equal(found.brain, np.moveaxis(made.brain, 2, 0))


def test_a_volume_is_cut_and_padded_around_its_brain(tmp_path: Path) -> None:
    """Brain of 2x2x2 at (1, 5, 3) lands in the middle of a 4x4x2 slot."""
    brain = np.zeros((4, 10, 6), dtype=bool)
    brain[1:3, 5:7, 3:5] = True
    labels = np.zeros(brain.shape, dtype=np.uint8)
    labels[1, 5, 3] = 3
    ring = Ring.create(tmp_path / "ring", RingShape(1, 2, 4, 4))
    ring.put(0, BallVolume(np.zeros((4, *brain.shape), np.float32), labels, brain))
    found = ring.read(0, np.arange(2))
    assert found is not None
    assert np.argwhere(found.labels).tolist() == [[0, 1, 1]]
    assert found.brain[:, 1:3, 1:3].all()
    assert found.brain.sum() == 8
    assert ring.areas[0].tolist() == [[4, 0, 0, 1], [4, 0, 0, 0]]


def test_the_oldest_volume_is_renewed(ring: Ring) -> None:
    """Volume n lands in slot n mod slots."""
    feed(ring, simulate_ball, seed=5, numbers=[3])
    assert ring.index[:, 0].tolist() == [3, 1, 2]
    assert ring.next_volume == 4


def test_a_slot_that_is_being_written_is_not_read(ring: Ring) -> None:
    """The reader is told to draw again instead of getting half of two volumes."""
    ring.index[1, 0] = EMPTY
    assert ring.read(1, np.arange(2)) is None
    assert ring.filled == 2


def test_opening_a_ring_with_another_shape_is_refused(ring: Ring) -> None:
    """A shape that does not fit the files is an error, not a re-interpretation."""
    with pytest.raises(InvalidParameterError, match="name another folder"):
        Ring.create(ring.folder, RingShape(4, 12, 64, 80))
