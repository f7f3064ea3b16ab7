"""Lobes as boxes of proportions: where a brain's frame says that a lobe is.

The rules below are planes through Talairach's atlas (Talairach and Tournoux 1988): the central sulcus, the Sylvian
fissure, the parieto-occipital sulcus and the tentorium as straight lines seen from the side, and boxes around the
insula and the deep grey matter. They know nothing of the folds of a brain: expect borders to be 10 mm off, and more
where the head is tilted or the tumour has displaced it. On average over the twenty anatomies, 95 % of the thalamus,
92 % of the pallidum, 91 % of the caudate and 87 % of the putamen are called deep, 79 % of the hippocampus temporal, and
95 % of the cerebellum no lobe; in the worst head, 54 % of the pallidum are called temporal and 54 % of the hippocampus
deep. `tests/gliosynth/tumour_map/test_lobes.py` measures it on some of them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.geometry import Points
from gliosynth.tumour_map.places import Lobe, Side

Mask1D = NDArray[np.bool_]
"""``(N,)`` bool."""

MIDLINE_GAP_MM: Final = 2.0
"""Width of the strip on each side of the midplane that belongs to no lobe, mm."""


def in_lobe(places: Points, lobe: Lobe, side: Side) -> Mask1D:
    """Returns which places lie in a lobe.

    Args:
        places: ``(N, 3)`` of `BrainFrame.places_of`.
        lobe: Which lobe.
        side: Of which hemisphere.
    """
    right = places[:, 0] if side is Side.RIGHT else -places[:, 0]
    ours = right >= MIDLINE_GAP_MM
    found = lobe_of(right, places[:, 1], places[:, 2]) == LOBE_ORDER.index(lobe)
    inside: Mask1D = ours & found
    return inside


LOBE_ORDER: Final = (Lobe.INSULA, Lobe.DEEP, Lobe.TEMPORAL, Lobe.OCCIPITAL, Lobe.PARIETAL, Lobe.FRONTAL)
"""The order in which a place is claimed."""


def lobe_of(
    lateral: NDArray[np.float64], anterior: NDArray[np.float64], superior: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Returns the index in `LOBE_ORDER` of each place, -1 where no lobe is: cerebellum, brain-stem and beyond.

    Args:
        lateral: ``(N,)`` mm from the midplane.
        anterior: ``(N,)`` mm before the commissure.
        superior: ``(N,)`` mm above it.
    """
    central_sulcus = -5.0 - 0.42 * (superior - 15.0)
    sylvian_fissure = 4.0 - 0.28 * anterior
    parieto_occipital = -62.0 - 0.2 * superior
    tentorium = np.where(anterior > -22.0, -45.0, np.minimum(-14.0 - 0.25 * (anterior + 60.0), -12.0))
    cerebrum = superior > tentorium
    claims = (
        (lateral >= 33.0) & (lateral <= 44.0) & _between(anterior, -22.0, 26.0) & _between(superior, -10.0, 18.0),
        (lateral < 33.0) & _between(anterior, -35.0, 25.0) & _between(superior, -5.0, 28.0),
        cerebrum & (lateral >= 15.0) & _between(anterior, -60.0, 20.0) & (superior < sylvian_fissure),
        cerebrum & (anterior < parieto_occipital),
        (anterior < central_sulcus) & (superior > sylvian_fissure),
        (anterior >= central_sulcus) & (superior > np.minimum(sylvian_fissure, -2.0) - 24.0) & (anterior > -35.0),
    )
    return np.select(claims, range(len(claims)), default=-1)


def _between(values: NDArray[np.float64], low: float, high: float) -> Mask1D:
    return (values >= low) & (values <= high)
