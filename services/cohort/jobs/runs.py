"""Cohorts as workers know them: a run is one taking-up of the work, and every step of it is counted once."""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from services.cohort.jobs import transitions
from services.cohort.jobs.database import Database
from services.cohort.jobs.records import CaseOutcome, CohortRecord, record_of
from services.cohort.jobs.tables import ACTIVE, CASES, COHORTS, WORKERS, State

PORTION: Final = 100
"""Cases that are queued in one transaction."""


class Runs:
    """The work on the cohorts of one database."""

    def __init__(self, database: Database, *, expiry_s: float | None) -> None:
        """Keeps the database.

        Args:
            database: Where the cohorts are.
            expiry_s: Seconds from the end of the work to a cohort's deletion, or None for never.
        """
        self._database = database
        self._expiry_s = expiry_s

    def wanted(self, cohort_id: str, run: int) -> CohortRecord | None:
        """Returns the cohort if this run of it is still wanted, else None.

        Args:
            cohort_id: The cohort.
            run: The run.
        """
        with self._database.read() as connection:
            return _wanted(transitions.find(connection, COHORTS.c.id == cohort_id), run)

    def plan(self, cohort_id: str, run: int) -> None:
        """Queues the cases of a run that are not made, or its end where all are; once more changes nothing.

        In portions: a large cohort must not keep everyone else out of the database.

        Args:
            cohort_id: The cohort.
            run: The run.
        """
        numbers = self._begin(cohort_id, run)
        for first in range(0, len(numbers), PORTION):
            with self._database.write() as connection:
                if self._locked(connection, cohort_id, run) is None:
                    return
                portion = numbers[first : first + PORTION]
                transitions.enqueue(self._database, connection, transitions.CASE_JOB, cohort_id, run, portion)

    def _begin(self, cohort_id: str, run: int) -> list[int]:
        """Returns the numbers of the cases to make; where none is left, queues the end of the run."""
        with self._database.write() as connection:
            cohort = self._locked(connection, cohort_id, run)
            if cohort is None:
                return []
            transitions.change(connection, cohort_id, {"state": State.RUNNING})
            made = set(connection.execute(sa.select(CASES.c.number).where(CASES.c.cohort_id == cohort_id)).scalars())
            numbers = [number for number in range(cohort.case_count) if number not in made]
            if not numbers:
                transitions.enqueue(self._database, connection, transitions.FINISH_JOB, cohort_id, run)
            return numbers

    def _locked(self, connection: sa.Connection, cohort_id: str, run: int) -> CohortRecord | None:
        return _wanted(transitions.find(connection, COHORTS.c.id == cohort_id, lock=True), run)

    def case_stored(self, cohort_id: str, run: int, case: CaseOutcome) -> None:
        """Counts a case that is stored, once; after the last one the end of the run is queued.

        Args:
            cohort_id: The cohort.
            run: The run that made it.
            case: What it adds.
        """
        with self._database.write() as connection:
            cohort = self._locked(connection, cohort_id, run)
            if cohort is None:
                return
            is_new = transitions.insert_once(connection, CASES, {"cohort_id": cohort_id, "number": case.number})
            if is_new:
                _count_case(connection, cohort, case)
            if cohort.cases_made + is_new == cohort.case_count:
                transitions.enqueue(self._database, connection, transitions.FINISH_JOB, cohort_id, run)

    def finish(self, cohort_id: str, run: int, *, size_bytes: int, file_count: int, reasons: Sequence[str]) -> None:
        """Ends a run whose data set is complete.

        Args:
            cohort_id: The cohort.
            run: The run.
            size_bytes: Bytes of the data set.
            file_count: Files of the data set.
            reasons: Why the images are withheld; empty when they are released.
        """
        state = State.WITHHELD if reasons else State.SUCCEEDED
        facts = {"size_bytes": size_bytes, "file_count": file_count, "withheld_reasons": list(reasons)}
        self._end(cohort_id, run, state=state, outcome="ok", facts=facts)

    def fail(self, cohort_id: str, run: int, *, reason: str, message: str) -> None:
        """Stops a run that cannot go on.

        Args:
            cohort_id: The cohort.
            run: The run.
            reason: Stable identifier.
            message: What happened and what to do.
        """
        facts = {"error_reason": reason, "error_message": message}
        self._end(cohort_id, run, state=State.FAILED, outcome="failed", facts=facts)
        self._database.cancel_queued(transitions.job_prefix(cohort_id, run))

    def delete_expired(self) -> int:
        """Deletes the cohorts whose time is over, and returns how many they were."""
        over = (COHORTS.c.expires_s < self._database.now_s(), COHORTS.c.state != State.DELETED)
        with self._database.write() as connection:
            query = sa.select(COHORTS).where(*over).with_for_update(skip_locked=True)
            expired = [record_of(row) for row in connection.execute(query)]
            for cohort in expired:
                transitions.delete(self._database, connection, cohort)
                transitions.count(connection, "jobs", outcome="expired")
        return len(expired)

    def fail_orphans(self, *, silent_s: float) -> None:
        """Stops the cohorts that no worker will make: none of their generator's version has been seen for long.

        Args:
            silent_s: For how long, in seconds.
        """
        seen = sa.select(WORKERS.c.job_version).where(WORKERS.c.seen_s > self._database.now_s() - silent_s)
        orphans = sa.select(COHORTS).where(
            COHORTS.c.state.in_(ACTIVE),
            COHORTS.c.job_version.notin_(seen),
            COHORTS.c.created_s < self._database.now_s() - silent_s,
        )
        with self._database.read() as connection:
            found = [record_of(row) for row in connection.execute(orphans)]
        for cohort in found:
            message = (
                f"no worker of generator {cohort.job_version} has been seen for {silent_s:g} s: start one and resume"
                " there, or create the cohort again"
            )
            self.fail(cohort.id, cohort.run, reason="GENERATOR_GONE", message=message)

    def others_at_work(self, cohort_id: str) -> bool:
        """Returns whether a worker holds a job of a cohort other than its removal.

        Args:
            cohort_id: The cohort.
        """
        held = self._database.jobs(status=["PENDING"], id_prefix=f"{cohort_id}.")
        return any(not str(job.workflow_id).endswith(transitions.REMOVE_JOB) for job in held)

    def is_deleted(self, cohort_id: str) -> bool:
        """Returns whether a cohort's files are to be removed.

        Args:
            cohort_id: The cohort.
        """
        with self._database.read() as connection:
            cohort = transitions.find(connection, COHORTS.c.id == cohort_id)
        return cohort is not None and cohort.state is State.DELETED

    def removed(self, cohort_id: str) -> None:
        """Forgets a deleted cohort whose files are gone.

        Args:
            cohort_id: The cohort.
        """
        with self._database.write() as connection:
            connection.execute(sa.delete(CASES).where(CASES.c.cohort_id == cohort_id))
            connection.execute(sa.delete(COHORTS).where(COHORTS.c.id == cohort_id, COHORTS.c.state == State.DELETED))
        self._database.forget_jobs(f"{cohort_id}.")

    def _end(self, cohort_id: str, run: int, *, state: State, outcome: str, facts: Mapping[str, object]) -> None:
        with self._database.write() as connection:
            cohort = self._locked(connection, cohort_id, run)
            if cohort is not None:
                transitions.end(
                    self._database,
                    connection,
                    cohort,
                    state=state,
                    outcome=outcome,
                    expiry_s=self._expiry_s,
                    facts=facts,
                )


def _wanted(cohort: CohortRecord | None, run: int) -> CohortRecord | None:
    return cohort if cohort is not None and cohort.run == run and cohort.state in ACTIVE else None


def _count_case(connection: sa.Connection, cohort: CohortRecord, case: CaseOutcome) -> None:
    """Adds a case and its rejected draws to the cohort and to the counters."""
    totals = dict(cohort.rejections)
    for reason, times in case.rejections.items():
        totals[reason] = totals.get(reason, 0) + times
        transitions.count(connection, "samples", outcome="rejected", reason=reason, model=case.generator, by=times)
    transitions.count(connection, "samples", outcome="accepted", model=case.generator)
    made = {"cases_made": cohort.cases_made + 1, "size_bytes": cohort.size_bytes + case.size_bytes}
    transitions.change(connection, cohort.id, {**made, "rejections": totals})
