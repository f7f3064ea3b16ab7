"""The texts of a data set for people: README and data card."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from gliosynth import __version__
from gliosynth.cohort.dataset.licences import licence_of
from gliosynth.cohort.dataset.origin import origin_of
from gliosynth.cohort.dataset.participants import field_of, growth_of
from gliosynth.cohort.dataset.verdict import Verdict
from gliosynth.cohort.lineage import generator_id
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.cohort.summary import CaseSummary

ENVIRONMENT: Final = Environment(
    loader=PackageLoader("gliosynth.cohort.dataset"),
    autoescape=False,  # noqa: S701  (Markdown, and every value is gliosynth's own or matches a pattern)
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
"""Templates of the texts; an unknown name is an error."""


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of a quantity.

    Attributes:
        count: Cases that have it.
        smallest: Smallest value.
        middle: Median.
        largest: Largest value.
    """

    count: int
    smallest: float
    middle: float
    largest: float


@dataclass(frozen=True)
class Counts:
    """How often each kind of something occurs, most frequent first.

    Attributes:
        rows: ``(name, count)``.
    """

    rows: tuple[tuple[str, int], ...]


def readme(spec: CohortSpec, summaries: Sequence[CaseSummary], verdict: Verdict) -> bytes:
    """Returns the README of the data set.

    Args:
        spec: The cohort.
        summaries: One for each case, by index.
        verdict: Whether it leaves.
    """
    return _render("README.md.j2", spec, summaries, verdict)


def data_card(spec: CohortSpec, summaries: Sequence[CaseSummary], verdict: Verdict) -> bytes:
    """Returns the data card: what is in the data set, how it was made, what it is good for and what not.

    Args:
        spec: The cohort.
        summaries: One for each case, by index.
        verdict: Whether it leaves.
    """
    return _render("DATACARD.md.j2", spec, summaries, verdict)


def reject_counts(summaries: Sequence[CaseSummary]) -> Counts:
    """Returns how often each rule of the gate refused a draw."""
    return _counts(
        finding.rule for summary in summaries for reject in summary.facts.rejects for finding in reject.findings
    )


def _render(template: str, spec: CohortSpec, summaries: Sequence[CaseSummary], verdict: Verdict) -> bytes:
    with_tumour = [summary.measurement.volumes for summary in summaries if summary.measurement.volumes.wt_ml > 0.0]
    text = ENVIRONMENT.get_template(template).render(
        spec=spec,
        verdict=verdict,
        version=__version__,
        generator=generator_id(spec),
        origin=origin_of(spec, summaries),
        licence=licence_of(spec),
        donors=_counts(summary.facts.donor for summary in summaries),
        growth=_counts(growth_of(summary) for summary in summaries),
        fields=_counts(f"{field_of(summary):g} T" for summary in summaries if field_of(summary) is not None),
        volumes={
            "Whole tumour": _spread([volumes.wt_ml for volumes in with_tumour]),
            "Tumour core": _spread([volumes.tc_ml for volumes in with_tumour]),
            "Enhancing tumour": _spread([volumes.et_ml for volumes in with_tumour]),
        },
        rejects=reject_counts(summaries),
        rejected=sum(len(summary.facts.rejects) for summary in summaries),
        segmenters=sorted({summary.facts.segmenter for summary in summaries if summary.facts.segmenter}),
        bytes=sum(record.byte_count for summary in summaries for record in summary.files),
    )
    return text.encode()


def _spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(0, 0.0, 0.0, 0.0)
    return Spread(len(values), min(values), median(values), max(values))


def _counts(names: Iterable[str]) -> Counts:
    counted = Counter(names)
    return Counts(tuple(sorted(counted.items(), key=lambda row: (-row[1], row[0]))))
