"""How far the distributions of one quantity lie apart."""

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError

Values = NDArray[np.float64]
"""``(N,)`` float64: one quantity of N cases, finite."""


def kolmogorov_smirnov(reference: Values, sample: Values) -> float:
    """Returns the largest vertical distance of two empirical distribution functions.

    Args:
        reference: ``(N,)``, N at least 1.
        sample: ``(M,)``, M at least 1.

    Returns:
        0 (same values) to 1 (no overlap), without unit.

    Raises:
        InvalidParameterError: A side is empty, or holds NaN or infinity.
    """
    _check(reference, sample)
    steps = np.concatenate([reference, sample])
    gap = _distribution(reference, steps) - _distribution(sample, steps)
    return float(np.abs(gap).max())


def wasserstein(reference: Values, sample: Values) -> float:
    """Returns the Wasserstein-1 distance: the mean distance that the values must be carried.

    It is the area between the two empirical distribution functions.

    Args:
        reference: ``(N,)``, N at least 1.
        sample: ``(M,)``, M at least 1.

    Returns:
        0 for the same values, in the unit of the values.

    Raises:
        InvalidParameterError: A side is empty, or holds NaN or infinity.
    """
    _check(reference, sample)
    steps = np.sort(np.concatenate([reference, sample]))
    gap = np.abs(_distribution(reference, steps[:-1]) - _distribution(sample, steps[:-1]))
    return float((gap * np.diff(steps)).sum())


def _distribution(values: Values, places: Values) -> Values:
    """Returns the share of the values that are at most each place."""
    return np.searchsorted(np.sort(values), places, side="right") / values.size


def _check(reference: Values, sample: Values) -> None:
    for name, values in (("reference", reference), ("sample", sample)):
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            raise InvalidParameterError(
                f"{name}: at least one finite value is needed, got the shape {values.shape};"
                " leave out cases without it",
                field=name,
                got=str(values.shape),
                reason="TOO_FEW_SAMPLES",
            )
