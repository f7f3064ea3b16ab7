"""Cohorts as callers know them: create, get, list, cancel, resume, delete, each in one transaction."""

import secrets
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from gliosynth.errors import ConflictError, StateError
from services.cohort.jobs import transitions
from services.cohort.jobs.database import JOB_VERSION, Database
from services.cohort.jobs.records import CohortRecord, NewCohort, new_row, record_of
from services.cohort.jobs.tables import COHORTS, COMPLETE, STOPPED, State

ID_BYTES: Final = 10
"""Random bytes in a cohort's id."""


class Cohorts:
    """The cohorts of one database."""

    def __init__(self, database: Database, *, expiry_s: float | None) -> None:
        """Keeps the database.

        Args:
            database: Where the cohorts are.
            expiry_s: Seconds from the end of the work to a cohort's deletion, or None for never.
        """
        self._database = database
        self._expiry_s = expiry_s

    def create(self, cohort: NewCohort) -> CohortRecord:
        """Stores a cohort and queues its work; the same request sent again returns the first one's cohort.

        Args:
            cohort: The checked request.

        Raises:
            ConflictError: Another request had this request id.
            StorageError: The database fails.
        """
        cohort_id = secrets.token_hex(ID_BYTES)
        with self._database.write() as connection:
            row = new_row(cohort_id, cohort) | {"created_s": self._database.now_s(), "job_version": JOB_VERSION}
            if transitions.insert_once(connection, COHORTS, row):
                transitions.enqueue(self._database, connection, transitions.PLAN_JOB, cohort_id, 1)
                return transitions.get(connection, cohort_id)
            first = transitions.find(connection, COHORTS.c.request_id == cohort.request_id)
        if first is None or first.request_digest != cohort.request_digest:
            raise ConflictError(
                f"request_id: {cohort.request_id!r} was used for another spec; take a new one for a new cohort",
                field="request_id",
                got=cohort.request_id,
                reason="REQUEST_ID_REUSED",
            )
        return first

    def get(self, cohort_id: str) -> CohortRecord:
        """Returns a cohort.

        Args:
            cohort_id: Its id.

        Raises:
            UnknownResourceError: There is none, or it was deleted.
        """
        with self._database.read() as connection:
            return transitions.get(connection, cohort_id)

    def list(
        self, *, size: int, after: tuple[float, str] | None, states: Sequence[State], display_name: str
    ) -> list[CohortRecord]:
        """Returns cohorts, newest first.

        Args:
            size: Most that are returned.
            after: Creation time and id of the last one of the page before.
            states: Only these; empty for all.
            display_name: Only those of this name; empty for all.
        """
        query = sa.select(COHORTS).where(COHORTS.c.state != State.DELETED)
        if states:
            query = query.where(COHORTS.c.state.in_(states))
        if display_name:
            query = query.where(COHORTS.c.display_name == display_name)
        if after is not None:
            query = query.where(sa.tuple_(COHORTS.c.created_s, COHORTS.c.id) < sa.tuple_(*map(sa.literal, after)))
        query = query.order_by(COHORTS.c.created_s.desc(), COHORTS.c.id.desc()).limit(size)
        with self._database.read() as connection:
            return [record_of(row) for row in connection.execute(query)]

    def cancel(self, cohort_id: str) -> CohortRecord:
        """Stops the work on a cohort; that it has stopped already is no error.

        Args:
            cohort_id: Its id.

        Raises:
            UnknownResourceError: There is no such cohort.
            StateError: The data set is complete.
        """
        with self._database.write() as connection:
            cohort = transitions.get(connection, cohort_id, lock=True)
            if cohort.state in COMPLETE:
                raise StateError(
                    f"cohort {cohort_id} is complete: nothing is left to cancel; delete it if it is not wanted",
                    reason="COHORT_FINISHED",
                )
            transitions.end(
                self._database,
                connection,
                cohort,
                state=State.CANCELLED,
                outcome="cancelled",
                expiry_s=self._expiry_s,
            )
            after = transitions.get(connection, cohort_id)
        self._database.cancel_queued(transitions.job_prefix(cohort_id, after.run))
        return after

    def resume(self, cohort_id: str) -> CohortRecord:
        """Takes up the work on a stopped cohort.

        Args:
            cohort_id: Its id.

        Raises:
            UnknownResourceError: There is no such cohort.
            StateError: It is not stopped, or another generator began it.
        """
        with self._database.write() as connection:
            cohort = transitions.get(connection, cohort_id, lock=True)
            if cohort.state not in STOPPED:
                raise StateError(
                    f"cohort {cohort_id} is {cohort.state}; only a failed or cancelled one can be resumed",
                    reason="COHORT_NOT_STOPPED",
                )
            if cohort.job_version != JOB_VERSION:
                raise StateError(
                    f"cohort {cohort_id} was begun by generator {cohort.job_version}, this is {JOB_VERSION}: its cases"
                    " would not belong together; create it again",
                    reason="GENERATOR_CHANGED",
                )
            cleared = {"error_reason": "", "error_message": "", "ended_s": None, "expires_s": None}
            transitions.change(connection, cohort_id, {"state": State.QUEUED, "run": cohort.run + 1, **cleared})
            transitions.enqueue(self._database, connection, transitions.PLAN_JOB, cohort_id, cohort.run + 1)
            return transitions.get(connection, cohort_id)

    def delete(self, cohort_id: str) -> None:
        """Makes a cohort unknown at once, and queues the removal of its files.

        Args:
            cohort_id: Its id.

        Raises:
            UnknownResourceError: There is no such cohort.
        """
        with self._database.write() as connection:
            cohort = transitions.get(connection, cohort_id, lock=True)
            transitions.delete(self._database, connection, cohort)

    def work_is_left(self) -> bool:
        """Returns whether any cohort has work for a worker: cases to make, or files to remove."""
        busy = (State.QUEUED, State.RUNNING, State.DELETED)
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(COHORTS.c.state.in_(busy)))).scalar())
