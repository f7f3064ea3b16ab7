"""Admission: how many requests run at once and how much they may hold, decided before memory is taken."""

import threading
from types import TracebackType
from typing import Self

from gliosynth.errors import BudgetExceededError
from services.runtime.settings import Settings


class Lease:
    """A request's place among the running ones and the memory it reserved. Released once, by `release` or `with`."""

    def __init__(self, admission: "Admission") -> None:
        """Keeps where to give everything back.

        Args:
            admission: Whose place this is.
        """
        self._admission = admission
        self._reserved_bytes = 0
        self._released = False

    def reserve(self, size_bytes: int) -> None:
        """Reserves memory for the request.

        Args:
            size_bytes: Bytes to add to what the request holds.

        Raises:
            BudgetExceededError: All requests together would hold more than the setting allows.
        """
        self._admission._take_bytes(size_bytes)
        self._reserved_bytes += size_bytes

    def release(self) -> None:
        """Gives place and memory back; a second call does nothing."""
        if not self._released:
            self._released = True
            self._admission._give_back(self._reserved_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Admission:
    """The places and the memory of one server. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        """Starts empty.

        Args:
            settings: `max_concurrent_requests` and `max_buffered_bytes` are used.
        """
        self._settings = settings
        self._lock = threading.Lock()
        self._running = 0
        self._held_bytes = 0

    def enter(self) -> Lease:
        """Returns a place.

        Raises:
            BudgetExceededError: As many requests as allowed are running.
        """
        with self._lock:
            if self._running >= self._settings.max_concurrent_requests:
                raise BudgetExceededError(
                    f"the server is computing {self._running} requests, as many as it may; try again in a few seconds",
                    reason="TOO_MANY_REQUESTS",
                )
            self._running += 1
        return Lease(self)

    @property
    def held_bytes(self) -> int:
        """Bytes that the running requests reserved."""
        return self._held_bytes

    def _take_bytes(self, size_bytes: int) -> None:
        with self._lock:
            if self._held_bytes + size_bytes > self._settings.max_buffered_bytes:
                raise BudgetExceededError(
                    f"with {size_bytes} bytes more, all requests together would hold more than the server's"
                    f" {self._settings.max_buffered_bytes}; try again in a few seconds",
                    got=str(size_bytes),
                    reason="MEMORY_BUSY",
                )
            self._held_bytes += size_bytes

    def _give_back(self, size_bytes: int) -> None:
        with self._lock:
            self._running -= 1
            self._held_bytes -= size_bytes
