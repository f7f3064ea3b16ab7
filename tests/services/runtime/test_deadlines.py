"""Tests of services.runtime.deadlines: time that is left, callers that leave, futures that do not come."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from gliosynth.errors import CancelledError, DeadlineExceededError
from services.runtime.deadlines import Deadline


class Call:
    """gRPC's view of a call, under the test's control."""

    def __init__(self, remaining_s: float, *, over: bool = False) -> None:
        self.remaining_s = remaining_s
        self.over = over

    def time_remaining(self) -> float:
        return self.remaining_s

    def add_callback(self, callback: Callable[[], None]) -> bool:
        self.leave = callback
        return not self.over


def test_a_waiting_caller_is_let_be() -> None:
    """Nothing is raised, and what is left is at most what there was."""
    deadline = Deadline(Call(60.0))
    deadline.check()
    assert 59.0 < deadline.remaining_s() <= 60.0


def test_no_time_left_is_a_passed_deadline() -> None:
    """Also when gRPC has ended the call already: the cause is the deadline."""
    call = Call(0.0)
    deadline = Deadline(call)
    with pytest.raises(DeadlineExceededError):
        deadline.check()
    call.leave()
    with pytest.raises(DeadlineExceededError):
        deadline.check()
    assert deadline.remaining_s() == 0.0


@pytest.mark.parametrize("over", [False, True])
def test_a_caller_that_left_is_noticed(over: bool) -> None:
    """Whether it leaves during the work or had left before it began."""
    call = Call(60.0, over=over)
    deadline = Deadline(call)
    call.leave()
    with pytest.raises(CancelledError):
        deadline.check()


def test_waiting_for_a_future_returns_its_result() -> None:
    """A future that is done is not waited for."""
    future: Future[int] = Future()
    future.set_result(7)
    assert Deadline(Call(60.0)).wait(future) == 7


def test_waiting_for_a_future_ends_with_the_caller() -> None:
    """A future that never comes does not hold the thread."""
    call = Call(60.0)
    deadline = Deadline(call)
    call.leave()
    with pytest.raises(CancelledError):
        deadline.wait(Future())
