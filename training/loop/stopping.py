"""Ends a run between two steps when it is asked to."""

import signal
from types import FrameType, TracebackType
from typing import Final, Self

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
"""What a scheduler and a keyboard send."""


class Stopping:
    """Notes a request to stop instead of dying from it, for as long as the context lasts.

    Attributes:
        asked: Whether the process was asked to stop.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Self:
        """Takes the signals over."""
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
