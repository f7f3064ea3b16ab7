"""Statistics of paired differences: bootstrap intervals over cases, Wilcoxon's signed ranks, Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gliosynth.errors import InvalidInputError

LEVEL: Final = 0.95
"""Coverage of the intervals."""

DRAWS: Final = 10_000
"""Bootstrap samples: the ends of a 95 % interval then stand on 250 samples each."""

FEWEST_FOR_TEST: Final = 6
"""Differences other than zero below which two-sided signed ranks cannot reach 5 %: 2 / 2^5 = .0625."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Returns whether a value lies outside."""
        return not self.low <= value <= self.high


def bootstrap_mean(
    values: NDArray[np.float64], *, rng: np.random.Generator, level: float = LEVEL, draws: int = DRAWS
) -> Interval:
    """Returns the percentile bootstrap interval of the mean (Efron and Tibshirani 1993, section 13.3).

    Given differences of the same cases under two arms, it is the paired bootstrap.

    Args:
        values: ``(cases,)``, one number a case.
        rng: Draws the resamples.
        level: Coverage, 0 to 1.
        draws: Resamples.

    Raises:
        InvalidInputError: There is no value.
    """
    if values.ndim != 1 or not values.size:
        raise InvalidInputError(f"a bootstrap needs values of one dimension, got {values.shape}; give one a case")
    means = values[rng.integers(values.size, size=(draws, values.size))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def wilcoxon_p(differences: NDArray[np.float64]) -> float:
    """Returns the two-sided p of Wilcoxon's signed-rank test that differences are symmetric about zero.

    Zero differences are dropped (Wilcoxon 1945). Where ranks are tied the normal approximation with the tie correction
    is used, else the exact distribution up to 50 differences (scipy's ``method="auto"``).

    Args:
        differences: ``(cases,)``.

    Returns:
        0 to 1; 1 where no difference is left.
    """
    left = differences[differences != 0]
    return float(stats.wilcoxon(left).pvalue) if left.size else 1.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Returns p-values corrected by Holm's step-down method (Holm 1979), in the order given.

    The i-th smallest of m is multiplied by ``m - i + 1``, kept at least as large as the one before it and at most 1.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)
