"""Fréchet distance of two sets of features (FID, with the encoder of the features in its name)."""

import numpy as np

from gliosynth.metrics.fidelity.samples import Features, check_features


def frechet_distance(reference: Features, sample: Features) -> float:
    """Returns the squared Fréchet distance of the Gaussians fitted to two sets of features.

    ``|mu_1 - mu_2|² + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`` (Heusel et al. 2017, eq. 6), covariances with N - 1. It is
    biased upwards in small sets: compare it only with another of the same N and M.

    Args:
        reference: ``(N, D)``, N at least 2.
        sample: ``(M, D)``, M at least 2.

    Returns:
        0 for equal means and covariances, without upper bound.

    Raises:
        InvalidParameterError: Too few rows, other features, NaN or infinity.
    """
    check_features(reference, sample, fewest=2)
    shift = reference.mean(axis=0) - sample.mean(axis=0)
    first = np.atleast_2d(np.cov(reference, rowvar=False))
    second = np.atleast_2d(np.cov(sample, rowvar=False))
    root = _root(first)
    overlap = np.linalg.eigvalsh(root @ second @ root)
    spread = np.trace(first) + np.trace(second) - 2 * np.sqrt(np.clip(overlap, 0, None)).sum()
    return max(0.0, float(shift @ shift + spread))


def _root(covariance: Features) -> Features:
    """Returns the symmetric square root of a covariance matrix."""
    values, vectors = np.linalg.eigh(covariance)
    root: Features = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root
