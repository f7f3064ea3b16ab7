"""The bands in which a cohort's contrast ratios must lie, one for each contrast and part.

Each band holds the seven real cases (``reference_cases.json``, measured by `gliosynth.cohort.measurement`), the
measured medians of METHODS.md C.2 and nearly all of the priors' 5 to 95 % of C.3, and a little on either side: n = 7 to
10 does not show where real tumours end. The median of a cohort is judged by it, not a case.
"""

from types import MappingProxyType
from typing import Final

from gliosynth.labels import Contrast

PARTS: Final = ("grey", "fluid", "oedema", "necrosis", "enhancing")
"""Fields of `gliosynth.cohort.measurement.regions.ContrastRatios`, in its order."""

Band = tuple[float, float]
"""Lowest and highest median, relative to white matter."""

RATIO_BANDS: Final[MappingProxyType[Contrast, tuple[Band, Band, Band, Band, Band]]] = MappingProxyType(
    {
        Contrast.T1N: ((0.50, 0.96), (0.15, 0.80), (0.50, 1.10), (0.30, 1.00), (0.60, 1.10)),
        Contrast.T1C: ((0.50, 1.08), (0.15, 1.05), (0.55, 1.15), (0.30, 1.20), (1.00, 2.80)),
        Contrast.T2W: ((0.93, 1.50), (0.80, 4.50), (1.08, 2.50), (1.35, 3.80), (1.02, 2.60)),
        Contrast.T2F: ((0.80, 1.30), (0.05, 1.10), (1.12, 2.60), (0.90, 3.00), (1.05, 2.70)),
    }
)
"""Bands of `PARTS` in each contrast."""
