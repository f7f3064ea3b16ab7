"""Whether a cohort leaves, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.cohort.summary import CaseSummary


@dataclass(frozen=True)
class Verdict:
    """Whether the cohort leaves.

    Attributes:
        released: Whether it may be downloaded.
        reasons: Why it fails, one sentence each; not empty where a cohort leaves only because the spec does not
            enforce the thresholds.
    """

    released: bool
    reasons: tuple[str, ...]


def verdict_of(spec: CohortSpec, summaries: Sequence[CaseSummary]) -> Verdict:
    """Returns the verdict on a cohort.

    Args:
        spec: The cohort.
        summaries: One for each case, by index.
    """
    generators = sorted({summary.facts.generator for summary in summaries})
    reasons = (
        (f"its cases come from {len(generators)} generators: {', '.join(generators)}",) if len(generators) > 1 else ()
    )
    return Verdict(released=not reasons or not spec.release.enforce, reasons=reasons)
