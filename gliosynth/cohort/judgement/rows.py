"""The tables of the cohort's report, row by row."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from gliosynth.cohort.judgement.cohort import CohortJudgement
from gliosynth.cohort.judgement.fidelity import DRAWN_CASES, HELD_CASES, FidelityJudgement
from gliosynth.cohort.judgement.quantities import QuantityJudgement
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.cohort.measurement.case import CaseMeasurement
from gliosynth.labels import Contrast
from gliosynth.metrics.fidelity import ENCODER_ID, Verdict
from gliosynth.report.cohort.content import MetricRow, QuantityRow, RatioRow
from gliosynth.report.overlay import CONTRAST_TITLES

PART_NAMES: Final = {
    "grey": "Grey matter",
    "fluid": "Fluid",
    "oedema": "Oedema",
    "necrosis": "Necrosis",
    "enhancing": "Enhancing tumour",
}
"""Parts in words."""

DISTANCE_NAMES: Final = {
    "kid": "Kernel distance (KID)",
    "frechet": "Fréchet distance (FID)",
    "mmd-rbf": "Discrepancy, Gaussian kernel (MMD)",
}
"""Distances in words."""


def ratio_rows(fidelity: FidelityJudgement, real: Sequence[CaseMeasurement]) -> tuple[RatioRow, ...]:
    """Returns the table of contrast ratios.

    Args:
        fidelity: Of the cohort.
        real: The reference cases.
    """
    return tuple(
        RatioRow(
            contrast=CONTRAST_TITLES[ratio.contrast],
            part=PART_NAMES[ratio.part],
            synthetic=ratio.percentiles,
            real=_real_range(real, ratio.contrast, ratio.part),
            band=ratio.band,
            count=ratio.count,
            passed=ratio.inside,
        )
        for ratio in fidelity.ratios
        if ratio.percentiles is not None
    )


def _real_range(real: Sequence[CaseMeasurement], contrast: Contrast, part: str) -> tuple[float, float, float] | None:
    found = [getattr(one, part) for case in real for one in case.ratios if one.contrast == contrast]
    values = [float(value) for value in found if value is not None]
    return (min(values), float(np.median(values)), max(values)) if values else None


def fidelity_rows(judgement: CohortJudgement, thresholds: ReleaseThresholds) -> tuple[MetricRow, ...]:
    """Returns the table of fidelity.

    Args:
        judgement: Of the cohort.
        thresholds: What was required.
    """
    fidelity = judgement.fidelity
    judged = judgement.case_count >= thresholds.fewest_cases
    count = f"{DRAWN_CASES * fidelity.slices} and {HELD_CASES * fidelity.slices} slices"
    rows = []
    for distance in fidelity.distances:
        gated = distance.id == "kid"
        rows.append(
            MetricRow(
                name=DISTANCE_NAMES[distance.id],
                id=f"{distance.id}/{ENCODER_ID}",
                value=f"{distance.synthetic:.3g} ({distance.ratio:.1f} times real)",
                baseline=f"{distance.real:.3g}, at most {distance.real_highest:.3g}",
                threshold=f"at most {thresholds.fidelity_ratio:g} times real" if gated else "",
                count=count,
                passed=distance.ratio <= thresholds.fidelity_ratio if gated and judged else None,
            )
        )
    for name, synthetic, real in fidelity.manifold:
        rows.append(
            MetricRow(name.capitalize(), f"{name}/{ENCODER_ID}", f"{synthetic:.2f}", f"{real:.2f}", "", count, None)
        )
    return (*rows, *_volume_row(judgement, thresholds, judged=judged))


def _volume_row(judgement: CohortJudgement, thresholds: ReleaseThresholds, *, judged: bool) -> tuple[MetricRow, ...]:
    volume = judgement.fidelity.volume
    if volume is None:
        return ()
    return (
        MetricRow(
            name="Median whole-tumour volume",
            id="tost/median-log-wt",
            value=f"{volume.difference:+.2f} sd ({volume.low:+.2f} to {volume.high:+.2f}), {volume.verdict}",
            baseline=f"median {thresholds.volume_median_ml:g} ml, log sd {thresholds.volume_log_sd:g}",
            threshold=f"90 % interval not wholly beyond {volume.margin:g} sd",
            count=f"{judgement.case_count} cases",
            passed=volume.verdict is not Verdict.DIFFERENT if judged else None,
        ),
    )


def quantity_rows(fidelity: FidelityJudgement) -> tuple[QuantityRow, ...]:
    """Returns the table of quantities beside the real cases'.

    Args:
        fidelity: Of the cohort.
    """
    return tuple(_quantity_row(one) for one in fidelity.quantities)


def _quantity_row(one: QuantityJudgement) -> QuantityRow:
    found = one.equivalence
    return QuantityRow(
        title=f"{one.quantity.title}{', ' + one.quantity.unit if one.quantity.unit else ''}",
        synthetic=_median_range(one.synthetic),
        real=_median_range(one.real),
        distance="" if one.distance is None else f"{one.distance:.2f}",
        carried="" if one.carried is None else f"{one.carried:.3g}{' (log10)' if one.quantity.logarithmic else ''}",
        difference="" if found is None else f"{found.difference:+.2f} ({found.low:+.2f} to {found.high:+.2f})",
        verdict="" if found is None else str(found.verdict),
    )


def _median_range(values: tuple[float, ...]) -> str:
    if not values:
        return "none"
    low, median, high = np.percentile(values, (5, 50, 95))
    return f"{median:.3g} ({low:.3g} to {high:.3g})"
