"""What a moved tumour leaves, filled with healthy tissue of the same slice.

The Augmentation Network's authors make the old place the band between 1/4 and 1/2 in every contrast. In T1 that is
darker than brain, in T2 brighter: a network paints there what looks like oedema, and a segmenter finds two lesions
where the map has one. Here the old place takes the bands of the mirrored side, in each contrast its own, and where the
mirrored pixel is tumour, old place or no brain, the slice's most frequent band.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import BrainChannel
from gliosynth.labels import Mask

HEALTHY: Final = (BrainChannel.BAND_1, BrainChannel.BAND_2, BrainChannel.BAND_3, BrainChannel.BAND_4)
"""What brain without a tumour is made of."""


def heal_maps(brain_maps: NDArray[np.uint8], vacated: Mask) -> NDArray[np.uint8]:
    """Returns brain maps whose vacated voxels are healthy tissue.

    Args:
        brain_maps: ``(M, X, Y, Z)`` uint8, one a contrast, the same tumour and brain in all; X from left to right or
            from right to left, slices along Z.
        vacated: ``(X, Y, Z)`` bool: brain that a tumour left.
    """
    healed = brain_maps.copy()
    for plane in np.flatnonzero(vacated.any(axis=(0, 1))):
        healed[..., plane] = _healed_slice(brain_maps[..., plane], vacated[..., plane])
    return healed


def _healed_slice(brain_maps: NDArray[np.uint8], vacated: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Returns the maps ``(M, X, Y)`` of one slice healed; the midline halves the brain's extent along X."""
    first, last = np.flatnonzero((brain_maps[0] != BrainChannel.BACKGROUND).any(axis=1))[[0, -1]]
    healthy = np.isin(brain_maps[0], HEALTHY) & ~vacated
    x, y = np.nonzero(vacated)
    mirrored = first + last - x
    sound = healthy[mirrored, y]
    healed = brain_maps.copy()
    for channel, one in enumerate(brain_maps):
        healed[channel, x, y] = np.where(sound, one[mirrored, y], _most_frequent(one[healthy]))
    return healed


def _most_frequent(bands: NDArray[np.uint8]) -> np.uint8:
    """Returns the most frequent of some bands; the authors' where there is none."""
    return np.uint8(np.bincount(bands).argmax() if bands.size else BrainChannel.BAND_3)
