"""Is a cohort like real tumours? Contrast ratios, volumes, and features beside how real ones differ from each other."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.judgement.bands import PARTS, RATIO_BANDS
from gliosynth.cohort.judgement.quantities import QuantityJudgement, judge_quantities
from gliosynth.cohort.judgement.resolution import have_one_resolution
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.cohort.measurement.case import CaseMeasurement
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.metrics.fidelity import (
    Equivalence,
    Verdict,
    bootstrap_interval,
    cubic_discrepancy,
    equivalence_of_interval,
    frechet_distance,
    gaussian_discrepancy,
    manifold_scores,
)

Case = NDArray[np.float64]
"""``(S, D)`` float64: the features of the slices of one case."""

DRAWS: Final = 4
"""Random draws of synthetic cases for each parting of the real ones."""

DRAWN_CASES: Final = 3
"""Synthetic cases of one draw, compared with `HELD_CASES` real ones."""

HELD_CASES: Final = 4
"""Real cases of one draw."""

BOOTSTRAP_ROUNDS: Final = 2000
"""Resamplings of the median volume."""

NEIGHBOURS: Final = 5
"""k of precision, recall, density and coverage."""


@dataclass(frozen=True)
class RatioJudgement:
    """One contrast ratio over the cohort.

    Attributes:
        contrast: Which contrast.
        part: Field of `gliosynth.cohort.measurement.regions.ContrastRatios`.
        count: Cases that have it.
        percentiles: 5, 50 and 95 % of the cohort, or None without a case.
        band: Where the median must lie.
        inside: Whether it does; None where fewer cases than `ReleaseThresholds.fewest_cases` have it.
    """

    contrast: Contrast
    part: str
    count: int
    percentiles: tuple[float, float, float] | None
    band: tuple[float, float]
    inside: bool | None


@dataclass(frozen=True)
class FeatureDistance:
    """One distance of features, and what real cases have among themselves at the same number.

    Attributes:
        id: The metric's id, with the encoder's.
        synthetic: Mean over the partings of the real cases and the draws of synthetic ones.
        real: Mean over the partings of the real cases.
        real_highest: Largest over the partings of the real cases.
        ratio: Synthetic over real, each at least 0; infinite where the real is 0.
    """

    id: str
    synthetic: float
    real: float
    real_highest: float
    ratio: float


@dataclass(frozen=True)
class FidelityJudgement:
    """How like real tumours the cohort is.

    Attributes:
        ratios: One for each contrast and part.
        volume: Of the median log whole-tumour volume; None with fewer than 2 tumours.
        distances: Kernel, Fréchet and Gaussian; empty with fewer than `DRAWN_CASES` cases, and at another resolution
            than the real cases' (`have_one_resolution`).
        manifold: Precision, recall, density, coverage of synthetic cases, each with the real cases' own; likewise.
        slices: Slices of a case that were encoded.
        quantities: Volumes, shape, texture and morphology beside the real cases'.
    """

    ratios: tuple[RatioJudgement, ...]
    volume: Equivalence | None
    distances: tuple[FeatureDistance, ...]
    manifold: tuple[tuple[str, float, float], ...]
    slices: int
    quantities: tuple[QuantityJudgement, ...]


def judge_fidelity(
    measurements: Sequence[CaseMeasurement],
    real: Sequence[CaseMeasurement],
    *,
    thresholds: ReleaseThresholds,
    rng: np.random.Generator,
) -> FidelityJudgement:
    """Returns how like real tumours the cohort is.

    Args:
        measurements: One for each case.
        real: The reference cases, at least `HELD_CASES` + `DRAWN_CASES`.
        thresholds: What is required.
        rng: Draws the cases that distances are computed on.
    """
    comparable = measurements if have_one_resolution(measurements, real) else ()
    real_features = [np.array(case.features) for case in real]
    distances, manifold = _feature_scores([np.array(case.features) for case in comparable], real_features, rng)
    return FidelityJudgement(
        ratios=tuple(
            _judge_ratio(measurements, contrast, part, thresholds.fewest_cases)
            for contrast in CONTRASTS
            for part in PARTS
        ),
        volume=_judge_volume(measurements, thresholds, rng),
        distances=distances,
        manifold=manifold,
        slices=len(real_features[0]),
        quantities=judge_quantities(measurements, real),
    )


def fidelity_reasons(judgement: FidelityJudgement, thresholds: ReleaseThresholds, *, case_count: int) -> list[str]:
    """Returns why the cohort is not like real tumours, one sentence each.

    Args:
        judgement: Of the cohort.
        thresholds: What is required.
        case_count: Cases of the cohort.
    """
    reasons = _ratio_reasons(judgement, thresholds)
    volume = judgement.volume
    if volume is not None and case_count >= thresholds.fewest_cases and volume.verdict is Verdict.DIFFERENT:
        reasons.append(
            f"Whole-tumour volumes differ: the median log volume lies {volume.difference:+.2f} sd from a median of"
            f" {thresholds.volume_median_ml:g} ml (90 % interval {volume.low:+.2f} to {volume.high:+.2f} sd, margin"
            f" {volume.margin:g} sd). If that is intended, set release.volume_median_ml."
        )
    if judgement.distances and case_count >= thresholds.fewest_cases:
        kernel = judgement.distances[0]
        if kernel.ratio > thresholds.fidelity_ratio:
            reasons.append(
                f"Images are far from real ones: {kernel.id} is {kernel.ratio:.1f} times that of real cases from each"
                f" other at the same number, allowed are {thresholds.fidelity_ratio:g} (release.fidelity_ratio)."
            )
    return reasons


def _ratio_reasons(judgement: FidelityJudgement, thresholds: ReleaseThresholds) -> list[str]:
    missed = [ratio for ratio in judgement.ratios if ratio.inside is False and ratio.percentiles is not None]
    if len(missed) <= thresholds.contrast_misses:
        return []
    found = "; ".join(
        f"{ratio.contrast} {ratio.part} {ratio.percentiles[1]:.2f}, band {ratio.band[0]:g} to {ratio.band[1]:g}"
        for ratio in missed
        if ratio.percentiles is not None
    )
    return [
        f"Contrasts are not those of real tumours: {len(missed)} medians relative to white matter lie outside their"
        f" bands, allowed are {thresholds.contrast_misses} (release.contrast_misses): {found}."
    ]


def _judge_ratio(measurements: Sequence[CaseMeasurement], contrast: Contrast, part: str, fewest: int) -> RatioJudgement:
    band = RATIO_BANDS[contrast][PARTS.index(part)]
    found = [getattr(one, part) for case in measurements for one in case.ratios if one.contrast == contrast]
    values = np.array([value for value in found if value is not None])
    if values.size == 0:
        return RatioJudgement(contrast, part, 0, None, band, None)
    low, median, high = (float(value) for value in np.percentile(values, (5, 50, 95)))
    inside = band[0] <= median <= band[1] if values.size >= fewest else None
    return RatioJudgement(contrast, part, int(values.size), (low, median, high), band, inside)


def _judge_volume(
    measurements: Sequence[CaseMeasurement], thresholds: ReleaseThresholds, rng: np.random.Generator
) -> Equivalence | None:
    """Returns how far the median volume lies from the published one; the median, since that is what is published."""
    volumes = np.array([case.volumes.wt_ml for case in measurements if case.volumes.wt_ml > 0])
    if volumes.size < 2:
        return None
    scores = (np.log(volumes) - np.log(thresholds.volume_median_ml)) / thresholds.volume_log_sd
    interval = bootstrap_interval(scores, _median, rounds=BOOTSTRAP_ROUNDS, rng=rng)
    return equivalence_of_interval(_median(scores), interval, margin=thresholds.volume_margin_sd)


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))


def _feature_scores(
    synthetic: Sequence[Case], real: Sequence[Case], rng: np.random.Generator
) -> tuple[tuple[FeatureDistance, ...], tuple[tuple[str, float, float], ...]]:
    """Returns the distances and manifold scores of drawn synthetic cases, and those of parted real ones."""
    if len(synthetic) < DRAWN_CASES:
        return (), ()
    every = np.concatenate(real)
    centre, scale = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-6)
    real = [(case - centre) / scale for case in real]
    synthetic = [(case - centre) / scale for case in synthetic]
    baseline, found = [], []
    for held in itertools.combinations(range(len(real)), HELD_CASES):
        reference = np.concatenate([real[index] for index in held])
        others = [real[index] for index in range(len(real)) if index not in held][:DRAWN_CASES]
        baseline.append(_scores(reference, np.concatenate(others)))
        for _ in range(DRAWS):
            drawn = rng.choice(len(synthetic), DRAWN_CASES, replace=False)
            found.append(_scores(reference, np.concatenate([synthetic[index] for index in drawn])))
    return _summarise(np.array(found), np.array(baseline))


def _scores(reference: Case, sample: Case) -> list[float]:
    manifold = manifold_scores(reference, sample, neighbours=NEIGHBOURS)
    return [
        cubic_discrepancy(reference, sample),
        frechet_distance(reference, sample),
        gaussian_discrepancy(reference, sample),
        manifold.precision,
        manifold.recall,
        manifold.density,
        manifold.coverage,
    ]


def _summarise(found: Case, baseline: Case) -> tuple[tuple[FeatureDistance, ...], tuple[tuple[str, float, float], ...]]:
    synthetic, real, highest = found.mean(axis=0), baseline.mean(axis=0), baseline.max(axis=0)
    distances = tuple(
        FeatureDistance(
            id=name,
            synthetic=float(synthetic[index]),
            real=float(real[index]),
            real_highest=float(highest[index]),
            ratio=_ratio(float(synthetic[index]), float(real[index])),
        )
        for index, name in enumerate(("kid", "frechet", "mmd-rbf"))
    )
    names = ("precision", "recall", "density", "coverage")
    manifold = tuple((name, float(synthetic[3 + index]), float(real[3 + index])) for index, name in enumerate(names))
    return distances, manifold


def _ratio(synthetic: float, real: float) -> float:
    return max(synthetic, 0.0) / real if real > 0 else float("inf")
