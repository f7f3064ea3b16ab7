"""Progress while computing: the work runs in a worker thread, the call yields what it reports and is never silent."""

import contextvars
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from queue import Empty, SimpleQueue
from typing import TypeVar

from gliosynth.v1 import volume_pb2 as pb
from services.runtime.deadlines import Deadline

ResponseT = TypeVar("ResponseT")


class Reporter:
    """Takes progress from the work, and measures how long each stage takes. Used by one thread."""

    def __init__(self, emit: Callable[[pb.Progress], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts before the first stage.

        Args:
            emit: Called with each progress.
            clock: Seconds from any origin, never going back.
        """
        self._emit = emit
        self._clock = clock
        self._stage = ""
        self._since_s = clock()
        self._fraction = 0.0
        self._seconds: dict[str, float] = {}

    def report(self, stage: str, fraction: float, message: str = "") -> None:
        """Says where the work stands.

        Args:
            stage: Stage in snake_case, as in the proto's `Progress.stage`.
            fraction: Share of the whole request that is done; a value below an earlier one is raised to it.
            message: One sentence for a person.
        """
        self._switch_to(stage)
        self._fraction = min(1.0, max(self._fraction, fraction))
        self._emit(pb.Progress(stage=stage, fraction=self._fraction, message=message))

    def part(self, start: float, end: float) -> Callable[[str, float], None]:
        """Returns a callback for a part of the work, whose own 0 to 1 is mapped to `start` to `end` of the whole.

        Args:
            start: Share of the request done when the part begins.
            end: Share done when it ends.
        """
        return lambda stage, fraction: self.report(stage, start + (end - start) * fraction)

    def times(self) -> list[pb.StageTime]:
        """Returns the seconds of each stage so far, in the order they began."""
        self._switch_to(self._stage)
        return [pb.StageTime(stage=stage, seconds=seconds) for stage, seconds in self._seconds.items()]

    def _switch_to(self, stage: str) -> None:
        now_s = self._clock()
        if self._stage:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now_s - self._since_s
        self._stage, self._since_s = stage, now_s


def answer_with_progress(
    work: Callable[[Reporter], Iterator[ResponseT]],
    *,
    executor: Executor,
    deadline: Deadline,
    as_response: Callable[[pb.Progress], ResponseT],
    keepalive_s: float,
) -> Iterator[ResponseT]:
    """Yields the progress of the work while it runs, then its responses.

    Args:
        work: Computes in the worker thread and returns the final responses; what it raises is raised here.
        executor: Runs the work.
        deadline: The call's; when it passes or the caller leaves, this ends at once, and the work at its next check.
        as_response: Wraps a progress into the method's response.
        keepalive_s: Seconds of silence after which the last progress is repeated.

    Raises:
        DeadlineExceededError: No time is left.
        CancelledError: The caller went away.
    """
    news: SimpleQueue[pb.Progress | None] = SimpleQueue()
    future = executor.submit(contextvars.copy_context().run, work, Reporter(news.put))
    future.add_done_callback(lambda _: news.put(None))
    latest = pb.Progress(stage="receive")
    while True:
        try:
            progress = news.get(timeout=min(keepalive_s, max(deadline.remaining_s(), 0.001)))
        except Empty:
            deadline.check()
            progress = latest
        if progress is None:
            break
        latest = progress
        yield as_response(progress)
    yield from future.result()
