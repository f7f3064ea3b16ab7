"""What a cohort as a whole must fulfil before it leaves, and how each default was chosen."""

from typing import Annotated

from pydantic import Field

from gliosynth.cohort.section import Section, Share

Count = Annotated[int, Field(ge=0, le=10_000)]
"""A number of cases."""


class ReleaseThresholds(Section):
    """What a cohort must fulfil. Defaults refuse what is shown to be wrong, and report what few cases cannot show."""

    fewest_cases: Annotated[int, Field(ge=2, le=10_000)] = 8
    """Distributions of fewer cases are reported and not judged: their medians are those of one or two cases."""
    contrast_misses: Count = 0
    """Contrast ratios whose cohort median may lie outside the band of real tumours."""
    volume_median_ml: Annotated[float, Field(ge=1.0, le=400.0)] = 89.3
    """Median whole-tumour volume that is expected, ml. Default: BraTS 2021, n = 1251."""
    volume_log_sd: Annotated[float, Field(gt=0.0, le=2.0)] = 0.7
    """Standard deviation of its natural logarithm that is expected."""
    volume_margin_sd: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
    """Equivalence margin of the median log volume, in those standard deviations. The cohort is refused when its 90 %
    bootstrap interval lies wholly outside."""
    fidelity_ratio: Annotated[float, Field(gt=0.0, le=1000.0)] = 15.0
    """Largest kernel distance (KID) from the real cases, over that of real cases from each other at the same number.
    Simulated cohorts of 8 to 24 lay at 6.6 to 10, the same with T1 and T2 exchanged at 50 to 74, with T2 and FLAIR
    exchanged at 42 to 68; exchanges that leave less trace (T1 and T1c: 8 to 13) are left to the contrast ratios."""
    donor_dice: Share = 0.8
    """Largest Dice of a case's tissue map and an anatomy that it may be made from, after an affine alignment. No two of
    the 20 built-in anatomies are above 0.68, simulated cases lay at 0.71 at most, affine copies lie above 0.9."""
    twin_dice: Share = 0.85
    """Largest Dice of the tissue maps of two cases of the cohort, after an affine alignment. Simulated cases lay at
    0.63 at most, two tumours in one head at nearly 1."""
    twin_correlation: Share = 0.96
    """Largest correlation of the shrunken images of two cases of the cohort, mirrored and turned ones included.
    Simulated cases lay at 0.87 at most, real patients at 0.91."""
    real_correlation: Share = 0.96
    """Largest correlation of a case's shrunken images and those of a real reference case."""
