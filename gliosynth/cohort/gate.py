"""The gate: whether a drawn case may enter the data set, with the reasons if not.

Rules come from METHODS.md C.2 and C.3: what every real glioma with expert labels at hand fulfils, with room. A rule
that does not apply (no oedema, no enhancing tumour, no segmenter) leaves no finding.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import BRAIN_CSF, Tissue
from gliosynth.cohort.measurement import CaseMeasurement, ContrastRatios
from gliosynth.cohort.spec.sections import TumourVolume
from gliosynth.cohort.spec.thresholds import GateThresholds
from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.labels import CONTRASTS, Contrast, LabelMap, Mask, Region, region_mask
from gliosynth.metrics.overlap import dice
from gliosynth.separable import smooth

FLUID: Final = (Tissue.VENTRICLE, Tissue.OUTER_CSF, Tissue.BACKGROUND)
"""Tissues in which no tumour lies."""

SMALLEST_BRAIN_ML: Final = 700.0
"""Brain volume below which an anatomy or its deformation went wrong, ml."""

SURROUNDINGS_MM: Final = 5.0
"""Sigma in mm of the smoothing by which the tissue around a tumour is found."""

NEAR_LEVEL: Final = 0.02
"""Smoothed label above which a voxel belongs to the surroundings: about two sigma from a flat border."""

DIGITS: Final = 3
"""Decimals of every value that is judged: machines differ in the ninth, which must not decide."""


class Segment(Protocol):
    """A segmenter that reads the images without knowing the labels; services inject it."""

    @property
    def digest(self) -> str:
        """Names the model: ``"name@sha256:..."``."""

    def __call__(self, contrasts: NDArray[np.float32], brain: Mask, spacing_mm: tuple[float, float, float]) -> LabelMap:
        """Returns the tumour labels ``(X, Y, Z)`` uint8 of contrasts ``(4, X, Y, Z)`` that are 0 outside the brain."""


@dataclass(frozen=True)
class Finding:
    """One rule and what was found.

    Attributes:
        rule: Stable identifier in UPPER_SNAKE_CASE.
        value: What was measured, rounded.
        limit: What was allowed.
        passed: Whether the rule holds.
    """

    rule: str
    value: float
    limit: float
    passed: bool


def judge_case(
    case: SimulatedCase,
    measurement: CaseMeasurement,
    *,
    thresholds: GateThresholds,
    volume_ml: TumourVolume,
    segment: Segment | None,
) -> tuple[Finding, ...]:
    """Returns every rule that applies to a case; it is accepted if all passed.

    Args:
        case: The drawn case.
        measurement: The case in numbers.
        thresholds: What is allowed.
        volume_ml: Bounds of the whole tumour's volume.
        segment: Reads the images again, or None to skip that rule.
    """
    findings = [_brain(measurement), *_fluid(measurement, thresholds)]
    if case.parameters.plan is None:
        return (*findings, _tumour_free(case.labels))
    findings += _volumes(measurement, volume_ml)
    if not all(one.passed for one in findings):
        return tuple(findings)
    findings += _contrasts(measurement, thresholds)
    findings += [_place(case, thresholds), _agreement(case, thresholds)]
    if segment is not None and measurement.volumes.wt_ml >= thresholds.segment_smallest_ml:
        findings.append(_reading(case, segment, thresholds))
    return tuple(findings)


def _brain(measurement: CaseMeasurement) -> Finding:
    return _at_least("BRAIN_VOLUME_ML", measurement.volumes.brain_ml, SMALLEST_BRAIN_ML)


def _fluid(measurement: CaseMeasurement, thresholds: GateThresholds) -> list[Finding]:
    """Returns the rule that fluid is bright in T2; none where too little fluid is found."""
    fluid = measurement.ratios[CONTRASTS.index(Contrast.T2W)].fluid
    return [] if fluid is None else [_at_least("FLUID_BRIGHT_IN_T2", fluid, thresholds.t2_fluid_gain)]


def _tumour_free(labels: LabelMap) -> Finding:
    return _at_most("TUMOUR_FREE_HAS_NO_LABEL", float(np.count_nonzero(labels)), 0.0)


def _volumes(measurement: CaseMeasurement, volume_ml: TumourVolume) -> list[Finding]:
    """Returns the rules about the whole tumour's volume."""
    return [
        _at_least("TUMOUR_NOT_TOO_SMALL_ML", measurement.volumes.wt_ml, volume_ml.smallest),
        _at_most("TUMOUR_NOT_TOO_LARGE_ML", measurement.volumes.wt_ml, volume_ml.largest),
    ]


