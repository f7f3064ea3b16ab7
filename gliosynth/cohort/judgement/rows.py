"""The tables of the cohort's report, row by row."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from gliosynth.cohort.judgement.cohort import CohortJudgement
from gliosynth.cohort.judgement.fidelity import DRAWN_CASES, HELD_CASES, FidelityJudgement
from gliosynth.cohort.judgement.memorisation import Scan
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


def memorisation_rows(judgement: CohortJudgement, thresholds: ReleaseThresholds) -> tuple[MetricRow, ...]:
    """Returns the table of memorisation.

    Args:
        judgement: Of the cohort.
        thresholds: What was required.
    """
    found = judgement.memorisation
    rows = [
        *_scan_row(
            "Nearest donor anatomy",
            "dice/affine-frame",
            found.donors,
            thresholds.donor_dice,
            baseline=f"two donors: at most {found.donors_apart:.2f}",
        ),
        *_scan_row(
            "Nearest other case, tissue map",
            "dice/affine-frame",
            found.twins,
            thresholds.twin_dice,
            baseline="a copy: 1",
        ),
        *_scan_row(
            "Nearest other case, images",
            "pearson/1cm",
            found.twin_images,
            thresholds.twin_correlation,
            baseline="a copy: 1",
        ),
        *_scan_row(
            "Nearest real case, images",
            "pearson/1cm",
            found.real_images,
            thresholds.real_correlation,
            baseline="a copy: 1",
        ),
    ]
    if found.donor_ratio is not None:
        rows.append(
            MetricRow(
                "Nearest over second nearest donor",
                "nndr/dice",
                f"{found.donor_ratio:.2f}",
                "1: no donor is told apart",
                "",
                f"{judgement.case_count} cases",
                None,
            )
        )
    if found.donor_found is not None:
        rows.append(
            MetricRow(
                "Cases whose donor is the nearest",
                "linkage/dice",
                f"{100 * found.donor_found:.0f} %",
                "chance: one of the donors",
                "",
                f"{judgement.case_count} cases",
                None,
            )
        )
    if found.overfit is not None:
        rows.append(
            MetricRow(
                "Nearer to a donor than to any other anatomy",
                "overfit-share/dice",
                f"{100 * found.overfit:.0f} %",
                "50 %: donors leave no trace",
                "",
                f"{judgement.case_count} cases",
                None,
            )
        )
    rows.append(
        MetricRow(
            "Distance to the closest real case",
            f"dcr/{ENCODER_ID}",
            f"{found.closest_real:.2f} times real",
            "1: as far as real cases from each other",
            "",
            f"{judgement.case_count} cases",
            None,
        )
    )
    rows.append(
        MetricRow(
            "Nearest over second nearest real case",
            f"nndr/{ENCODER_ID}",
            f"{found.real_ratio:.2f}",
            "1: no real case is told apart",
            "",
            f"{judgement.case_count} cases",
            None,
        )
    )
    return tuple(rows)


def _scan_row(
    name: str, metric: str, scan: Scan | None, threshold: float | None, *, baseline: str
) -> tuple[MetricRow, ...]:
    if scan is None:
        return ()
    return (
        MetricRow(
            name=name,
            id=metric,
            value=f"at most {scan.highest.similarity:.3f}, median {scan.median:.3f}",
            baseline=baseline,
            threshold=f"at most {threshold:g}" if threshold is not None else "",
            count=f"{scan.count} cases",
            passed=scan.highest.similarity <= threshold if threshold is not None else None,
        ),
    )
