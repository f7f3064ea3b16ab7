"""Checks that the two sides of a comparison are sets of feature vectors of one kind."""

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError

Features = NDArray[np.float64]
"""``(N, D)`` float64: N feature vectors of D features, finite."""


def check_features(reference: Features, sample: Features, *, fewest: int) -> None:
    """Refuses what no distance is defined on.

    Args:
        reference: ``(N, D)``.
        sample: ``(M, D)``.
        fewest: Least N and M.

    Raises:
        InvalidParameterError: They are no tables, differ in D, hold too few rows, NaN or infinity.
    """
    for name, table in (("reference", reference), ("sample", sample)):
        if table.ndim != 2 or table.shape[0] < fewest or table.shape[1] == 0:
            raise InvalidParameterError(
                f"{name}: a table of at least {fewest} rows of features is needed, got the shape {table.shape}",
                field=name,
                got=str(table.shape),
                reason="TOO_FEW_SAMPLES",
            )
        if not np.isfinite(table).all():
            raise InvalidParameterError(
                f"{name}: a feature is NaN or infinite; leave that case out or repair it",
                field=name,
                got="NaN or infinity",
                reason="NOT_FINITE",
            )
    if reference.shape[1] != sample.shape[1]:
        raise InvalidParameterError(
            f"reference has {reference.shape[1]} features and sample {sample.shape[1]}; use one encoder for both",
            field="sample",
            got=str(sample.shape[1]),
            reason="ENCODERS_DIFFER",
        )
