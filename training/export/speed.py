"""How long one slice takes in each engine: a report, not a check, because machines differ."""

import time
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.export.runners import Runner

REPEATS: Final = 7
"""Timed runs, after one that is not timed."""


@dataclass(frozen=True)
class Speed:
    """Time of a slice in one engine.

    Attributes:
        engine: Name, version and precision of the engine.
        slice_ms: Median milliseconds of one slice at batch 1.
    """

    engine: str
    slice_ms: float


def measure_speed(runner: Runner, sample: NDArray[Any]) -> Speed:
    """Returns the median time of one slice.

    Args:
        runner: The file in an engine.
        sample: One slice ``(1, C, H, W)``.
    """
    sample = np.ascontiguousarray(sample)
    runner.run(sample)
    return Speed(runner.engine, 1000 * median(_seconds(runner, sample) for _ in range(REPEATS)))


def _seconds(runner: Runner, sample: NDArray[Any]) -> float:
    start = time.perf_counter()
    runner.run(sample)
    return time.perf_counter() - start
