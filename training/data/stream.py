"""A ring that simulator processes renew while a network learns from it, at a pace that makes the run repeatable.

Workers that simply run beside a trainer make every run depend on timing. Here the *step* says which volumes may be
drawn: step n draws from volumes ``[last - window, last)``, ``last(n) = reserve + floor(rate n)``. The trainer publishes
the first volume that it still wants and waits for those that are not there yet; a worker overwrites no volume that is
wanted. Volume v is a function of ``(seed, v)``, so a streamed run is a function of its options and resumes exactly:
whatever a killed run had overwritten already is simulated again.
"""

import itertools
import json
import logging
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import GliosynthError, InvalidParameterError
from training.data.ring import Ring, RingShape, Simulate
from training.loop.stopwatch import Stopwatch

LOG = logging.getLogger("training")

NICENESS: Final = 5
"""Priority given up by workers, so that the trainer is never the one that waits for a core."""

POLL_S: Final = 0.05
"""Seconds between looks at a ring that is being filled."""

REMARK_S: Final = 30.0
"""Seconds of waiting after which the log says what the trainer waits for."""

EVER: Final = np.iinfo(np.int64).max
"""First volume wanted where none is: workers wait for nobody."""


class StoppedError(GliosynthError):
    """A worker was told to stop, or died before the volumes that it owed were there."""


@dataclass(frozen=True)
class Pace:
    """Which volumes a step draws from.

    Attributes:
        rate: Volumes simulated a step; infinite: as fast as the workers come, and then a run depends on timing.
        reserve: Volumes before the first step.
        window: Newest volumes that a step draws from; the ring's slots beyond let the workers work ahead.
    """

    rate: float
    reserve: int
    window: int

    @property
    def free(self) -> bool:
        """Whether steps take what is there."""
        return math.isinf(self.rate)

    def wanted(self, step: int) -> range:
        """Returns the numbers of the volumes that a step draws from; where free, how many it waits for."""
        last = self.reserve + (0 if self.free else math.floor(self.rate * step))
        return range(max(0, last - self.window), last)


@dataclass(frozen=True)
class Feed:
    """Where a ring's volumes come from.

    Attributes:
        name: Of the simulator, as ring and log call it.
        make: Makes the simulator inside a worker; can be sent to another process.
        seed: Volume v is simulated with the seed ``[seed, v]``.
    """

    name: str
    make: Callable[[], Simulate]
    seed: int


