"""The job database: a SQLite file by default, PostgreSQL by one setting; DBOS' queue and our tables side by side."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from dbos import error as dbos_error

from gliosynth import __version__
from gliosynth.cohort.lineage import DIGEST_DIGITS, generator_digest
from gliosynth.errors import StorageError
from services.cohort.jobs.tables import METADATA, now_s

APPLICATION: Final = "gliosynth"
"""Name of the application in DBOS' tables."""

JOB_VERSION: Final = f"{__version__}+{generator_digest()[:DIGEST_DIGITS]}"
"""Version of the jobs: a job is worked on only by workers of the very generator that it was created under, because
another one makes other bytes."""

BUSY_TIMEOUT_MS: Final = 30_000
"""Longest wait for another process' transaction on a SQLite file, in ms."""


class Database:
    """One connection pool to the job database. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Connects, and makes or migrates the tables.

        Args:
            url: As given by `database_url`.

        Raises:
            StorageError: The database cannot be reached, made or migrated.
        """
        self.url = url
        self.engine = _engine(url)
        with self.errors():
            DBOS.migrate(system_database_url=url)
            _create_tables(self.engine)
            self._client = DBOSClient(
                system_database_engine=self.engine,
                serializer=DBOSPortableJSONSerializer(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yields a connection in a transaction that is committed at the end, or undone by an error.

        Raises:
            StorageError: The database is full or cannot be reached.
        """
        with self.errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yields a connection that only reads, and that waits for no writer.

        Raises:
            StorageError: The database cannot be reached.
        """
        with self.errors(), self.engine.connect() as connection:
            yield connection.execution_options(read_only=True)

    def now_s(self) -> sa.ColumnElement[float]:
        """Returns the database's clock as an expression, seconds since 1970."""
        return now_s(self.engine.dialect.name)

    def enqueue(self, connection: sa.Connection, options: EnqueueOptions, *arguments: str | int) -> None:
        """Queues a job within a transaction; one of the same id is left as it is.

        Args:
            connection: The transaction.
            options: Workflow, queue, id and priority.
            arguments: The workflow's arguments.
        """
        self._client.enqueue_in_transaction(connection, {**options, "app_version": JOB_VERSION}, *arguments)

    def cancel_queued(self, id_prefix: str) -> None:
        """Takes the jobs that wait out of the queue.

        Args:
            id_prefix: What their ids begin with.

        Raises:
            StorageError: The database cannot be reached.
        """
        with self.errors():
            waiting = self._client.list_workflows(
                workflow_id_prefix=id_prefix, status="ENQUEUED", load_input=False, load_output=False
            )
            if waiting:
                self._client.cancel_workflows([each.workflow_id for each in waiting])

    def forget_jobs(self, id_prefix: str) -> None:
        """Drops what is kept of jobs that are over.

        Args:
            id_prefix: What their ids begin with.

        Raises:
            StorageError: The database cannot be reached.
        """
        over = self.jobs(status=["SUCCESS", "ERROR", "CANCELLED", "ENQUEUED"], id_prefix=id_prefix)
        with self.errors():
            if over:
                self._client.delete_workflows([job.workflow_id for job in over])

    def jobs(self, *, status: list[str], id_prefix: str | None = None, limit: int | None = None) -> list[Any]:
        """Returns the jobs in some of DBOS' states, newest first.

        Args:
            status: DBOS' names, such as ``"PENDING"``.
            id_prefix: What their ids begin with; None for any.
            limit: Most that are returned.

        Raises:
            StorageError: The database cannot be reached.
        """
        with self.errors():
            return list(
                self._client.list_workflows(
                    status=status,
                    workflow_id_prefix=id_prefix,
                    load_input=False,
                    load_output=False,
                    limit=limit,
                    sort_desc=True,
                )
            )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what the database raises into our own error.

        Raises:
            StorageError: DATABASE_FULL or DATABASE_UNAVAILABLE.
        """
        try:
            yield
        except (sa.exc.SQLAlchemyError, dbos_error.DBOSException, OSError) as error:
            raise _database_error(error) from error

    def close(self) -> None:
        """Closes every connection."""
        self._client.destroy()
        self.engine.dispose()


def database_url(setting: str, *, folder: Path) -> str:
    """Returns the URL of the job database.

    Args:
        setting: ``postgresql://user@host/name`` or ``sqlite:///path``; empty for a file in the folder.
        folder: Folder of the cohorts, made if needed.

    Raises:
        StorageError: The folder cannot be made.
    """
    if setting:
        return setting
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _database_error(error) from error
    return f"sqlite:///{folder.resolve() / 'jobs.sqlite'}"


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    engine = sa.create_engine(parsed)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A writer takes the lock at once: to read first and write then could find the lock taken for good.
        reads = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _create_tables(engine: sa.Engine) -> None:
    """Makes the tables; a process that starts at the same moment may have made them already."""
    try:
        METADATA.create_all(engine)
    except sa.exc.DBAPIError:
        METADATA.create_all(engine)


def _database_error(error: Exception) -> StorageError:
    text = (str(error).splitlines() or [""])[0][:200]
    if "full" in text.lower() or "no space left" in text.lower():
        return StorageError(
            "the job database's disk is full; make room, then try again", field="database", reason="DATABASE_FULL"
        )
    return StorageError(
        f"the job database cannot be used ({text}); check that it runs and may be written",
        field="database",
        reason="DATABASE_UNAVAILABLE",
    )
