"""Tests of services.runtime.progress: what a caller sees while the work runs."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gliosynth.errors import CancelledError, ModelError
from gliosynth.v1 import volume_pb2 as pb
from services.runtime.deadlines import Deadline
from services.runtime.progress import Reporter, answer_with_progress


class FakeContext:
    """A call with a minute left, whose caller leaves when `leave` is called."""

    def time_remaining(self) -> float:
        return 60.0

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self.leave = callback
        return True


def answers(work: Callable[[Reporter], Iterator[object]], context: FakeContext, keepalive_s: float = 30.0) -> Iterator:
    return answer_with_progress(
        work,
        executor=ThreadPoolExecutor(1),
        deadline=Deadline(context),
        as_response=lambda progress: (progress.stage, progress.fraction),
        keepalive_s=keepalive_s,
    )


def test_progress_comes_before_the_results() -> None:
    """Every report is yielded in order, then what the work returned."""

    def work(reporter: Reporter) -> Iterator[object]:
        reporter.report("decode", 0.25)
        reporter.report("infer", 0.5)
        return iter(["label map"])

    assert list(answers(work, FakeContext())) == [("decode", 0.25), ("infer", 0.5), "label map"]


def test_silence_is_filled_with_the_last_progress() -> None:
    """Work that says nothing for long still sends something."""
    go_on = threading.Event()

    def work(reporter: Reporter) -> Iterator[object]:
        reporter.report("register", 0.1)
        go_on.wait()
        return iter(["done"])

    stream = answers(work, FakeContext(), keepalive_s=0.01)
    assert [next(stream) for _ in range(3)] == [("register", 0.1)] * 3
    go_on.set()
    assert list(stream)[-1] == "done"


def test_an_error_of_the_work_reaches_the_caller() -> None:
    """What the worker thread raises is raised in the call, after the progress."""

    def work(reporter: Reporter) -> Iterator[object]:
        reporter.report("infer", 0.5)
        raise ModelError("no logits")

    stream = answers(work, FakeContext())
    assert next(stream) == ("infer", 0.5)
    with pytest.raises(ModelError, match="no logits"):
        next(stream)


def test_a_caller_that_left_is_not_waited_for() -> None:
    """The call ends although its work is stuck."""
    stuck = threading.Event()
    context = FakeContext()

    def work(reporter: Reporter) -> Iterator[object]:
        stuck.wait()
        return iter(())

    stream = answers(work, context, keepalive_s=0.01)
    next(stream)
    context.leave()
    with pytest.raises(CancelledError):
        list(stream)
    stuck.set()


def test_the_fraction_never_falls_and_never_exceeds_one() -> None:
    """Reports out of order are raised to what was said before."""
    said: list[pb.Progress] = []
    reporter = Reporter(said.append)
    for fraction in (0.4, 0.2, 1.7):
        reporter.report("infer", fraction)
    assert [round(progress.fraction, 6) for progress in said] == [0.4, 0.4, 1.0]


def test_a_part_fills_its_share_of_the_whole() -> None:
    """Half of a part from 0.2 to 0.6 is 0.4 of the whole."""
    said: list[pb.Progress] = []
    Reporter(said.append).part(0.2, 0.6)("register", 0.5)
    assert said[0].fraction == pytest.approx(0.4)


def test_stage_times_add_up() -> None:
    """A stage that comes twice counts twice; the time between reports belongs to the earlier stage."""
    now = iter([0.0, 1.0, 3.0, 6.0, 10.0])
    reporter = Reporter(lambda _: None, clock=lambda: next(now))
    for stage in ("decode", "infer", "decode"):
        reporter.report(stage, 0.0)
    assert [(time.stage, time.seconds) for time in reporter.times()] == [("decode", 2.0 + 4.0), ("infer", 3.0)]
