"""What a moved lesion leaves, filled with healthy tissue of the same slice.

The paper makes the old place the band between 1/4 and 1/2 in every contrast. In T1 that is darker than brain, in T2
brighter: a generator paints there what looks like oedema, and a segmenter finds two lesions where the map has one. Here
the old place takes the bands of the mirrored side, in each contrast its own, and where the mirrored pixel is lesion,
old place or no brain, the slice's most frequent band.
"""

import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import BrainChannel
from gliosynth.labels import Mask

BANDS = (BrainChannel.BAND_1, BrainChannel.BAND_2, BrainChannel.BAND_3, BrainChannel.BAND_4)
"""What healthy brain is made of."""


def heal_maps(brain_maps: NDArray[np.uint8], vacated: Mask) -> NDArray[np.uint8]:
    """Returns brain maps whose vacated voxels are healthy tissue.

    Args:
        brain_maps: ``(M, X, Y, Z)`` uint8, one a contrast, X from left to right, slices along Z.
        vacated: ``(X, Y, Z)`` bool: brain that a lesion left.
    """
    healed = brain_maps.copy()
    for plane in np.flatnonzero(vacated.any(axis=(0, 1))):
        healed[..., plane] = _healed_slice(brain_maps[..., plane], vacated[..., plane])
    return healed


def _healed_slice(brain_maps: NDArray[np.uint8], vacated: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Returns the maps ``(M, X, Y)`` of one slice healed; the midline halves the brain's extent from left to right."""
    first, last = np.flatnonzero((brain_maps[0] != BrainChannel.BACKGROUND).any(axis=1))[[0, -1]]
    healthy = np.isin(brain_maps[0], BANDS) & ~vacated
    x, y = np.nonzero(vacated)
    mirrored = first + last - x
    sound = healthy[mirrored, y]
    healed = brain_maps.copy()
    for channel, one in enumerate(brain_maps):
        healed[channel, x, y] = np.where(sound, one[mirrored, y], _most_frequent(one[healthy]))
    return healed


def _most_frequent(bands: NDArray[np.uint8]) -> np.uint8:
    """Returns the most frequent of some bands; the paper's where there is none."""
    return np.uint8(np.bincount(bands).argmax() if bands.size else BrainChannel.BAND_3)
