"""Kernel distances of two sets of features: KID and the maximum mean discrepancy with a Gaussian kernel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity.samples import Features, check_features


@dataclass(frozen=True)
class KernelDistance:
    """KID over random subsets.

    Attributes:
        mean: Mean squared discrepancy of the subsets; about 0 for equal distributions, negative ones included.
        sd: Standard deviation over the subsets.
        subset: Vectors of each side in a subset.
        rounds: Subsets.
    """

    mean: float
    sd: float
    subset: int
    rounds: int


def cubic_discrepancy(reference: Features, sample: Features) -> float:
    """Returns the unbiased squared maximum mean discrepancy with the kernel ``(x.y / D + 1)³``.

    Its expectation does not depend on N and M (Binkowski et al. 2018, eq. 4), so it is the choice for few cases.

    Args:
        reference: ``(N, D)``, N at least 2.
        sample: ``(M, D)``, M at least 2.

    Returns:
        About 0 for equal distributions (also below), without upper bound.

    Raises:
        InvalidParameterError: Too few rows, other features, NaN or infinity.
    """
    check_features(reference, sample, fewest=2)
    return _unbiased(_cubic(reference, reference), _cubic(sample, sample), _cubic(reference, sample))


def kernel_distance(
    reference: Features, sample: Features, *, subset: int, rounds: int, rng: np.random.Generator
) -> KernelDistance:
    """Returns the KID: mean and standard deviation of `cubic_discrepancy` over random subsets without replacement.

    Args:
        reference: ``(N, D)``.
        sample: ``(M, D)``.
        subset: Vectors of each side in a subset, 2 to the smaller of N and M.
        rounds: Subsets, at least 1.
        rng: Draws the subsets.

    Raises:
        InvalidParameterError: Too few rows for the subset, other features, NaN or infinity, or no round.
    """
    if subset < 2 or rounds < 1:
        raise InvalidParameterError(
            f"subset must be at least 2 and rounds at least 1, got {subset} and {rounds}",
            field="subset",
            got=f"{subset}, {rounds}",
        )
    check_features(reference, sample, fewest=subset)
    found = np.array(
        [
            cubic_discrepancy(
                reference[rng.choice(len(reference), subset, replace=False)],
                sample[rng.choice(len(sample), subset, replace=False)],
            )
            for _ in range(rounds)
        ]
    )
    return KernelDistance(mean=float(found.mean()), sd=float(found.std()), subset=subset, rounds=rounds)


def gaussian_discrepancy(reference: Features, sample: Features) -> float:
    """Returns the unbiased squared maximum mean discrepancy with a Gaussian kernel.

    Its width is the median distance of all pairs of both sets (the median heuristic; Gretton et al. 2012, section 8).

    Args:
        reference: ``(N, D)``, N at least 2.
        sample: ``(M, D)``, M at least 2.

    Returns:
        About 0 for equal distributions (also below), at most 2; 0 where all vectors are equal.

    Raises:
        InvalidParameterError: Too few rows, other features, NaN or infinity.
    """
    check_features(reference, sample, fewest=2)
    pooled = np.concatenate([reference, sample])
    squares = squared_distances(pooled, pooled)
    width = float(np.median(squares[np.triu_indices(len(pooled), 1)]))
    if width == 0:
        width = float(squares.max())
    if width == 0:
        return 0.0
    kernel = np.exp(-squares / (2 * width))
    count = len(reference)
    return _unbiased(kernel[:count, :count], kernel[count:, count:], kernel[:count, count:])


def squared_distances(first: Features, second: Features) -> Features:
    """Returns the squared Euclidean distances of all pairs.

    Args:
        first: ``(N, D)``.
        second: ``(M, D)``.

    Returns:
        ``(N, M)``, at least 0.
    """
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    clipped: Features = np.clip(squares, 0, None)
    return clipped


def _cubic(first: Features, second: Features) -> NDArray[np.float64]:
    kernel: NDArray[np.float64] = (first @ second.T / first.shape[1] + 1.0) ** 3
    return kernel


def _unbiased(first: Features, second: Features, cross: Features) -> float:
    """Returns the squared discrepancy of kernel matrices, a vector with itself left out."""
    n, m = len(first), len(second)
    within = (first.sum() - np.trace(first)) / (n * (n - 1)) + (second.sum() - np.trace(second)) / (m * (m - 1))
    return float(within - 2 * cross.mean())
