"""The report of a cohort: one self-contained page."""

from gliosynth.report.cohort.content import (
    CaseTile,
    CohortPage,
    Distribution,
    Fact,
    MetricRow,
    Place,
    QuantityRow,
    RatioRow,
)
from gliosynth.report.cohort.page import cohort_report

__all__ = [
    "CaseTile",
    "CohortPage",
    "Distribution",
    "Fact",
    "MetricRow",
    "Place",
    "QuantityRow",
    "RatioRow",
    "cohort_report",
]
