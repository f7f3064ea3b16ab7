"""Distance to the closest record: are synthetic cases nearer to the records they were made from than to others?"""

import numpy as np
from numpy.typing import NDArray

from gliosynth.metrics.fidelity.kernel import squared_distances
from gliosynth.metrics.fidelity.samples import Features, check_features


def closest_distances(synthetic: Features, records: Features) -> NDArray[np.float64]:
    """Returns the distance to the closest record (DCR).

    Args:
        synthetic: ``(N, D)``, N at least 1, features of comparable scale.
        records: ``(M, D)``, M at least 1.

    Returns:
        ``(N,)`` Euclidean distances, 0 for a copy.

    Raises:
        InvalidParameterError: A side is empty, the features differ, NaN or infinity.
    """
    check_features(records, synthetic, fewest=1)
    nearest: NDArray[np.float64] = np.sqrt(squared_distances(synthetic, records).min(axis=1))
    return nearest


def overfit_share(to_training: NDArray[np.float64], to_holdout: NDArray[np.float64]) -> float:
    """Returns the share of cases that are nearer to a training record than to a held-out one, ties counted as half.

    About one half means that the training records leave no more trace than others do, where both sets have the same
    size (SDMetrics, DCROverfittingProtection).

    Args:
        to_training: ``(N,)`` distances to the closest training record, N at least 1.
        to_holdout: ``(N,)`` distances to the closest held-out record.

    Raises:
        InvalidParameterError: The sides are empty or differ in length.
    """
    check_features(to_training[:, None], to_holdout[:, None], fewest=max(1, to_training.size))
    nearer, equal = to_training < to_holdout, to_training == to_holdout
    return float(nearer.mean() + equal.mean() / 2)


def neighbour_ratios(synthetic: Features, records: Features) -> NDArray[np.float64]:
    """Returns the distance to the closest record over that to the second closest (NNDR).

    Args:
        synthetic: ``(N, D)``, N at least 1.
        records: ``(M, D)``, M at least 2.

    Returns:
        ``(N,)``, 0 (a copy of one record) to 1 (no nearer to one than to another); 1 where both distances are 0.

    Raises:
        InvalidParameterError: Fewer than two records, no case, other features, NaN or infinity.
    """
    check_features(records, records, fewest=2)
    check_features(records, synthetic, fewest=1)
    nearest = np.sqrt(np.partition(squared_distances(synthetic, records), 1, axis=1)[:, :2])
    ratios: NDArray[np.float64] = np.divide(
        nearest[:, 0], nearest[:, 1], out=np.ones(len(nearest)), where=nearest[:, 1] > 0
    )
    return ratios
