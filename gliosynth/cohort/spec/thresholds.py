"""Thresholds of a cohort spec: what a case must fulfil, and what the cohort as a whole must.

The gate's defaults lie below what good draws reach: of the 20 first draws of `examples/cohorts/twenty.yaml` (1 mm, read
again by the shipped segmenters) they refuse none. They were set on 60 first draws at 4 mm, whose label agreement had a
median of 0.97 and a 5th percentile of 0.60; labels mirrored to the other hemisphere reach 0.49 in the median and 0.69
at the 95th percentile. In the nine tumours above 10 ml of 14 draws at 1 mm, the segmenters' whole-tumour Dice was 0.57
to 0.93.
"""

from typing import Annotated

from pydantic import Field

from gliosynth.cohort.judgement.thresholds import ReleaseThresholds
from gliosynth.cohort.section import Section, Share

Ratio = Annotated[float, Field(ge=0.0, le=20.0)]
"""A ratio of two signals."""


class GateThresholds(Section):
    """What a case must fulfil to enter the data set."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 12
    """Draws of one case before the cohort fails with their reasons."""
    t2_fluid_gain: Ratio = 1.1
    """Least median T2 signal of fluid relative to white matter."""
    flair_oedema_gain: Ratio = 1.0
    """Least median FLAIR signal of oedema relative to normal white matter."""
    t2_tumour_gain: Ratio = 1.05
    """Least median T2 signal of the whole tumour relative to normal white matter."""
    t1c_enhancing_gain: Ratio = 1.05
    """Least median T1c signal of enhancing tumour relative to its own T1 signal, both relative to white matter."""
    largest_ratio: Ratio = 6.0
    """Largest median signal of any tumour part relative to white matter, in any contrast."""
    outside_share: Share = 0.02
    """Largest share of the tumour outside the brain mask or in fluid."""
    label_agreement: Share = 0.55
    """Least probability that a voxel of the tumour is brighter than one of the tissue around it, in the sum of T2 and
    FLAIR; 0.5 for labels that lie anywhere."""
    segment_dice: Share = 0.3
    """Least whole-tumour Dice between the label map and a segmenter's own reading of the images."""
    segment_smallest_ml: Annotated[float, Field(ge=0.0, le=250.0)] = 10.0
    """Tumours below this volume are not judged by the segmenter, ml."""


class ReleaseSection(ReleaseThresholds):
    """Thresholds of the whole cohort, and whether they decide."""

    enforce: bool = True
    """Whether a cohort that fails is kept back; if not, it leaves with the verdict in its report."""
