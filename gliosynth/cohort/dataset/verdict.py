"""Whether a cohort leaves, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gliosynth.cohort.dataset.licences import uses_built_in
from gliosynth.cohort.judgement import CohortJudgement, Donors, judge_cohort, load_donors
from gliosynth.cohort.measurement.geometry import FRAME_SHAPE, unpack
from gliosynth.cohort.spec import CohortSpec
from gliosynth.cohort.summary import CaseSummary


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether the cohort leaves.

    Attributes:
        released: Whether it may be downloaded.
        reasons: What it fails, one sentence each; not empty either where a cohort leaves only because the spec does not
            enforce the thresholds.
        judgement: The figures behind it.
        lineage_reasons: Those of the reasons that are about how the cases were made.
    """

    released: bool
    reasons: tuple[str, ...]
    judgement: CohortJudgement
    lineage_reasons: tuple[str, ...]


def verdict_of(spec: CohortSpec, summaries: Sequence[CaseSummary]) -> Verdict:
    """Returns the verdict on a cohort.

    Args:
        spec: The cohort.
        summaries: One for each case, by index.
    """
    measurements = [summary.measurement for summary in summaries]
    judgement = judge_cohort(
        measurements,
        thresholds=spec.release,
        donors=_donors(spec, summaries),
        made_from=[summary.facts.donor for summary in summaries],
    )
    lineage_reasons = _lineage_reasons(summaries)
    reasons = (*judgement.reasons, *lineage_reasons)
    return Verdict(not (reasons and spec.release.enforce), reasons, judgement, lineage_reasons)


def _donors(spec: CohortSpec, summaries: Sequence[CaseSummary]) -> Donors:
    """Returns the anatomies whose geometry the cases are compared with."""
    own = {one.facts.donor: one.donor_geometry for one in summaries if one.donor_geometry is not None}
    maps = [unpack(text, FRAME_SHAPE) for text in own.values()]
    built_in = load_donors()
    if not own:
        return built_in
    if not uses_built_in(spec):
        return Donors(tuple(own), np.stack(maps))
    return Donors((*built_in.names, *own), np.concatenate([built_in.maps, np.stack(maps)]))


def _lineage_reasons(summaries: Sequence[CaseSummary]) -> tuple[str, ...]:
    """Returns why a cohort whose cases were not made alike does not leave."""
    generators = sorted({summary.facts.generator for summary in summaries})
    segmenters = sorted({summary.facts.segmenter or "none" for summary in summaries})
    networks = sorted({summary.facts.networks or "none" for summary in summaries})
    kinds = (("generators", generators), ("generator networks", networks), ("gate segmenters", segmenters))
    return tuple(
        f"Its cases come from {len(names)} {kind} ({', '.join(names)}); make them again with one."
        for kind, names in kinds
        if len(names) > 1
    )
