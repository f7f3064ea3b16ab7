"""A stopwatch for what a run waits for."""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass
class Stopwatch:
    """Seconds spent inside ``with`` blocks.

    Attributes:
        seconds: Sum so far.
    """

    seconds: float = 0.0
    _start: float | None = None

    @property
    def running_s(self) -> float:
        """Seconds since it was started, 0 while it stands."""
        return 0.0 if self._start is None else time.monotonic() - self._start

    def __enter__(self) -> Self:
        """Starts it."""
        self._start = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Adds what has passed."""
        self.seconds, self._start = self.seconds + self.running_s, None
