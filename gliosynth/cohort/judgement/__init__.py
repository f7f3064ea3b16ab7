"""Whether a cohort may leave: is it like real tumours, and does it repeat what it was made from?"""

from gliosynth.cohort.judgement.cohort import CohortJudgement, judge_cohort
from gliosynth.cohort.judgement.page import SIMULATED, CohortFacts, case_caption, cohort_page, shown_cases
from gliosynth.cohort.judgement.reference import Donors, load_donors, load_reference
from gliosynth.cohort.judgement.thresholds import ReleaseThresholds

__all__ = [
    "SIMULATED",
    "CohortFacts",
    "CohortJudgement",
    "Donors",
    "ReleaseThresholds",
    "case_caption",
    "cohort_page",
    "judge_cohort",
    "load_donors",
    "load_reference",
    "shown_cases",
]
