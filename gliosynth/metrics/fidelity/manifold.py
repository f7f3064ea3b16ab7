"""Precision, recall, density and coverage: is the sample where the reference is, and everywhere it is?"""

from dataclasses import dataclass

import numpy as np

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity.kernel import squared_distances
from gliosynth.metrics.fidelity.samples import Features, check_features


@dataclass(frozen=True)
class ManifoldScores:
    """How two sets of features cover each other, by balls that reach to the k-th neighbour.

    Attributes:
        precision: Share of the sample inside a ball of the reference, 0 to 1.
        recall: Share of the reference inside a ball of the sample, 0 to 1.
        density: Balls of the reference that a vector of the sample lies in, over k; about 1 for equal distributions.
        coverage: Share of the reference's balls that hold a vector of the sample, 0 to 1.
        neighbours: k.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    neighbours: int


def manifold_scores(reference: Features, sample: Features, *, neighbours: int) -> ManifoldScores:
    """Returns precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    Args:
        reference: ``(N, D)``, N above k.
        sample: ``(M, D)``, M above k.
        neighbours: k, at least 1; 3 to 5 is usual.

    Raises:
        InvalidParameterError: k below 1, too few rows for it, other features, NaN or infinity.
    """
    if neighbours < 1:
        raise InvalidParameterError(
            f"neighbours must be at least 1, got {neighbours}", field="neighbours", got=str(neighbours)
        )
    check_features(reference, sample, fewest=neighbours + 1)
    between = squared_distances(reference, sample)
    in_reference = between <= _reach(reference, neighbours)[:, None]
    in_sample = between <= _reach(sample, neighbours)[None, :]
    return ManifoldScores(
        precision=float(in_reference.any(axis=0).mean()),
        recall=float(in_sample.any(axis=1).mean()),
        density=float(in_reference.sum(axis=0).mean() / neighbours),
        coverage=float(in_reference.any(axis=1).mean()),
        neighbours=neighbours,
    )


def _reach(features: Features, neighbours: int) -> Features:
    """Returns the squared distance of each vector to its k-th neighbour, itself left out."""
    squares = squared_distances(features, features)
    np.fill_diagonal(squares, np.inf)
    reach: Features = np.partition(squares, neighbours - 1, axis=1)[:, neighbours - 1]
    return reach