def _contrasts(measurement: CaseMeasurement, thresholds: GateThresholds) -> list[Finding]:
    """Returns the rules about signals relative to white matter."""
    t1n, t1c, t2w, t2f = measurement.ratios
    findings = []
    if t2f.oedema is not None:
        findings.append(_at_least("OEDEMA_BRIGHT_IN_FLAIR", t2f.oedema, thresholds.flair_oedema_gain))
    wettest = _largest(t2w)
    if wettest is not None:
        findings.append(_at_least("TUMOUR_BRIGHT_IN_T2", wettest, thresholds.t2_tumour_gain))
    if t1c.enhancing is not None and t1n.enhancing is not None and t1n.enhancing > 0.0:
        gain = t1c.enhancing / t1n.enhancing
        findings.append(_at_least("ENHANCING_TUMOUR_ENHANCES", gain, thresholds.t1c_enhancing_gain))
    brightest = max((value for value in map(_largest, measurement.ratios) if value is not None), default=0.0)
    findings.append(_at_most("SIGNALS_BELIEVABLE", brightest, thresholds.largest_ratio))
    return findings


def _largest(ratios: ContrastRatios) -> float | None:
    """Returns the largest ratio of a tumour part in one contrast, or None where none has enough voxels."""
    found = [value for value in (ratios.oedema, ratios.necrosis, ratios.enhancing) if value is not None]
    return max(found, default=None)


def _place(case: SimulatedCase, thresholds: GateThresholds) -> Finding:
    """Returns the rule that tumours lie in tissue: the share of their voxels in fluid, air or outside the brain."""
    tumour = case.labels > 0
    wrong = ~case.brain[tumour] | np.isin(case.tissues[tumour], FLUID)
    return _at_most("TUMOUR_INSIDE_TISSUE", float(wrong.mean()), thresholds.outside_share)


def _agreement(case: SimulatedCase, thresholds: GateThresholds) -> Finding:
    """Returns the rule that the images are bright where the labels are.

    The value is the probability that a voxel of the tumour is brighter than one of the tissue around it, in the sum of
    T2 and FLAIR (area under the ROC curve, 0.5 for labels that lie anywhere): fluid is bright in the one, oedema and
    solid tumour in both.
    """
    tumour = case.labels > 0
    near = smooth(tumour.astype(np.float32), SURROUNDINGS_MM, case.spacing_mm) > NEAR_LEVEL
    around = near & ~tumour & case.brain & ~np.isin(case.tissues, (*FLUID, *BRAIN_CSF))
    both = case.contrasts[2] + case.contrasts[3]
    return _at_least("LABELS_MATCH_IMAGES", roc_area(both[tumour], both[around]), thresholds.label_agreement)


def roc_area(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """Returns the probability that a positive value exceeds a negative one, ties half; 0.5 where either is empty.

    Args:
        positive: ``(N,)``.
        negative: ``(M,)``.
    """
    if positive.size == 0 or negative.size == 0:
        return 0.5
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(ordered, positive, side="right").sum(dtype=np.int64)
    return float(below + not_above) / (2.0 * positive.size * negative.size)


def _reading(case: SimulatedCase, segment: Segment, thresholds: GateThresholds) -> Finding:
    """Returns the rule that a segmenter finds the tumour where the labels are.

    Inference engines differ in the last bits between processors, so this value is rounded more coarsely than the
    others: only a Dice at the very limit could be decided differently on two machines.
    """
    found = segment(case.contrasts, case.brain, case.spacing_mm)
    agreement = dice(region_mask(case.labels, Region.WT), region_mask(found, Region.WT))
    return _at_least("SEGMENTER_AGREES", round(float(agreement), 2), thresholds.segment_dice)


def _at_least(rule: str, value: float, limit: float) -> Finding:
    rounded = round(value, DIGITS)
    return Finding(rule, rounded, limit, rounded >= limit)


def _at_most(rule: str, value: float, limit: float) -> Finding:
    rounded = round(value, DIGITS)
    return Finding(rule, rounded, limit, rounded <= limit)
