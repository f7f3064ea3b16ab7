"""Times several candidates beside each other, so that machine noise hits all of them alike.

Each candidate lives in a process of its own (its imports, thread pools and caches disturb nobody), and the rounds go
around: every candidate once, then every candidate again. So figures of one run can be compared with each other, and
only they: read the ratios, not the seconds.
"""

import json
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

Work = Callable[[], object]
"""What is timed; its result is kept once, as the value of the candidate."""


@dataclass(frozen=True)
class Candidate:
    """One competitor.

    Attributes:
        name: What the table calls it.
        prepare: Imports and converts, untimed, in the candidate's own process, and returns what is timed.
        note: What it computes, where it is not what the others do.
    """

    name: str
    prepare: Callable[[], Work]
    note: str = ""


@dataclass(frozen=True)
class Timing:
    """What one candidate needed.

    Attributes:
        name: The candidate's name.
        note: Its note.
        rounds: Number of timed calls.
        median_s: Median wall time of a call.
        fastest_s: Shortest wall time.
        slowest_s: Longest wall time.
        cpu_s: Median processor time, all threads.
        peak_mib: Memory that the first call took beyond what was held before it.
        value: Result of the first call.
        error: Why it failed, or ``""``; then the figures are zero.
    """

    name: str
    note: str = ""
    rounds: int = 0
    median_s: float = 0.0
    fastest_s: float = 0.0
    slowest_s: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    value: object = None
    error: str = ""


@dataclass(frozen=True)
class _Call:
    wall_s: float
    cpu_s: float
    peak_mib: float
    value: object


class _Runner:
    """A candidate's process, seen from outside."""

    def __init__(self, candidate: Candidate) -> None:
        context = multiprocessing.get_context("fork")
        self.candidate = candidate
        self.calls: list[_Call] = []
        self.error = ""
        self._pipe, far_end = context.Pipe()
        self._process: ForkProcess = context.Process(target=_serve, args=(far_end, candidate.prepare), daemon=True)
        self._process.start()
        far_end.close()
        self._receive()

    def call(self) -> None:
        if not self.error:
            self._pipe.send("call")
            answer = self._receive()
            if answer is not None:
                self.calls.append(answer)

    def close(self) -> None:
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()

    def _receive(self) -> _Call | None:
        try:
            answer = self._pipe.recv()
        except EOFError:
            answer = "the process died"
        if isinstance(answer, str):
            self.error = answer
            return None
        return answer if isinstance(answer, _Call) else None


def race(candidates: Sequence[Candidate], *, rounds: int, warm_up: int = 1, pause_s: float = 0.05) -> list[Timing]:
    """Returns the timings of all candidates from interleaved rounds.

    Args:
        candidates: Who takes part.
        rounds: Timed calls of each.
        warm_up: Untimed calls of each before; the first of them gives value and memory.
        pause_s: Rest before each call, in which the idle threads of the one before stop spinning.
    """
    runners = [_Runner(candidate) for candidate in candidates]
    try:
        for _ in range(warm_up + rounds):
            for runner in runners:
                time.sleep(pause_s)
                runner.call()
        return [_timing(runner, warm_up=warm_up) for runner in runners]
    finally:
        for runner in runners:
            runner.close()


def markdown(timings: Sequence[Timing], *, baseline: str) -> str:
    """Returns a table with ratios to one candidate.

    Args:
        timings: From `race`.
        baseline: Name of the candidate whose ratio is 1.
    """
    base = next(timing for timing in timings if timing.name == baseline)
    lines = [
        f"| candidate | what | median ms | fastest ms | CPU ms | MiB | x {baseline} | x its CPU |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for timing in timings:
        if timing.error:
            lines.append(f"| {timing.name} | failed: {timing.error} | | | | | | |")
            continue
        times = " | ".join(f"{1000 * s:.1f}" for s in (timing.median_s, timing.fastest_s, timing.cpu_s))
        ratios = f"{timing.median_s / base.median_s:.3f} | {timing.cpu_s / base.cpu_s:.3f}"
        lines.append(f"| {timing.name} | {timing.note} | {times} | {timing.peak_mib:.0f} | {ratios} |")
    return "\n".join(lines)


def write_json_lines(timings: Sequence[Timing], *, topic: str, path: Path) -> None:
    """Appends one JSON object for each candidate.

    Args:
        timings: From `race`.
        topic: What was measured.
        path: File to append to.
    """
    with path.open("a", encoding="utf-8") as file:
        for timing in timings:
            file.write(json.dumps({"topic": topic, **asdict(timing)}, default=str) + "\n")


def _timing(runner: _Runner, *, warm_up: int) -> Timing:
    timed = runner.calls[warm_up:]
    if runner.error or not timed:
        return Timing(runner.candidate.name, runner.candidate.note, error=runner.error or "never called")
    return Timing(
        name=runner.candidate.name,
        note=runner.candidate.note,
        rounds=len(timed),
        median_s=statistics.median(call.wall_s for call in timed),
        fastest_s=min(call.wall_s for call in timed),
        slowest_s=max(call.wall_s for call in timed),
        cpu_s=statistics.median(call.cpu_s for call in timed),
        peak_mib=runner.calls[0].peak_mib,
        value=runner.calls[0].value,
    )


def _serve(pipe: Connection, prepare: Callable[[], Work]) -> None:
    """Runs in the candidate's process: prepares once, then answers each message with one timed call."""
    _silence()
    try:
        work = prepare()
        pipe.send(None)
        while True:
            pipe.recv()
            pipe.send(_timed(work))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 - a peer may fail in any way; the table names it and goes on
        pipe.send(f"{type(error).__name__}: {str(error)[:200]}")


def _timed(work: Work) -> _Call:
    _reset_peak()
    held_mib, cpu_s, start_s = _memory_mib("VmRSS"), _cpu_s(), time.perf_counter()
    value = work()
    end_s = time.perf_counter()
    return _Call(end_s - start_s, _cpu_s() - cpu_s, max(0.0, _memory_mib("VmHWM") - held_mib), value)


def _silence() -> None:
    """Peers print banners; the table must not drown in them."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def _reset_peak() -> None:
    """Sets VmHWM back to VmRSS (proc(5), clear_refs); a kernel that forbids it leaves an upper bound."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _memory_mib(key: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
