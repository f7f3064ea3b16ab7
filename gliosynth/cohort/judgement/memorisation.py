"""Does a cohort repeat what it was made from? Its cases beside the donors, each other and the real cases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.judgement.reference import Donors, ReferenceCase
from gliosynth.cohort.judgement.resolution import have_one_resolution
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.cohort.measurement.case import CaseMeasurement
from gliosynth.cohort.measurement.fingerprint import FINGERPRINT_SHAPE
from gliosynth.cohort.measurement.geometry import FRAME_SHAPE, unpack
from gliosynth.metrics.privacy import (
    closest_by_correlation,
    closest_by_dice,
    closest_distances,
    neighbour_ratios,
    overfit_share,
    pairwise_dice,
)
from gliosynth.metrics.privacy.correlation import Images
from gliosynth.metrics.privacy.geometry import LabelMaps


@dataclass(frozen=True)
class Nearest:
    """One case and what it comes nearest to.

    Attributes:
        case: Number of the case in the cohort, from 0.
        other: Name of the donor or real case, or number of the other case.
        similarity: Dice or correlation.
    """

    case: int
    other: str
    similarity: float


@dataclass(frozen=True)
class Scan:
    """The similarity of every case to what it comes nearest to.

    Attributes:
        highest: The most similar pair.
        median: Over the cases.
        count: Cases that were compared.
    """

    highest: Nearest
    median: float
    count: int


@dataclass(frozen=True)
class MemorisationJudgement:
    """How near the cohort comes to its records; None where there is nothing to compare.

    Attributes:
        donors: Dice of tissue maps to the nearest donor, mirrored ones included.
        donors_apart: Largest Dice of two donors with each other: what is shared by being a brain.
        donor_ratio: Median over the cases of (1 - Dice) to the nearest donor over that to the second nearest; near 1 is
            private, small says which donor a case is made from.
        donor_found: Share of the cases whose nearest donor is the one they were made from, or None where that is not
            told; one over the number of donors is chance.
        overfit: Share of the cases nearer to an anatomy that the cohort was made from than to one that it was not, or
            None where all were used or that is not told. About one half would mean that donors leave no trace; a
            simulator that bends donors lies near 1.
        twins: Dice of tissue maps to the nearest other case.
        twin_images: Correlation of shrunken images to the nearest other case, mirrored and turned ones included.
        real_images: Correlation of shrunken images to the nearest reference case.
        closest_real: Median distance of features to the closest real case, over that of real cases to each other; None
            at another resolution than theirs.
        real_ratio: Median of NNDR to the real cases; likewise.
    """

    donors: Scan | None
    donors_apart: float
    donor_ratio: float | None
    donor_found: float | None
    overfit: float | None
    twins: Scan | None
    twin_images: Scan | None
    real_images: Scan
    closest_real: float | None
    real_ratio: float | None


def judge_memorisation(
    measurements: Sequence[CaseMeasurement],
    real: Sequence[ReferenceCase],
    donors: Donors,
    *,
    made_from: Sequence[str] | None,
) -> MemorisationJudgement:
    """Returns how near the cohort comes to its records.

    Args:
        measurements: One for each case, at least one.
        real: The reference cases.
        donors: The anatomies that cases may be made from.
        made_from: Name of each case's donor, or None where that is not told.
    """
    known = [case.measurement for case in real]
    images, real_images = _images(measurements), _images(known)
    shown = closest_by_correlation(images, real_images)
    numbers = [str(index) for index in range(len(measurements))]
    twin_images = None
    if len(images) > 1:
        twins = closest_by_correlation(images, images, same_set=True)
        twin_images = _scan(twins.similarity, twins.index, numbers, range(len(images)))
    with_map = [index for index, case in enumerate(measurements) if case.geometry is not None]
    maps = _maps(measurements)
    donor_dice = _donor_dice(maps, donors)
    real_ratio = closest = None
    if have_one_resolution(measurements, known):
        real_ratio, closest = _feature_distances(measurements, known)
    return MemorisationJudgement(
        donors=_scan_donors(donor_dice, donors, with_map),
        donors_apart=_donors_apart(donors),
        donor_ratio=_donor_ratio(donor_dice),
        donor_found=_donor_found(donor_dice, donors, [made_from[index] for index in with_map] if made_from else ()),
        overfit=_overfit(donor_dice, donors, frozenset(made_from or ())),
        twins=_scan_twins(maps, with_map),
        twin_images=twin_images,
        real_images=_scan(shown.similarity, shown.index, [case.id for case in real], range(len(images))),
        closest_real=closest,
        real_ratio=real_ratio,
    )


def memorisation_reasons(judgement: MemorisationJudgement, thresholds: ReleaseThresholds) -> list[str]:
    """Returns why the cohort repeats what it was made from, one sentence each.

    Args:
        judgement: Of the cohort.
        thresholds: What is required.
    """
    reasons = []
    if judgement.donors is not None and judgement.donors.highest.similarity > thresholds.donor_dice:
        found = judgement.donors.highest
        reasons.append(
            f"Case {found.case + 1} repeats the anatomy {found.other}: Dice {found.similarity:.3f} after an affine"
            f" alignment, allowed are {thresholds.donor_dice:g} (release.donor_dice)."
        )
    if judgement.twins is not None and judgement.twins.highest.similarity > thresholds.twin_dice:
        found = judgement.twins.highest
        reasons.append(
            f"Cases {found.case + 1} and {int(found.other) + 1} share one anatomy: Dice {found.similarity:.3f} after an"
            f" affine alignment, allowed are {thresholds.twin_dice:g} (release.twin_dice)."
        )
    if judgement.twin_images is not None and judgement.twin_images.highest.similarity > thresholds.twin_correlation:
        found = judgement.twin_images.highest
        reasons.append(
            f"Cases {found.case + 1} and {int(found.other) + 1} are copies: their images correlate by"
            f" {found.similarity:.3f}, allowed are {thresholds.twin_correlation:g} (release.twin_correlation)."
        )
    if judgement.real_images.highest.similarity > thresholds.real_correlation:
        found = judgement.real_images.highest
        reasons.append(
            f"Case {found.case + 1} repeats the real case {found.other}: their images correlate by"
            f" {found.similarity:.3f}, allowed are {thresholds.real_correlation:g} (release.real_correlation)."
        )
    return reasons


def _donor_dice(maps: LabelMaps, donors: Donors) -> NDArray[np.float64]:
    """Returns the Dice of every case with every donor, as it is or mirrored, ``(N, M)``."""
    return np.maximum(pairwise_dice(maps, donors.maps), pairwise_dice(maps, donors.maps[:, ::-1]))


def _scan_donors(dice: NDArray[np.float64], donors: Donors, cases: Sequence[int]) -> Scan | None:
    if not dice.size:
        return None
    return _scan(dice.max(axis=1), dice.argmax(axis=1), list(donors.names), cases)


def _donor_ratio(dice: NDArray[np.float64]) -> float | None:
    if not len(dice) or dice.shape[1] < 2:
        return None
    distances = np.sort(1 - dice, axis=1)
    return float(np.median(distances[:, 0] / np.maximum(distances[:, 1], 1e-9)))


def _donor_found(dice: NDArray[np.float64], donors: Donors, made_from: Sequence[str]) -> float | None:
    if not dice.size or not made_from:
        return None
    found = [donors.names[int(index)] for index in dice.argmax(axis=1)]
    return float(np.mean([name == donor for name, donor in zip(found, made_from, strict=True)]))


def _overfit(dice: NDArray[np.float64], donors: Donors, used: frozenset[str]) -> float | None:
    is_used = np.array([name in used for name in donors.names])
    if not dice.size or is_used.all() or not is_used.any():
        return None
    return overfit_share(1 - dice[:, is_used].max(axis=1), 1 - dice[:, ~is_used].max(axis=1))


def _scan_twins(maps: LabelMaps, cases: Sequence[int]) -> Scan | None:
    if len(cases) < 2:
        return None
    found = closest_by_dice(maps, maps, same_set=True)
    return _scan(found.similarity, found.index, [str(case) for case in cases], cases)


def _donors_apart(donors: Donors) -> float:
    if len(donors.names) < 2:
        return 0.0
    return float(closest_by_dice(donors.maps, donors.maps, same_set=True).similarity.max())


def _feature_distances(measurements: Sequence[CaseMeasurement], real: Sequence[CaseMeasurement]) -> tuple[float, float]:
    """Returns the median NNDR to real cases, and the median DCR over that of real cases to each other."""
    reference = _mean_features(real)
    centre, scale = reference.mean(axis=0), np.maximum(reference.std(axis=0), 1e-6)
    reference, sample = (reference - centre) / scale, (_mean_features(measurements) - centre) / scale
    among = [
        float(closest_distances(reference[[index]], np.delete(reference, index, axis=0))[0])
        for index in range(len(reference))
    ]
    distance = float(np.median(closest_distances(sample, reference)))
    return float(np.median(neighbour_ratios(sample, reference))), distance / float(np.median(among))


def _mean_features(cases: Sequence[CaseMeasurement]) -> NDArray[np.float64]:
    return np.array([np.mean(case.features, axis=0) for case in cases])


def _images(cases: Sequence[CaseMeasurement]) -> Images:
    return np.stack([unpack(case.fingerprint, FINGERPRINT_SHAPE) for case in cases]).astype(np.float32)


def _maps(cases: Sequence[CaseMeasurement]) -> LabelMaps:
    found = [unpack(case.geometry, FRAME_SHAPE) for case in cases if case.geometry is not None]
    return np.stack(found) if found else np.zeros((0, *FRAME_SHAPE), np.uint8)


def _scan(
    similarity: NDArray[np.float64], index: NDArray[np.int64], names: Sequence[str], cases: Sequence[int]
) -> Scan:
    best = int(similarity.argmax())
    return Scan(
        highest=Nearest(case=cases[best], other=names[int(index[best])], similarity=float(similarity[best])),
        median=float(np.median(similarity)),
        count=len(similarity),
    )
