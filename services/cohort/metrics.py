"""Metrics of the jobs, read from the job database at each scrape.

Every server of one database shows the same numbers: take their maximum, not their sum.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gliosynth.cohort.spec import Generator
from gliosynth.errors import StorageError
from services.cohort.backend import Backend, House
from services.cohort.jobs.tables import ACTIVE, COHORTS, TOTALS, WORKERS
from services.cohort.jobs.transitions import QUEUE

PRIORITY: Final = "normal"
"""The one priority that cohorts have."""

OUTCOMES: Final = ("ok", "failed", "cancelled", "expired")
"""How jobs end."""


class JobMetrics(Collector):
    """Collects the metrics of one server's job database."""

    def __init__(self, backend: Backend) -> None:
        """Keeps where to look.

        Args:
            backend: The server's.
        """
        self._backend = backend

    def collect(self) -> Iterable[Metric]:
        """Yields the metrics; zeros before a database was opened, nothing while it cannot be reached."""
        house = self._backend.opened
        try:
            return list(_metrics(house, lease_s=self._backend.settings.worker_lease_s))
        except StorageError as error:
            structlog.get_logger("gliosynth.metrics").warning("database_failed", error=str(error))
            return []

    def describe(self) -> Iterable[Metric]:
        """Yields nothing: registering must not open the database."""
        return []


def _metrics(house: House | None, *, lease_s: float) -> Iterator[Metric]:
    left, oldest_s, workers = (0, 0.0, 0) if house is None else _load(house, lease_s)
    queued = GaugeMetricFamily(
        "gliosynth_jobs_queued", "Cases that are asked for and not made.", labels=("queue", "priority")
    )
    queued.add_metric((QUEUE, PRIORITY), left)
    oldest = GaugeMetricFamily(
        "gliosynth_jobs_oldest_seconds", "Age of the oldest cohort with work left.", labels=("queue", "priority")
    )
    oldest.add_metric((QUEUE, PRIORITY), oldest_s)
    yield from (queued, oldest)
    yield GaugeMetricFamily("gliosynth_workers", "Workers that gave a sign of life lately.", value=workers)
    totals = {} if house is None else _totals(house)
    jobs = CounterMetricFamily("gliosynth_jobs", "Cohorts whose work is over.", labels=("queue", "outcome"))
    for outcome in OUTCOMES:
        jobs.add_metric((QUEUE, outcome), totals.pop(("jobs", "", outcome, ""), 0))
    yield jobs
    samples = CounterMetricFamily(
        "gliosynth_samples", "Cases by the gate's verdict.", labels=("model", "outcome", "reason")
    )
    for generator in Generator:
        totals.setdefault(("samples", generator.value, "accepted", ""), 0)
    for (_, model, outcome, reason), value in sorted(totals.items()):
        samples.add_metric((model, outcome, reason), value)
    yield samples


def _load(house: House, lease_s: float) -> tuple[int, float, int]:
    """Returns the cases left, the age of the oldest cohort with work left in seconds, and the living workers."""
    now_s = house.database.now_s()
    left = sa.func.coalesce(sa.func.sum(COHORTS.c.case_count - COHORTS.c.cases_made), 0)
    oldest_s = sa.func.coalesce(now_s - sa.func.min(COHORTS.c.created_s), 0.0)
    living = sa.select(sa.func.count()).select_from(WORKERS).where(WORKERS.c.seen_s > now_s - lease_s)
    with house.database.read() as connection:
        row = connection.execute(sa.select(left, oldest_s).where(COHORTS.c.state.in_(ACTIVE))).one()
        return int(row[0]), float(row[1]), int(connection.execute(living).scalar_one())


def _totals(house: House) -> dict[tuple[str, str, str, str], int]:
    with house.database.read() as connection:
        rows = connection.execute(sa.select(TOTALS)).all()
    return {(row.metric, row.model, row.outcome, row.reason): int(row.value) for row in rows}
