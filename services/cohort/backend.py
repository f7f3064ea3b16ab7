"""What the cohort servicers work with: job database, store and workers, opened when first needed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gliosynth.errors import BudgetExceededError, StorageError
from gliosynth.raw import VolumeLimits
from services.cohort.crew import Crew
from services.cohort.jobs.cohorts import Cohorts
from services.cohort.jobs.database import Database, database_url
from services.cohort.making.label_maps import LabelMaps
from services.cohort.worker import expiry_s
from services.runtime.settings import Settings
from services.runtime.storage import Store, open_store


@dataclass(frozen=True, eq=False)
class House:
    """The opened parts.

    Attributes:
        database: The job database.
        cohorts: The cohorts in it.
        store: Their files.
        label_maps: The uploaded label maps.
    """

    database: Database
    cohorts: Cohorts
    store: Store
    label_maps: LabelMaps


class Backend:
    """Opens the parts once, counts the long calls, and ends the workers with the server. Safe to use from threads."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet: a server that is never asked for a cohort leaves no folder behind.

        Args:
            settings: The server's settings.
        """
        self.settings = settings
        self.crew = Crew(settings)
        self.draining = threading.Event()
        self._lock = threading.Lock()
        self._house: House | None = None
        self._streams = 0

    @property
    def house(self) -> House:
        """The opened parts.

        Raises:
            StorageError: The database or the store cannot be used.
        """
        with self._lock:
            if self._house is None:
                self._house = _open(self.settings)
            return self._house

    @property
    def opened(self) -> House | None:
        """The parts if they are open."""
        return self._house

    def take_up(self) -> None:
        """Opens what is configured or there from before, and starts workers if work is left.

        Raises:
            StorageError: The database or the store cannot be used.
        """
        settings = self.settings
        if not settings.database_url and not (settings.cohort_folder / "jobs.sqlite").exists():
            return
        if self.house.cohorts.work_is_left():
            self.crew.start()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Counts a call that lasts.

        Raises:
            BudgetExceededError: As many as allowed are running.
        """
        with self._lock:
            if self._streams >= self.settings.max_streams:
                raise BudgetExceededError(
                    f"the server has {self._streams} calls that watch, wait or download, as many as it may;"
                    " try again in a few seconds",
                    reason="TOO_MANY_STREAMS",
                )
            self._streams += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams -= 1

    def pause(self, seconds: float) -> None:
        """Waits between two looks at a cohort.

        Args:
            seconds: How long.

        Raises:
            StorageError: The server is going down.
        """
        if self.draining.wait(seconds):
            raise StorageError(
                "the server is going down; ask again, another one has the same cohorts", reason="SERVER_DRAINING"
            )

    def drain(self) -> None:
        """Ends the calls that wait, and lets the workers stop after the case in hand."""
        self.draining.set()
        self.crew.dismiss()

    def close(self) -> None:
        """Waits for the workers and closes the database."""
        self.crew.close()
        if self._house is not None:
            self._house.database.close()


def _open(settings: Settings) -> House:
    store = open_store(settings.store_url, folder=settings.cohort_folder / "store")
    database = Database(database_url(settings.database_url, folder=settings.cohort_folder))
    limits = VolumeLimits(settings.max_inflated_bytes, settings.max_volume_voxels)
    return House(database, Cohorts(database, expiry_s=expiry_s(settings)), store, LabelMaps(store, limits=limits))
