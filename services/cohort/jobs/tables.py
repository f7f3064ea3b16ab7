"""The tables that hold cohorts, in the same database as the job queue, so that both change in one transaction."""

from enum import StrEnum
from typing import Final

import sqlalchemy as sa


class State(StrEnum):
    """Where a cohort stands; `DELETED` ones are seen by workers only."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    WITHHELD = "withheld"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


ACTIVE: Final = (State.QUEUED, State.RUNNING)
"""States in which there is work to do."""

COMPLETE: Final = (State.SUCCEEDED, State.WITHHELD)
"""States in which the data set is complete."""

STOPPED: Final = (State.FAILED, State.CANCELLED)
"""States from which the work can be taken up again."""

METADATA: Final = sa.MetaData()
"""All tables of this module."""

COHORTS: Final = sa.Table(
    "gliosynth_cohorts",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("display_name", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("change", sa.Integer, nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("request_id", sa.String(64), unique=True),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("case_count", sa.Integer, nullable=False),
    sa.Column("cases_made", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("file_count", sa.Integer, nullable=False),
    sa.Column("price", sa.JSON, nullable=False),
    sa.Column("rejections", sa.JSON, nullable=False),
    sa.Column("error_reason", sa.String(64), nullable=False),
    sa.Column("error_message", sa.Text, nullable=False),
    sa.Column("withheld_reasons", sa.JSON, nullable=False),
    sa.Column("generator_version", sa.String(64), nullable=False),
    sa.Column("models", sa.JSON, nullable=False),
    sa.Column("job_version", sa.String(64), nullable=False),
    sa.Column("created_s", sa.Double, nullable=False, index=True),
    sa.Column("ended_s", sa.Double),
    sa.Column("expires_s", sa.Double, index=True),
)
"""One row for each cohort. `run` counts how often its work was taken up, `change` every change of the row."""

CASES: Final = sa.Table(
    "gliosynth_cases",
    METADATA,
    sa.Column("cohort_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
)
"""One row for each case that is made and stored: it counts once, whoever made it how often."""

TOTALS: Final = sa.Table(
    "gliosynth_totals",
    METADATA,
    sa.Column("metric", sa.String(32), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("outcome", sa.String(16), primary_key=True),
    sa.Column("reason", sa.String(64), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""Counters for `/metrics`, in the same transaction as what they count."""

WORKERS: Final = sa.Table(
    "gliosynth_workers",
    METADATA,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("job_version", sa.String(64), nullable=False),
    sa.Column("seen_s", sa.Double, nullable=False),
)
"""One row for each worker, its version of the jobs, and when it was last seen, by the database's clock."""


def now_s(dialect: str) -> sa.ColumnElement[float]:
    """Returns the database's clock as an expression: seconds since 1970, one clock for all machines.

    Args:
        dialect: SQLAlchemy's name of the database, ``"sqlite"`` or ``"postgresql"``.
    """
    if dialect == "sqlite":
        return sa.literal_column("(julianday('now') - 2440587.5) * 86400.0", sa.Double)
    return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Double)
