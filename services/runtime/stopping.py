"""The request to stop that SIGTERM and SIGINT make of a process."""

import os
import signal
from types import FrameType
from typing import Final

WAKE: Final = b"\0"
"""What is written to wake the waiting thread."""


class StopRequest:
    """Asked for once, by a signal or a thread; seen and waited for by the main thread.

    The wait is a read from a pipe, which the interpreter's own C handler writes to. A `threading.Event` would not do:
    a Python handler runs in the thread that it interrupts, so it waits for ever for the event's lock where that thread
    has just taken it; and a signal just before the thread falls asleep on any lock does not wake it.
    """

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self._asked = False
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)

    def set(self) -> None:
        """Asks the process to stop, from any thread."""
        self._asked = True
        os.write(self._writing, WAKE)

    def is_set(self) -> bool:
        """Returns whether a stop was asked for."""
        return self._asked

    def wait(self) -> None:
        """Returns as soon as a stop is asked for; at once if it was."""
        while not self._asked:
            os.read(self._reading, len(WAKE))

    def on_signals(self, *numbers: signal.Signals) -> None:
        """Lets signals ask for the stop from now on. Main thread only.

        Args:
            numbers: Signals whose handlers are replaced.
        """

        def handler(_number: int, _frame: FrameType | None) -> None:
            self._asked = True

        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, handler)
