"""Makes cohorts: `python -m services.cohort.worker`. Any number of them, on any machines, share one job database.

It takes one job at a time from the queue. On SIGTERM it finishes the case in hand, or leaves it to others after the
grace. Killed, it loses nothing: what it held is taken over when its lease ends.
"""

import os
import secrets
import signal
import socket
import sys
import threading
from typing import Final

import structlog

from gliosynth import __version__
from gliosynth.errors import GliosynthError
from gliosynth.raw import VolumeLimits
from services.cohort.jobs.database import Database, database_url
from services.cohort.jobs.leases import Leases
from services.cohort.jobs.runs import Runs
from services.cohort.jobs.workflows import Jobs
from services.cohort.making.gate import open_gate
from services.cohort.making.label_maps import LabelMaps
from services.cohort.making.maker import Maker
from services.cohort.making.painters import Painters
from services.runtime.logs import set_up_logs
from services.runtime.settings import Settings, read_settings
from services.runtime.stopping import StopRequest
from services.runtime.storage import open_store

SECONDS_A_DAY: Final = 86_400.0
"""Unit of the expiry's setting."""

FROM_PARENT: Final = "--from-parent"
"""The one option of a worker that a server starts: its settings are the first line of standard input, JSON, and it ends
when standard input does, that is with the server however that ends. Options would show secrets to other users."""


def work(settings: Settings, stop: StopRequest) -> None:
    """Works until it is asked to stop.

    Args:
        settings: The worker's settings.
        stop: Ends the work.

    Raises:
        GliosynthError: The database, the store or the models cannot be used.
    """
    log = structlog.get_logger("gliosynth.worker")
    url = database_url(settings.database_url, folder=settings.cohort_folder)
    database = Database(url)
    runs = Runs(database, expiry_s=expiry_s(settings))
    store = open_store(settings.store_url, folder=settings.cohort_folder / "store")
    limits = VolumeLimits(settings.max_inflated_bytes, settings.max_volume_voxels)
    gate = open_gate(settings)
    painters = Painters(settings)
    maker = Maker(runs, store, label_maps=LabelMaps(store, limits=limits), gate=gate, painters=painters)
    jobs = Jobs(maker, runs, retries=settings.cohort_retries)
    worker_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    leases = Leases(database, runs, worker_id=worker_id, lease_s=settings.worker_lease_s)
    jobs.launch(url, worker_id=worker_id, poll_s=settings.worker_poll_s)
    leases.start()
    log.info("working", version=__version__, worker=worker_id)
    stop.wait()
    log.info("stopping")
    jobs.stop(grace_s=int(settings.drain_grace_s))
    leases.stop()
    painters.close()
    if gate is not None:
        gate.close()
    database.close()
    log.info("stopped")


def expiry_s(settings: Settings) -> float | None:
    """Returns the seconds from the end of the work on a cohort to its deletion, or None for never.

    Args:
        settings: `cohort_expiry_days` is used.
    """
    return settings.cohort_expiry_days * SECONDS_A_DAY or None


def _stop_with_parent(stop: StopRequest) -> None:
    """Asks for the stop when standard input ends: the process that started this one is gone."""
    sys.stdin.read()
    stop.set()


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0 after an orderly stop, 1 if the worker could not start.

    Args:
        arguments: Options, or `FROM_PARENT` alone.
    """
    owned = arguments == [FROM_PARENT]
    settings = Settings.model_validate_json(sys.stdin.readline()) if owned else read_settings(arguments)
    set_up_logs(settings)
    stop = StopRequest()
    stop.on_signals(signal.SIGTERM, signal.SIGINT)
    if owned:
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    try:
        work(settings, stop)
    except GliosynthError as error:
        structlog.get_logger("gliosynth.worker").error("start_failed", reason=error.reason, error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
