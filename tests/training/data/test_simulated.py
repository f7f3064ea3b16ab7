"""Tests of training.data.simulated: the real simulator, a real worker process."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from training.data.ring import Ring, RingShape
from training.data.simulated import HELD_OUT, VALIDATION_PRESETS, simulator
from training.data.stream import Feed, Pace, Stream


def test_volumes_are_z_scored_inside_the_brain() -> None:
    """Mean 0 and sd 1 but for the clipping, and 0 outside, as the service normalises real scans."""
    volume = simulator("training")(np.random.default_rng(0))
    inside = volume.contrasts[:, volume.brain]
    assert np.abs(inside.mean(axis=1)).max() < 0.1
    assert np.abs(inside.std(axis=1) - 1).max() < 0.15
    assert not volume.contrasts[:, ~volume.brain].any()


def test_validation_anatomies_are_never_trained_on() -> None:
    """Training draws from the other eighteen heads, the shifted simulators from the held-out two."""
    rngs = [np.random.default_rng(number) for number in range(3)]
    assert not {simulator("training")(rng).parameters.anatomy for rng in rngs} & set(HELD_OUT)
    assert {simulator("hard-edges")(rng).parameters.anatomy for rng in rngs} <= set(HELD_OUT)


def test_training_physics_is_not_among_the_shifted_ones() -> None:
    """A checkpoint chosen on the simulator it learnt from would be chosen for its habits."""
    assert len(VALIDATION_PRESETS) >= 5
    assert "training" not in VALIDATION_PRESETS


def test_unknown_simulator_is_refused() -> None:
    """The message lists what there is."""
    with pytest.raises(InvalidParameterError, match="hard-edges"):
        simulator("no-such-simulator")


def test_a_worker_fills_the_ring_with_the_volumes_of_its_seed(tmp_path: Path) -> None:
    """A worker's volume n is the one that this process makes from [seed, n]."""
    shape = RingShape(slots=2, slices=8, height=32, width=32)
    ring = Ring.create(tmp_path / "ring", shape)
    source = Feed("training", partial(simulator, "training"), seed=3)
    with Stream(ring.folder, shape, feed=source, pace=Pace(0.0, 1, 1), workers=1) as stream:
        stream.advance(0)
    again = Ring.create(tmp_path / "again", shape)
    number = int(ring.index[0, 0])
    again.put(number, simulator("training")(np.random.default_rng([3, number])))
    mine, theirs = again.read(0, np.arange(8)), ring.read(0, np.arange(8))
    assert mine is not None
    assert theirs is not None
    assert np.array_equal(mine.contrasts, theirs.contrasts)
    assert np.array_equal(mine.labels, theirs.labels)
