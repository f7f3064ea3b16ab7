"""Whether textures and features of cases can be compared: they are those of the grid that a case was measured at."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from gliosynth.cohort.measurement import CaseMeasurement

RESOLUTION_TOLERANCE: Final = 0.2
"""Textures are compared where voxels differ by at most this share."""


def have_one_resolution(measurements: Sequence[CaseMeasurement], real: Sequence[CaseMeasurement]) -> bool:
    """Returns whether the in-plane voxels of all cases are within `RESOLUTION_TOLERANCE` of the real cases'.

    Args:
        measurements: One for each case.
        real: The reference cases, all of one grid.
    """
    expected = np.array(real[0].spacing_mm[:2])
    found = np.array([case.spacing_mm[:2] for case in measurements])
    return bool((np.abs(found / expected - 1) <= RESOLUTION_TOLERANCE).all())
