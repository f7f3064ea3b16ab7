"""Fidelity of a set of cases: how far two distributions lie apart, and whether that can be told at all.

Features come from a named encoder (`ENCODER_ID`); every distance of features is to be read beside that of real cases
from each other at the same number of cases (METHODS.md D.1).
"""

from gliosynth.metrics.fidelity.distributions import kolmogorov_smirnov, wasserstein
from gliosynth.metrics.fidelity.equivalence import (
    Equivalence,
    Verdict,
    bootstrap_interval,
    equivalence,
    equivalence_of_interval,
    equivalence_to_norm,
)
from gliosynth.metrics.fidelity.frechet import frechet_distance
from gliosynth.metrics.fidelity.kernel import (
    KernelDistance,
    cubic_discrepancy,
    gaussian_discrepancy,
    kernel_distance,
)
from gliosynth.metrics.fidelity.manifold import ManifoldScores, manifold_scores
from gliosynth.metrics.fidelity.radiomics import ENCODER_ID, encode_case, feature_names

__all__ = [
    "ENCODER_ID",
    "Equivalence",
    "KernelDistance",
    "ManifoldScores",
    "Verdict",
    "bootstrap_interval",
    "cubic_discrepancy",
    "encode_case",
    "equivalence",
    "equivalence_of_interval",
    "equivalence_to_norm",
    "feature_names",
    "frechet_distance",
    "gaussian_discrepancy",
    "kernel_distance",
    "kolmogorov_smirnov",
    "manifold_scores",
    "wasserstein",
]
