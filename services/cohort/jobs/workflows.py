"""The jobs of a worker as DBOS workflows: each is one durable step, run again wherever it was cut off."""

from collections.abc import Callable
from typing import Final

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from gliosynth.errors import CancelledError, GliosynthError, StorageError
from services.cohort.jobs.database import APPLICATION, JOB_VERSION
from services.cohort.jobs.runs import Runs
from services.cohort.jobs.transitions import CASE_JOB, FINISH_JOB, PLAN_JOB, QUEUE, REMOVE_JOB
from services.cohort.making.maker import Maker
from services.runtime.logs import traceback_lines

MOST_RECOVERIES: Final = 20
"""Workers that one job may take down before it is given up."""

LONGEST_DELAY_S: Final = 60.0
"""Longest wait in seconds between two tries of a job whose store fails."""

DONE: Final = ""
"""Result of a step that did its work, or found that it is not wanted any more."""


class Jobs:
    """The workflows of this process. DBOS allows one of these in a process."""

    def __init__(self, maker: Maker, runs: Runs, *, retries: int) -> None:
        """Registers the workflows.

        Args:
            maker: Does the work.
            runs: Where failures are noted.
            retries: Further tries where the store fails.
        """
        self._maker = maker
        self._runs = runs
        self._retries = retries
        self._register()

    def launch(self, database_url: str, *, worker_id: str, poll_s: float) -> None:
        """Connects to the queue and starts to work; jobs that this worker id began before are taken up.

        Args:
            database_url: The job database.
            worker_id: Under which jobs are held.
            poll_s: Seconds between two looks at the queue.
        """
        config = DBOSConfig(
            name=APPLICATION,
            system_database_url=database_url,
            executor_id=worker_id,
            application_version=JOB_VERSION,
            serializer=DBOSPortableJSONSerializer(),
            log_level="WARNING",
            enable_otlp=False,
            notification_listener_polling_interval_sec=max(poll_s, 1.0),
            use_listen_notify=False,
        )
        DBOS(config=config)
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=poll_s)

    def stop(self, *, grace_s: int) -> None:
        """Takes no more jobs and lets the running one finish within the grace.

        Args:
            grace_s: Seconds that it has.
        """
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=grace_s)

    def _register(self) -> None:
        """Makes each kind of job a workflow of one step, tried again where the store fails. DBOS takes functions."""

        @DBOS.step(name="attempt")
        def attempt(job: str, cohort_id: str, run: int, number: int) -> str:
            return self._attempt(job, cohort_id, run, number)

        @DBOS.step(name="give_up")
        def give_up(cohort_id: str, run: int, failure: str) -> None:
            self._give_up(cohort_id, run, failure)

        def run_job(job: str, cohort_id: str, run: int, number: int) -> None:
            for tries in range(self._retries + 1):
                failure = attempt(job, cohort_id, run, number)
                if failure == DONE:
                    return
                if tries < self._retries:
                    DBOS.sleep(min(2.0**tries, LONGEST_DELAY_S))
            give_up(cohort_id, run, failure)

        @DBOS.workflow(name=CASE_JOB, max_recovery_attempts=MOST_RECOVERIES)
        def make_case(cohort_id: str, run: int, number: int) -> None:
            run_job(CASE_JOB, cohort_id, run, number)

        for job in (PLAN_JOB, FINISH_JOB, REMOVE_JOB):
            _register_whole(job, run_job)

    def _attempt(self, job: str, cohort_id: str, run: int, number: int) -> str:
        """Does the work of a job; returns `DONE`, or what hindered the store and may pass."""
        work: dict[str, Callable[[], None]] = {
            PLAN_JOB: lambda: self._runs.plan(cohort_id, run),
            CASE_JOB: lambda: self._maker.make(cohort_id, run, number),
            FINISH_JOB: lambda: self._maker.finish(cohort_id, run),
            REMOVE_JOB: lambda: self._maker.remove(cohort_id),
        }
        log = structlog.get_logger("gliosynth.jobs").bind(job=job, cohort=cohort_id, run=run, number=number)
        try:
            work[job]()
        except CancelledError:
            log.info("given_up")
        except StorageError as error:
            log.warning("store_failed", reason=error.reason, error=str(error))
            return f"{error.reason} {error}"
        except GliosynthError as error:
            log.warning("failed", reason=error.reason, error=str(error))
            self._runs.fail(cohort_id, run, reason=error.reason, message=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must fail the cohort, not the worker
            log.error("failed", traceback=traceback_lines(error))
            message = f"{job} {number}: the generator failed ({type(error).__name__}); the worker's log has the cause"
            self._runs.fail(cohort_id, run, reason="INTERNAL", message=message)
        return DONE

    def _give_up(self, cohort_id: str, run: int, failure: str) -> None:
        reason, _, message = failure.partition(" ")
        self._runs.fail(cohort_id, run, reason=reason, message=message)


def _register_whole(job: str, run_job: Callable[[str, str, int, int], None]) -> None:
    """Registers a job that is about a cohort as a whole."""

    @DBOS.workflow(name=job, max_recovery_attempts=MOST_RECOVERIES)
    def about_cohort(cohort_id: str, run: int) -> None:
        run_job(job, cohort_id, run, -1)