class Stream(Ring):
    """A ring with workers, for as long as the context lasts; they start with the first `advance`.

    Attributes:
        waited: Time spent waiting for volumes.
    """

    def __init__(self, folder: Path, shape: RingShape, *, feed: Feed, pace: Pace, workers: int) -> None:
        """Opens the ring or makes an empty one.

        Args:
            folder: Of the ring.
            shape: Its size.
            feed: What fills it.
            pace: Which volumes a step draws from.
            workers: Simulator processes; 0: another process of the same run has them.

        Raises:
            InvalidParameterError: The window does not fit the ring, or the ring holds volumes of another origin.
        """
        if not 0 < pace.reserve <= pace.window <= shape.slots:
            raise InvalidParameterError(
                f"a reserve of {pace.reserve} and a window of {pace.window} volumes do not fit a ring of "
                f"{shape.slots}; reserve <= window <= slots",
                field="slots",
            )
        Ring.create(folder, shape)
        super().__init__(folder)
        _claim(self, feed)
        self.feed, self.pace, self.workers, self.waited = feed, pace, workers, Stopwatch()
        self._first = _first_wanted(folder)
        self._drawn: NDArray[np.intp] | None = None
        self._remarked = 0.0
        context = multiprocessing.get_context("spawn")
        self._stop: Event = context.Event()
        self._processes: list[SpawnProcess] = []

    @property
    def held(self) -> NDArray[np.intp]:
        """Slots that the step at hand draws from, oldest volume first; before the first step or free: all held."""
        return super().held if self._drawn is None else self._drawn

    def advance(self, step: int) -> None:
        """Waits until the volumes that a step draws from are there, and lets go of those before.

        Raises:
            StoppedError: A worker died.
        """
        wanted = self.pace.wanted(step)
        if self.workers:
            self._first[0] = EVER if self.pace.free else wanted.start
        if self.workers and not self._processes:
            self._start(self.next_volume if self.pace.free else wanted.start)
        with self.waited:
            while not self._there(wanted):
                self._remark(step)
                time.sleep(POLL_S)
        if not self.pace.free:
            self._drawn = np.arange(wanted.start, wanted.stop) % self.shape.slots

    def __enter__(self) -> Self:
        """Changes nothing: the first step starts the workers."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the workers after the volume each is at."""
        self._stop.set()
        for process in self._processes:
            process.join()

    def _start(self, first: int) -> None:
        context = multiprocessing.get_context("spawn")
        for rank in range(self.workers):
            owed = _Owed(first + rank, self.workers, self.pace.free)
            arguments = (self.folder, self.feed, owed, self._stop, os.getpid())
            self._processes.append(context.Process(target=_renew, args=arguments, daemon=True))
            self._processes[-1].start()

    def _there(self, wanted: range) -> bool:
        if self.pace.free:
            return self.filled >= len(wanted)
        numbers = np.arange(wanted.start, wanted.stop)
        return bool(np.array_equal(self.index[numbers % self.shape.slots, 0], numbers))

    def _remark(self, step: int) -> None:
        if any(process.exitcode is not None for process in self._processes):
            raise StoppedError("a simulator process died while volumes were awaited; its traceback is above")
        total = self.waited.seconds + self.waited.running_s
        if total - self._remarked > REMARK_S:
            self._remarked = total
            text = "waited %.0f s for volumes so far, at step %d: the simulator limits; more --workers, or less --pace"
            LOG.info(text, total, step)


def _claim(ring: Ring, feed: Feed) -> None:
    """Notes what fills a ring, or refuses one that something else has filled."""
    path, origin = ring.folder / "feed.json", {"simulator": feed.name, "seed": feed.seed}
    known = json.loads(path.read_text()) if path.exists() else None
    if ring.filled and known != origin:
        raise InvalidParameterError(
            f"{ring.folder} holds volumes of {known or 'unknown origin'}, not of {origin}; name another --ring folder, "
            "or --workers 0 to draw from it as it lies",
            field="ring",
        )
    if known != origin:
        path.write_text(json.dumps(origin) + "\n")


def _first_wanted(folder: Path) -> NDArray[np.int64]:
    """Returns the number that trainer and workers share: the first volume that is still wanted."""
    path = folder / "wanted.npy"
    if not path.exists():
        np.save(path, np.zeros(1, dtype=np.int64))
    shared: NDArray[np.int64] = np.load(path, mmap_mode="r+")
    return shared


@dataclass(frozen=True)
class _Owed:
    """Numbers that one of several workers makes: first, first + stride, ...; even those that are there, where free."""

    first: int
    stride: int
    free: bool

    def numbers(self, ring: Ring, ended: Callable[[], bool]) -> Iterator[int]:
        """Yields each number as soon as its slot is free, until it is ended."""
        slots, wanted = ring.shape.slots, _first_wanted(ring.folder)
        for number in itertools.count(self.first, self.stride):
            while not ended() and number - slots >= wanted[0]:
                time.sleep(POLL_S)
            if ended():
                return
            if self.free or ring.index[number % slots, 0] != number:
                yield number


def _renew(folder: Path, feed: Feed, owed: _Owed, stop: Event, parent: int) -> None:
    """Body of a worker: one core, low priority; ends when told to, or with its trainer, however that died."""
    os.nice(NICENESS)
    # A scheduler signals the whole group; the trainer ends its step first and then tells the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ring, simulate = Ring(folder), feed.make()
    for number in owed.numbers(ring, lambda: stop.is_set() or os.getppid() != parent):
        volume = simulate(np.random.default_rng([feed.seed, number]))
        if os.getppid() == parent:
            ring.put(number, volume)
