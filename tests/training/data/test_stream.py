"""Tests of training.data.stream: real worker processes around a simulator of balls."""

import math
import time
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, Simulate, feed
from training.data.stream import Feed, Pace, StoppedError, Stream

SHAPE = RingShape(slots=6, slices=10, height=60, width=72)
PACE = Pace(rate=0.5, reserve=2, window=4)


def balls() -> Simulate:
    """Makes the simulator inside a worker."""
    return simulate_ball


def broken() -> Simulate:
    """Makes a simulator that fails."""

    def simulate(rng: np.random.Generator) -> object:
        raise RuntimeError("broken on purpose")

    return simulate  # type: ignore[return-value]


BALLS = Feed("balls", balls, seed=5)


def drawn(ring: Ring) -> bytes:
    """Returns all that may be drawn at the step at hand."""
    return b"".join(np.asarray(ring._images[slot]).tobytes() for slot in ring.held)


def test_the_step_says_which_volumes_are_wanted() -> None:
    """Half a volume a step on top of two, of which the newest four: worked out by hand."""
    assert [PACE.wanted(step) for step in (0, 1, 2, 5, 8)] == [
        range(2),
        range(2),
        range(3),
        range(4),
        range(2, 6),
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_step_draws_what_the_seed_says(tmp_path: Path, workers: int) -> None:
    """However many workers there are and whatever their timing, step n sees volumes [last - 4, last) of the seed."""
    with Stream(tmp_path / "ring", SHAPE, feed=BALLS, pace=PACE, workers=workers) as stream:
        for step in range(0, 24, 3):
            stream.advance(step)
            wanted = PACE.wanted(step)
            again = Ring.create(tmp_path / f"again{step}", SHAPE)
            feed(again, simulate_ball, seed=5, numbers=wanted)
            assert stream.index[stream.held, 0].tolist() == list(wanted)
            assert drawn(stream) == b"".join(np.asarray(again._images[n % 6]).tobytes() for n in wanted)


def test_no_worker_overwrites_what_is_wanted(tmp_path: Path) -> None:
    """While the trainer stays at a step, the workers fill the slots beyond the window and then wait."""
    with Stream(tmp_path / "ring", SHAPE, feed=BALLS, pace=PACE, workers=2) as stream:
        stream.advance(8)
        until = time.monotonic() + 20
        while stream.next_volume < 8 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.3)
        assert sorted(stream.index[:, 0].tolist()) == [2, 3, 4, 5, 6, 7]


def test_a_step_back_is_simulated_again(tmp_path: Path) -> None:
    """A run killed at step 20 and resumed from a checkpoint at step 8 draws what step 8 drew the first time."""
    with Stream(tmp_path / "ring", SHAPE, feed=BALLS, pace=PACE, workers=1) as stream:
        stream.advance(8)
        first = drawn(stream)
        stream.advance(20)
    with Stream(tmp_path / "ring", SHAPE, feed=BALLS, pace=PACE, workers=1) as stream:
        stream.advance(8)
        assert drawn(stream) == first


def test_a_free_stream_waits_for_the_reserve_alone(tmp_path: Path) -> None:
    """No step holds the workers back: they overwrite volumes that a pace would keep."""
    with Stream(tmp_path / "ring", SHAPE, feed=BALLS, pace=Pace(math.inf, 3, 6), workers=2) as stream:
        stream.advance(1000)
        assert stream.next_volume >= 3
        until = time.monotonic() + 20
        while stream.next_volume < 10 and time.monotonic() < until:
            time.sleep(0.02)
        assert stream.next_volume >= 10
        stream.advance(1001)
        assert stream.held.size >= 3


def test_a_ring_of_another_origin_is_refused(tmp_path: Path, ring: Ring) -> None:
    """Volumes of another seed, or of nobody knows what, would make another run of the same options."""
    with Stream(tmp_path / "mine", SHAPE, feed=BALLS, pace=PACE, workers=1) as stream:
        stream.advance(0)
    with pytest.raises(InvalidParameterError, match="name another --ring"):
        Stream(tmp_path / "mine", SHAPE, feed=Feed("balls", balls, seed=6), pace=PACE, workers=1)
    with pytest.raises(InvalidParameterError, match="unknown origin"):
        Stream(ring.folder, ring.shape, feed=BALLS, pace=Pace(1, 1, 2), workers=1)


def test_a_window_larger_than_the_ring_is_refused(tmp_path: Path) -> None:
    """Seven wanted volumes cannot lie in six slots."""
    with pytest.raises(InvalidParameterError, match="window"):
        Stream(tmp_path / "ring", SHAPE, feed=BALLS, pace=Pace(1.0, 2, 7), workers=1)


def test_a_worker_that_dies_ends_the_wait(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The trainer says so instead of waiting for ever."""
    made = Stream(tmp_path / "ring", SHAPE, feed=Feed("broken", broken, seed=1), pace=PACE, workers=1)
    with made as stream, pytest.raises(StoppedError, match="died"):
        stream.advance(0)
    assert "broken on purpose" in capfd.readouterr().err
