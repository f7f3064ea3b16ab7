"""Workers that are killed at any moment: the cohort completes, with the bytes of an undisturbed run."""

import random
import signal
import time
from collections.abc import Callable

import pytest

from services.cohort.jobs.tables import State

CASES = 20
ROUNDS = 5


LEASE_S = 3
"""Seconds without a sign after which a worker is taken for dead: short, so that the test need not wait."""

MOST_KILLS = 4
"""Kills in a round; the last worker may finish."""

STARTING_SHARE = 0.25
"""Kills that hit a worker before it has joined the queue."""

LONGEST_LIFE_S = 3.0
"""Most seconds for which a worker works before it is killed."""


def kill_at_random_moments(workshop, cohort_id: str, *, workers: int, rng: random.Random) -> int:
    """Kills one worker after the other with SIGKILL, each with a new one in its place; returns how many."""
    crew = [workshop.start_worker("--worker-lease-s", LEASE_S) for _ in range(workers)]
    for kill in range(MOST_KILLS):
        place = kill % workers
        starting = rng.random() < STARTING_SHARE
        while not starting and not workshop.is_working(crew[place]):
            assert crew[place].poll() is None, workshop.logs()
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, LONGEST_LIFE_S))
        if workshop.cohorts.get(cohort_id).ended_s is not None:
            return kill
        crew[place].send_signal(signal.SIGKILL)
        crew[place].wait()
        crew[place] = workshop.start_worker("--worker-lease-s", LEASE_S)
    workshop.wait_over(cohort_id, timeout_s=300)
    return MOST_KILLS


def check_complete(workshop, cohort_id: str, expected: dict[str, str]) -> None:
    """The data set is there, once, with exactly the bytes that the library alone makes."""
    cohort = workshop.cohorts.get(cohort_id)
    assert (cohort.state, cohort.cases_made, cohort.error_message) == (State.SUCCEEDED, CASES, "")
    assert workshop.listed(cohort_id) == expected
    assert workshop.digests(cohort_id) == expected
    assert cohort.file_count == len(expected)


@pytest.mark.slow
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_killed_workers_on_sqlite_lose_nothing(workshop, made_alone: Callable, round_number: int) -> None:
    """Kill -9 at any moment, again and again: complete, no case twice, bytes of an undisturbed run."""
    expected = made_alone(CASES)
    cohort = workshop.order(CASES)
    kills = kill_at_random_moments(workshop, cohort.id, workers=1, rng=random.Random(round_number))
    assert kills > 0
    check_complete(workshop, cohort.id, expected)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_killed_workers_on_postgresql_are_relieved_by_others(
    open_workshop: Callable,
    new_postgres: Callable,
    made_alone: Callable,
    round_number: int,
) -> None:
    """Two workers on a real PostgreSQL, each killed in turn: the other goes on, and the bytes are the same."""
    expected = made_alone(CASES)
    workshop = open_workshop(new_postgres())
    cohort = workshop.order(CASES)
    kills = kill_at_random_moments(workshop, cohort.id, workers=2, rng=random.Random(100 + round_number))
    assert kills > 0
    check_complete(workshop, cohort.id, expected)
