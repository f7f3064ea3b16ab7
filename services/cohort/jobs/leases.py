"""Which workers live: each signs its row every few seconds, and what dead ones held goes back to the queue."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog
from dbos import DBOS

from gliosynth.errors import StorageError
from services.cohort.jobs import transitions
from services.cohort.jobs.database import JOB_VERSION, Database
from services.cohort.jobs.runs import Runs
from services.cohort.jobs.tables import WORKERS
from services.cohort.jobs.workflows import MOST_RECOVERIES

SIGNS_PER_LEASE: Final = 4
"""How often a worker signs within the time after which it is taken for dead."""

GENERATOR_GRACE_S: Final = 3600.0
"""Seconds without a worker of a cohort's own generator after which the cohort fails: long enough for a roll-out."""

RUNNING: Final = ["PENDING"]
"""DBOS' state of a job that a worker holds."""

GIVEN_UP: Final = ["MAX_RECOVERY_ATTEMPTS_EXCEEDED", "ERROR"]
"""DBOS' states of a job that took down too many workers, or broke outside its step."""


class Leases:
    """This worker's sign of life, and its eye on the others; works in threads of its own."""

    def __init__(self, database: Database, runs: Runs, *, worker_id: str, lease_s: float) -> None:
        """Signs for the first time.

        Args:
            database: The job database.
            runs: Where failures are noted and expiry is done.
            worker_id: This worker.
            lease_s: Seconds after which a worker that did not sign is taken for dead.
        """
        self._database = database
        self._runs = runs
        self._worker_id = worker_id
        self._lease_s = lease_s
        self._stop = threading.Event()
        # Two threads: what watching waits for must not delay the sign.
        self._threads = [
            threading.Thread(target=self._repeat, args=(tasks,), name="leases", daemon=True)
            for tasks in ((self.sign,), (self.take_over, self._fail_given_up, self._fail_orphans, self._expire))
        ]
        self.sign()

    def start(self) -> None:
        """Starts to sign and to look after the others; call after the queue is joined."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stops signing and strikes this worker off, so that others need not wait for the lease to end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        with self._database.write() as connection:
            mine = sa.update(WORKERS).where(WORKERS.c.id == self._worker_id)
            connection.execute(mine.values(seen_s=self._database.now_s() - self._lease_s))

    def sign(self) -> None:
        """Writes this worker's sign of life.

        Raises:
            StorageError: The database cannot be reached.
        """
        with self._database.write() as connection:
            row = {"id": self._worker_id, "job_version": JOB_VERSION, "seen_s": 0.0}
            transitions.insert_once(connection, WORKERS, row)
            mine = sa.update(WORKERS).where(WORKERS.c.id == self._worker_id)
            connection.execute(mine.values(seen_s=self._database.now_s()))

    def take_over(self) -> None:
        """Puts the jobs of dead workers back into the queue.

        A worker that was only slow may go on with its job beside the one that took it over: both write the same
        bytes, and the case is counted once.

        Raises:
            StorageError: The database cannot be reached.
        """
        held = {str(job.executor_id) for job in self._database.jobs(status=RUNNING) if job.app_version == JOB_VERSION}
        dead = sorted(held - self._living())
        if dead:
            structlog.get_logger("gliosynth.leases").warning("takes_over", workers=dead)
            # Atomic for each job: of several workers that do this at once, one succeeds.
            DBOS._recover_pending_workflows(dead)

    def _living(self) -> set[str]:
        living = sa.select(WORKERS.c.id).where(WORKERS.c.seen_s > self._database.now_s() - self._lease_s)
        with self._database.read() as connection:
            return set(connection.execute(living).scalars())

    def _fail_given_up(self) -> None:
        """Fails the cohorts of which a job was given up by the queue itself."""
        for job in self._database.jobs(status=GIVEN_UP, limit=100):
            cohort_id, run, job_name = _parts(job)
            if self._runs.wanted(cohort_id, run) is None:
                continue
            message = (
                f"{job_name}: this job ended {MOST_RECOVERIES} workers, or broke; look into their logs for what it"
                " did, such as running out of memory, then resume the cohort"
            )
            self._runs.fail(cohort_id, run, reason="JOB_GIVEN_UP", message=message)

    def _fail_orphans(self) -> None:
        """Fails cohorts of a generator that is gone, and forgets workers that have been gone for as long."""
        self._runs.fail_orphans(silent_s=GENERATOR_GRACE_S)
        with self._database.write() as connection:
            gone = WORKERS.c.seen_s < self._database.now_s() - GENERATOR_GRACE_S
            connection.execute(sa.delete(WORKERS).where(gone))

    def _expire(self) -> None:
        self._runs.delete_expired()

    def _repeat(self, tasks: Sequence[Callable[[], None]]) -> None:
        while not self._stop.wait(self._lease_s / SIGNS_PER_LEASE):
            for task in tasks:
                self._try(task)

    def _try(self, task: Callable[[], None]) -> None:
        """Does one task; a database that cannot be reached is tried again at the next turn."""
        try:
            task()
        except StorageError as error:
            structlog.get_logger("gliosynth.leases").warning("database_failed", error=str(error))


def _parts(job: Any) -> tuple[str, int, str]:
    """Returns cohort, run and rest of a job's id."""
    cohort_id, run, rest = str(job.workflow_id).split(".", 2)
    return cohort_id, int(run), rest
