"""Equivalence: not "no difference was seen", but "the difference is small enough, and that was shown"."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from scipy import stats

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity.distributions import Values

INTERVAL_LEVEL: Final = 0.90
"""Level of the interval: two one-sided tests at 5 % each."""


class Verdict(StrEnum):
    """What the interval of the difference shows."""

    EQUIVALENT = "equivalent"
    """It lies wholly inside the margin."""
    DIFFERENT = "different"
    """It lies wholly outside the margin."""
    NOT_SHOWN = "not shown"
    """It does both: there are too few cases to tell."""


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests of a mean.

    Attributes:
        difference: Mean of the sample minus mean of the reference, in standard deviations of the reference.
        low: Lower end of its 90 % interval, in the same unit.
        high: Upper end.
        margin: Largest difference that counts as equivalent, in the same unit.
        verdict: What that shows.
    """

    difference: float
    low: float
    high: float
    margin: float
    verdict: Verdict


def equivalence_to_norm(sample: Values, *, mean: float, sd: float, margin: float) -> Equivalence:
    """Returns whether a sample's mean is equivalent to a published one (one-sample TOST, Schuirmann 1987).

    Args:
        sample: ``(M,)``, M at least 2.
        mean: Mean of the reference, taken as known.
        sd: Standard deviation of the reference, above 0, taken as known.
        margin: Largest difference that counts as equivalent, in `sd`, above 0.

    Raises:
        InvalidParameterError: Fewer than 2 finite values, or an `sd` or a margin of 0 or less.
    """
    _check_sample(sample, "sample")
    _check_positive(sd=sd, margin=margin)
    difference = float(sample.mean() - mean) / sd
    error = float(sample.std(ddof=1)) / float(np.sqrt(sample.size)) / sd
    return _equivalence(difference, error, degrees=sample.size - 1, margin=margin)


def equivalence(reference: Values, sample: Values, *, margin: float) -> Equivalence:
    """Returns whether two samples have equivalent means (TOST with Welch's degrees of freedom).

    Args:
        reference: ``(N,)``, N at least 2, not constant.
        sample: ``(M,)``, M at least 2.
        margin: Largest difference that counts as equivalent, in standard deviations of the reference, above 0.

    Raises:
        InvalidParameterError: Fewer than 2 finite values, a constant reference, or a margin of 0 or less.
    """
    _check_sample(reference, "reference")
    _check_sample(sample, "sample")
    sd = float(reference.std(ddof=1))
    _check_positive(sd=sd, margin=margin)
    shares = [float(values.var(ddof=1)) / values.size for values in (reference, sample)]
    total = sum(shares)
    degrees = total**2 / sum(
        share**2 / (values.size - 1) for share, values in zip(shares, (reference, sample), strict=True)
    )
    difference = float(sample.mean() - reference.mean()) / sd
    return _equivalence(difference, float(np.sqrt(total)) / sd, degrees=degrees, margin=margin)


def bootstrap_interval(
    values: Values,
    statistic: Callable[[Values], float],
    *,
    rounds: int,
    rng: np.random.Generator,
    level: float = INTERVAL_LEVEL,
) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of a statistic of one sample (Efron 1979).

    Args:
        values: ``(N,)`` or ``(N, ...)``, one row for each case, N at least 2.
        statistic: Of such a table.
        rounds: Resamplings, at least 1.
        rng: Draws them.
        level: Share that the interval holds, between 0 and 1.

    Raises:
        InvalidParameterError: Fewer than 2 rows, no round, or a level outside 0 to 1.
    """
    if len(values) < 2 or rounds < 1 or not 0 < level < 1:
        raise InvalidParameterError(
            f"a bootstrap needs 2 rows, 1 round and a level between 0 and 1, got {len(values)}, {rounds} and {level:g}",
            field="values",
            got=f"{len(values)}, {rounds}, {level:g}",
        )
    found = [statistic(values[rng.integers(0, len(values), len(values))]) for _ in range(rounds)]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def equivalence_of_interval(difference: float, interval: tuple[float, float], *, margin: float) -> Equivalence:
    """Returns what an interval of a difference shows, however it was found (a bootstrap's, for example).

    Args:
        difference: In standard deviations of the reference.
        interval: Its 90 % interval, in the same unit.
        margin: Largest difference that counts as equivalent, in the same unit, above 0.

    Raises:
        InvalidParameterError: A margin of 0 or less.
    """
    _check_positive(sd=1.0, margin=margin)
    low, high = interval
    if -margin < low and high < margin:
        verdict = Verdict.EQUIVALENT
    elif low > margin or high < -margin:
        verdict = Verdict.DIFFERENT
    else:
        verdict = Verdict.NOT_SHOWN
    return Equivalence(difference=difference, low=low, high=high, margin=margin, verdict=verdict)


def _equivalence(difference: float, error: float, *, degrees: float, margin: float) -> Equivalence:
    reach = error * float(stats.t.ppf((1 + INTERVAL_LEVEL) / 2, degrees)) if error > 0 else 0.0
    return equivalence_of_interval(difference, (difference - reach, difference + reach), margin=margin)


def _check_sample(values: Values, name: str) -> None:
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise InvalidParameterError(
            f"{name}: at least two finite values are needed, got the shape {values.shape}",
            field=name,
            got=str(values.shape),
            reason="TOO_FEW_SAMPLES",
        )


def _check_positive(*, sd: float, margin: float) -> None:
    if not (sd > 0 and margin > 0):
        raise InvalidParameterError(
            f"the reference's standard deviation and the margin must be above 0, got {sd:g} and {margin:g}",
            field="margin",
            got=f"{sd:g}, {margin:g}",
        )
