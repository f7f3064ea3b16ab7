"""The table of memorisation of the cohort's report, row by row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gliosynth.cohort.judgement.cohort import CohortJudgement
from gliosynth.cohort.judgement.memorisation import MemorisationJudgement, Scan
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.metrics.fidelity import ENCODER_ID
from gliosynth.report.cohort.content import MetricRow


@dataclass(frozen=True)
class ReportedFigure:
    """A figure that is reported and decides nothing.

    Attributes:
        name: In words.
        id: The metric's id.
        read: Its text, or None where there is nothing to report.
        baseline: What it is to be compared with.
    """

    name: str
    id: str
    read: Callable[[MemorisationJudgement], str | None]
    baseline: str


def _share(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.0f} %"


def _ratio(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


REPORTED: Final = (
    ReportedFigure(
        "Nearest over second nearest donor",
        "nndr/dice",
        lambda found: _ratio(found.donor_ratio),
        "1: no donor is told apart",
    ),
    ReportedFigure(
        "Cases whose donor is the nearest",
        "linkage/dice",
        lambda found: _share(found.donor_found),
        "chance: one of the donors",
    ),
    ReportedFigure(
        "Nearer to a donor than to any other anatomy",
        "overfit-share/dice",
        lambda found: _share(found.overfit),
        "50 %: donors leave no trace",
    ),
    ReportedFigure(
        "Distance to the closest real case, over real to real",
        f"dcr/{ENCODER_ID}",
        lambda found: _ratio(found.closest_real),
        "1: as far as real cases from each other",
    ),
    ReportedFigure(
        "Nearest over second nearest real case",
        f"nndr/{ENCODER_ID}",
        lambda found: _ratio(found.real_ratio),
        "1: no real case is told apart",
    ),
)
"""Figures below the thresholds, in order."""


def memorisation_rows(judgement: CohortJudgement, thresholds: ReleaseThresholds) -> tuple[MetricRow, ...]:
    """Returns the table of memorisation: what decides on the release first.

    Args:
        judgement: Of the cohort.
        thresholds: What was required.
    """
    found = judgement.memorisation
    apart = f"two donors: at most {found.donors_apart:.2f}"
    tissue, image = "dice/affine-frame", "pearson/1cm"
    scans = (
        ("Nearest donor anatomy", tissue, found.donors, thresholds.donor_dice, apart),
        ("Nearest other case, tissue map", tissue, found.twins, thresholds.twin_dice, "a copy: 1"),
        ("Nearest other case, images", image, found.twin_images, thresholds.twin_correlation, "a copy: 1"),
        ("Nearest real case, images", image, found.real_images, thresholds.real_correlation, "a copy: 1"),
    )
    judged = [
        _scan_row(name, metric, scan, threshold, baseline=baseline)
        for name, metric, scan, threshold, baseline in scans
        if scan is not None
    ]
    count = f"{judgement.case_count} cases"
    reported = [
        MetricRow(one.name, one.id, text, one.baseline, threshold="", count=count, passed=None)
        for one in REPORTED
        for text in (one.read(found),)
        if text is not None
    ]
    return (*judged, *reported)


def _scan_row(name: str, metric: str, scan: Scan, threshold: float, *, baseline: str) -> MetricRow:
    return MetricRow(
        name=name,
        id=metric,
        value=f"at most {scan.highest.similarity:.3f}, median {scan.median:.3f}",
        baseline=baseline,
        threshold=f"at most {threshold:g}",
        count=f"{scan.count} cases",
        passed=scan.highest.similarity <= threshold,
    )
