"""Deadlines: required of every caller, passed on with what is left, and cancellation that reaches the work."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Final, TypeVar

import grpc

from gliosynth.errors import CancelledError, DeadlineExceededError, InvalidParameterError
from services.runtime.interception import Call, CallInterceptor

LONGEST_DEADLINE_S: Final = 7 * 24 * 3600.0
"""A call with more time than a week has no deadline worth the name; gRPC reports 292 years when none was given."""

POLL_S: Final = 0.1
"""Seconds between two looks at the caller while waiting for a result."""

CLOCK_SLACK_S: Final = 0.05
"""gRPC may end a call this much before our own clock says that its deadline passed."""

ResultT = TypeVar("ResultT")


class Deadline:
    """What is left of a call's time, and whether anyone still waits for the answer.

    `check` is what the library calls between stages and batches.
    """

    def __init__(self, context: grpc.ServicerContext) -> None:
        """Starts watching a call.

        Args:
            context: gRPC's context of the call.
        """
        self._end = time.monotonic() + (context.time_remaining() or 0.0)
        self._gone = threading.Event()
        if not context.add_callback(self._gone.set):
            self._gone.set()

    def remaining_s(self) -> float:
        """Returns the seconds that are left, at least 0: the timeout of every call made on behalf of this one."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Does nothing while the caller waits.

        Raises:
            DeadlineExceededError: No time is left.
            CancelledError: The caller cancelled or went away.
        """
        remaining_s = self.remaining_s()
        if remaining_s == 0.0 or (self._gone.is_set() and remaining_s < CLOCK_SLACK_S):
            raise DeadlineExceededError("the deadline passed before the work was done; allow more time")
        if self._gone.is_set():
            raise CancelledError("the caller cancelled or went away")

    def wait(self, future: Future[ResultT]) -> ResultT:
        """Returns the future's result; stops waiting when the caller does.

        Args:
            future: Work in progress, such as a batch on an engine.

        Raises:
            DeadlineExceededError: No time is left.
            CancelledError: The caller cancelled or went away.
        """
        while not wait([future], timeout=POLL_S).done:
            self.check()
        return future.result()


class DeadlineInterceptor(CallInterceptor):
    """Refuses calls without a deadline: nothing may run for a caller that would wait for ever."""

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Checks the deadline, then runs the method."""
        remaining_s = call.context.time_remaining()
        if remaining_s is None or remaining_s > LONGEST_DEADLINE_S:
            raise InvalidParameterError(
                "deadline: the call has none; set a timeout of at most a week",
                field="deadline",
                reason="DEADLINE_REQUIRED",
            )
        yield
