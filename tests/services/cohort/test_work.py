"""Tests of the work itself, by real worker processes: any number of them, cancelled, deleted, out of room."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gliosynth.cohort.summary import CaseSummary
from gliosynth.errors import UnknownResourceError
from services.cohort.jobs.runs import Runs
from services.cohort.jobs.tables import State

CASES = 6


def test_the_number_of_workers_does_not_change_a_byte(workshop, made_alone: Callable) -> None:
    """Three workers make what the library makes alone, and each case once."""
    cohort = workshop.order(CASES)
    for _ in range(3):
        workshop.start_worker()
    ended = workshop.wait_over(cohort.id)
    assert (ended.state, ended.cases_made, ended.error_message) == (State.SUCCEEDED, CASES, "")
    assert workshop.listed(cohort.id) == workshop.digests(cohort.id) == made_alone(CASES)


def test_a_cancelled_cohort_stops_and_a_resumed_one_completes(workshop, made_alone: Callable) -> None:
    """At most the case in hand is given up; what was made is kept, and nothing is made twice."""
    cohort = workshop.order(CASES)
    workshop.start_worker()
    workshop.wait(cohort.id, until=lambda now: now.cases_made >= 1)
    made = workshop.cohorts.cancel(cohort.id).cases_made
    time.sleep(3.0)
    stopped = workshop.cohorts.get(cohort.id)
    assert stopped.state is State.CANCELLED
    assert stopped.cases_made == made < CASES
    workshop.cohorts.resume(cohort.id)
    ended = workshop.wait_over(cohort.id)
    assert (ended.state, ended.cases_made) == (State.SUCCEEDED, CASES)
    assert workshop.digests(cohort.id) == made_alone(CASES)


def test_a_cohort_that_is_deleted_while_it_is_made_leaves_nothing(workshop) -> None:
    """Its files go, those of the case in hand as well; the next cohort is made."""
    cohort, following = workshop.order(CASES), workshop.order(1, seed=2)
    for _ in range(2):
        workshop.start_worker()
    workshop.wait(cohort.id, until=lambda now: now.cases_made >= 1)
    workshop.cohorts.delete(cohort.id)
    with pytest.raises(UnknownResourceError):
        workshop.cohorts.get(cohort.id)
    assert workshop.wait_over(following.id).state is State.SUCCEEDED
    end = time.monotonic() + 120.0
    while workshop.store.keys(f"cohorts/{cohort.id}") and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1.0)
    assert workshop.store.keys(f"cohorts/{cohort.id}") == []
    assert workshop.database.jobs(status=["ENQUEUED", "PENDING"]) == []


def test_a_cohort_whose_time_is_over_is_deleted(workshop) -> None:
    """By the workers themselves."""
    cohort = workshop.order(1)
    workshop.start_worker("--cohort-expiry-days", 1e-5)
    end = time.monotonic() + 300.0
    while workshop.cohorts.list(size=9, after=None, states=(), display_name="") and time.monotonic() < end:
        time.sleep(0.1)
    while workshop.store.keys(f"cohorts/{cohort.id}") and time.monotonic() < end:
        time.sleep(0.1)
    with pytest.raises(UnknownResourceError):
        workshop.cohorts.get(cohort.id)
    assert workshop.store.keys(f"cohorts/{cohort.id}") == []


def test_a_case_that_is_never_accepted_fails_the_cohort_with_its_reason(workshop) -> None:
    """An impossible gate: the error names the rule, and the worker goes on with other cohorts."""
    hopeless = workshop.order(3, tumour={"free_share": 0.0}, gate={"attempts": 2, "largest_ratio": 0.0})
    good = workshop.order(1)
    workshop.start_worker()
    failed = workshop.wait_over(hopeless.id)
    assert (failed.state, failed.error_reason) == (State.FAILED, "CASE_NEVER_ACCEPTED")
    assert "SIGNALS_BELIEVABLE" in failed.error_message
    assert workshop.wait_over(good.id).state is State.SUCCEEDED


def test_a_worker_with_other_models_makes_nothing(workshop, order_with_models: Callable) -> None:
    """The gate of every case must be that which the cohort was created with."""
    cohort = workshop.cohorts.create(order_with_models())
    workshop.start_worker()
    failed = workshop.wait_over(cohort.id)
    assert (failed.state, failed.error_reason, failed.cases_made) == (State.FAILED, "MODELS_DIFFER", 0)


def test_a_cohort_of_a_generator_that_is_gone_says_so(workshop) -> None:
    """No worker of its version for long: it fails with what to do, instead of waiting for ever."""
    cohort = workshop.order(1)
    time.sleep(0.01)
    runs = Runs(workshop.database, expiry_s=None)
    runs.fail_orphans(silent_s=3600.0)
    assert workshop.cohorts.get(cohort.id).state is State.QUEUED
    runs.fail_orphans(silent_s=0.0)
    failed = workshop.cohorts.get(cohort.id)
    assert (failed.state, failed.error_reason) == (State.FAILED, "GENERATOR_GONE")


@pytest.fixture
def small_disk(workshop) -> Iterator[Callable[[str], None]]:
    """The store on a file system of its own, of 1 MiB; called with mount options it changes them."""
    folder = workshop.folder / "store"
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine lets no test mount a tmpfs: run as root with CAP_SYS_ADMIN")

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    yield remount
    for process in workshop.workers:
        process.kill()
        process.wait()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def whole_cases(workshop, cohort_id: str) -> int:
    """Counts the cases that have a summary, and checks that each is there whole."""
    keys = workshop.store.keys(f"cohorts/{cohort_id}/cases")
    digests = workshop.digests(cohort_id)
    for key in keys:
        for file in CaseSummary.from_json(workshop.store.get(key)).files:
            assert digests[file.path] == file.sha256
    return len(keys)


def test_a_full_disk_loses_nothing(
    workshop, small_disk: Callable[[str], None], made_alone: Callable, tmp_path: Path
) -> None:
    """The cohort fails with the reason, every case is whole or not there; with more room it completes."""
    cohort = workshop.order(CASES)
    workshop.start_worker("--cohort-retries", 1)
    failed = workshop.wait_over(cohort.id)
    assert (failed.state, failed.error_reason) == (State.FAILED, "STORE_FULL")
    assert "make room" in failed.error_message
    assert 0 < whole_cases(workshop, cohort.id) == failed.cases_made < CASES
    small_disk("size=64m")
    workshop.cohorts.resume(cohort.id)
    assert workshop.wait_over(cohort.id).state is State.SUCCEEDED
    assert workshop.digests(cohort.id) == made_alone(CASES)


def test_a_store_that_refuses_for_a_while_is_tried_again(workshop, small_disk: Callable[[str], None]) -> None:
    """Read-only at first; writable again before the tries are over, the cohort completes by itself."""
    small_disk("size=64m,ro")
    cohort = workshop.order(1)
    workshop.start_worker("--cohort-retries", 10)
    end = time.monotonic() + 300.0
    while "STORE_REFUSED" not in workshop.logs() and time.monotonic() < end:
        time.sleep(0.1)
    assert "STORE_REFUSED" in workshop.logs()
    assert workshop.cohorts.get(cohort.id).state is State.RUNNING
    small_disk("rw")
    assert workshop.wait_over(cohort.id).state is State.SUCCEEDED
