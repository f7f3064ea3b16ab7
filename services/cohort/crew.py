"""The workers that a server starts for itself: child processes that live no longer than it does."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Final

import structlog

from services.cohort.worker import FROM_PARENT
from services.runtime.settings import Settings

LOOK_S: Final = 1.0
"""Seconds between two looks at the children."""

LONGEST_PAUSE_LOOKS: Final = 60
"""Most looks between two starts of a child that keeps ending."""


class Crew:
    """Some worker processes, started when there is work, started again when one ends."""

    def __init__(self, settings: Settings) -> None:
        """Starts nothing yet.

        Args:
            settings: The server's settings, which the workers get as well.
        """
        self._settings = settings
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._posts: list[_Post] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the workers; a second call does nothing."""
        with self._lock:
            if self._thread is not None or self._stop.is_set() or not self._settings.cohort_workers:
                return
            self._posts = [_Post(self._spawn) for _ in range(self._settings.cohort_workers)]
            self._thread = threading.Thread(target=self._watch, name="crew", daemon=True)
            self._thread.start()

    def dismiss(self) -> None:
        """Asks the workers to stop after the case in hand; returns at once."""
        self._stop.set()
        with self._lock:
            for post in self._posts:
                post.process.terminate()

    def close(self) -> None:
        """Waits until every worker has stopped; those that take longer than the grace are killed."""
        self.dismiss()
        if self._thread is not None:
            self._thread.join()
        for post in self._posts:
            post.end(self._settings.drain_grace_s)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", "services.cohort.worker", FROM_PARENT], stdin=subprocess.PIPE
        )
        if process.stdin is not None:
            process.stdin.write(self._settings.model_dump_json().encode() + b"\n")
            process.stdin.flush()
        return process

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            with self._lock:
                for post in self._posts:
                    post.look()


class _Post:
    """One place of the crew: a process, and how long to pause before its successor."""

    def __init__(self, spawn: Callable[[], "subprocess.Popen[bytes]"]) -> None:
        self._spawn = spawn
        self._pause_looks = 1
        self._waited_looks = 0
        self.process = spawn()

    def look(self) -> None:
        """Starts a successor of a process that ended, later and later where they keep ending."""
        if self.process.poll() is None:
            return
        self._waited_looks += 1
        if self._waited_looks < self._pause_looks:
            return
        structlog.get_logger("gliosynth.crew").warning("worker_ended", code=self.process.returncode)
        self._close_pipe()
        self._pause_looks = min(2 * self._pause_looks, LONGEST_PAUSE_LOOKS)
        self._waited_looks = 0
        self.process = self._spawn()

    def end(self, grace_s: float) -> None:
        """Waits for the process, and kills it after the grace."""
        try:
            self.process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
