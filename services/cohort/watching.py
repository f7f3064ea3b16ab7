"""Watching a cohort: by looking at its row, so that it does not matter which process changes it."""

import time
from collections.abc import Iterator
from typing import Final

from gliosynth.errors import InvalidParameterError
from services.cohort.backend import Backend
from services.cohort.jobs.records import CohortRecord
from services.cohort.jobs.tables import ACTIVE
from services.runtime.deadlines import Deadline

LOOK_S: Final = 0.3
"""Seconds between two looks."""


def watch(backend: Backend, cohort_id: str, *, deadline: Deadline) -> Iterator[CohortRecord]:
    """Yields a cohort at once, whenever it changes, every few seconds, and a last time when its work is over.

    Args:
        backend: Knows the cohort.
        cohort_id: Its id.
        deadline: Of the call.

    Raises:
        UnknownResourceError: There is no such cohort, or it was deleted meanwhile.
        DeadlineExceededError: No time is left.
        CancelledError: The caller went away.
        StorageError: The server is going down, or the database fails.
    """
    last_change, last_s = -1, 0.0
    while True:
        cohort = backend.house.cohorts.get(cohort_id)
        if cohort.change != last_change or time.monotonic() - last_s > backend.settings.keepalive_s:
            last_change, last_s = cohort.change, time.monotonic()
            yield cohort
        if cohort.state not in ACTIVE:
            return
        deadline.check()
        backend.pause(LOOK_S)


def wait_for_end(backend: Backend, cohort_id: str, *, timeout_s: float, deadline: Deadline) -> CohortRecord:
    """Returns a cohort as soon as its work is over, or as it stands when the time has passed.

    Args:
        backend: Knows the cohort.
        cohort_id: Its id.
        timeout_s: Longest wait; 0 for as long as the deadline allows.
        deadline: Of the call.

    Raises:
        InvalidParameterError: The timeout is negative.
        UnknownResourceError: There is no such cohort, or it was deleted meanwhile.
        CancelledError: The caller went away.
        StorageError: The server is going down, or the database fails.
    """
    if not timeout_s >= 0.0:
        raise InvalidParameterError(
            f"timeout: {timeout_s:g} s is negative; give 0 or more", field="timeout", got=f"{timeout_s:g}"
        )
    # A moment before the deadline, so that the answer arrives in time.
    longest_s = max(0.0, deadline.remaining_s() - 2.0 * LOOK_S)
    end_s = time.monotonic() + (min(timeout_s, longest_s) if timeout_s else longest_s)
    while True:
        cohort = backend.house.cohorts.get(cohort_id)
        if cohort.state not in ACTIVE or time.monotonic() >= end_s:
            return cohort
        deadline.check()
        backend.pause(min(LOOK_S, max(0.0, end_s - time.monotonic())))
