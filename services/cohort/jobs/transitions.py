"""Every change of a cohort, as a step within a transaction; `cohorts` and `runs` put them together."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from dbos import EnqueueOptions
from sqlalchemy.dialects import postgresql, sqlite

from gliosynth.errors import UnknownResourceError
from services.cohort.jobs.database import Database
from services.cohort.jobs.records import CohortRecord, record_of
from services.cohort.jobs.tables import ACTIVE, COHORTS, TOTALS, State

QUEUE: Final = "cases"
"""Name of the queue that workers listen to."""

FIRST: Final = 1
"""Priority of what must not wait behind cases: starting, finishing and removing cohorts."""

PLAN_JOB: Final = "plan_cohort"
"""Queues the cases of a run."""

CASE_JOB: Final = "make_case"
"""Makes one case."""

FINISH_JOB: Final = "finish_cohort"
"""Makes what belongs to the data set as a whole."""

REMOVE_JOB: Final = "remove_cohort"
"""Removes the files of a deleted cohort."""


def job_prefix(cohort_id: str, run: int) -> str:
    """Returns what the ids of a cohort's jobs of one run begin with.

    Args:
        cohort_id: The cohort.
        run: How often its work was taken up.
    """
    return f"{cohort_id}.{run}."


def find(connection: sa.Connection, condition: sa.ColumnElement[bool], *, lock: bool = False) -> CohortRecord | None:
    """Returns the cohort that fulfils a condition, or None.

    Args:
        connection: The transaction.
        condition: True of one cohort at most.
        lock: Whether no other transaction may change it before this one ends.
    """
    query = sa.select(COHORTS).where(condition)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else record_of(row)


def get(connection: sa.Connection, cohort_id: str, *, lock: bool = False) -> CohortRecord:
    """Returns a cohort that callers may know of.

    Args:
        connection: The transaction.
        cohort_id: Its id.
        lock: Whether no other transaction may change it before this one ends.

    Raises:
        UnknownResourceError: There is none, or it was deleted.
    """
    cohort = find(connection, COHORTS.c.id == cohort_id, lock=lock)
    if cohort is None or cohort.state is State.DELETED:
        raise UnknownResourceError(
            f"there is no cohort {cohort_id!r}; it was deleted, has expired, or never was",
            field="name",
            got=cohort_id[:64],
            reason="COHORT_NOT_FOUND",
        )
    return cohort


def change(connection: sa.Connection, cohort_id: str, values: Mapping[str, Any]) -> None:
    """Writes columns of a cohort and counts the change, for those who watch it.

    Args:
        connection: The transaction.
        cohort_id: Its id.
        values: The columns.
    """
    update = sa.update(COHORTS).where(COHORTS.c.id == cohort_id)
    connection.execute(update.values(change=COHORTS.c.change + 1, **values))


def end(
    database: Database,
    connection: sa.Connection,
    cohort: CohortRecord,
    *,
    state: State,
    outcome: str,
    expiry_s: float | None,
    facts: Mapping[str, Any] | None = None,
) -> bool:
    """Ends the work on a cohort that is active; returns whether it was.

    Args:
        database: Gives the clock.
        connection: The transaction.
        cohort: The cohort, locked.
        state: Its new state.
        outcome: How the job is counted: "ok", "failed" or "cancelled".
        expiry_s: Seconds until it expires, or None for never.
        facts: Further columns.
    """
    if cohort.state not in ACTIVE:
        return False
    expires = None if expiry_s is None else database.now_s() + expiry_s
    change(connection, cohort.id, {"state": state, "ended_s": database.now_s(), "expires_s": expires, **(facts or {})})
    count(connection, "jobs", outcome=outcome)
    return True


def delete(database: Database, connection: sa.Connection, cohort: CohortRecord) -> None:
    """Makes a cohort unknown to callers, frees its request id, and queues the removal of its files.

    Args:
        database: The queue.
        connection: The transaction.
        cohort: The cohort, locked.
    """
    if cohort.state in ACTIVE:
        count(connection, "jobs", outcome="cancelled")
    change(connection, cohort.id, {"state": State.DELETED, "request_id": None, "expires_s": None})
    enqueue(database, connection, REMOVE_JOB, cohort.id, cohort.run)


def enqueue(
    database: Database,
    connection: sa.Connection,
    job: str,
    cohort_id: str,
    run: int,
    numbers: Sequence[int] = (),
) -> None:
    """Queues the job of a run, or one job for each number; those that are queued already are left as they are.

    A case's priority is its number, so that cohorts get on side by side; the other jobs come first.

    Args:
        database: The queue.
        connection: The transaction.
        job: Name of the workflow.
        cohort_id: The cohort.
        run: The run.
        numbers: Numbers of cases, or none.
    """
    prefix = job_prefix(cohort_id, run)
    if not numbers:
        database.enqueue(connection, _options(job, prefix + job, FIRST), cohort_id, run)
    for number in numbers:
        database.enqueue(connection, _options(job, f"{prefix}{number}", FIRST + 1 + number), cohort_id, run, number)


def _options(job: str, job_id: str, priority: int) -> EnqueueOptions:
    return EnqueueOptions(workflow_name=job, queue_name=QUEUE, workflow_id=job_id, priority=priority)


def count(
    connection: sa.Connection, metric: str, *, outcome: str, reason: str = "", model: str = "", by: int = 1
) -> None:
    """Adds to a counter of `/metrics`.

    Args:
        connection: The transaction.
        metric: "jobs" or "samples".
        outcome: Its outcome.
        reason: Its reason, or "".
        model: Its model, or "".
        by: How many.
    """
    key = {"metric": metric, "model": model, "outcome": outcome, "reason": reason}
    same = [TOTALS.c[name] == value for name, value in key.items()]
    if connection.execute(sa.update(TOTALS).where(*same).values(value=TOTALS.c.value + by)).rowcount:
        return
    insert_once(connection, TOTALS, {**key, "value": 0})
    connection.execute(sa.update(TOTALS).where(*same).values(value=TOTALS.c.value + by))


def insert_once(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Inserts a row unless one of the same key is there; returns whether it was inserted.

    Args:
        connection: The transaction.
        table: The table.
        row: The columns.
    """
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    # RETURNING, because an INSERT's row count is not to be had from every driver.
    insert = dialect.insert(table).values(**row).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(insert).scalar() is not None
