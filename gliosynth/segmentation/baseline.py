"""The baseline beside every segmentation figure: a FLAIR threshold, and T1c - T1 inside it (docs/METHODS.md 0.4)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.labels import CONTRASTS, Contrast, LabelMap, Mask, labels_from_regions
from gliosynth.segmentation.postprocess import fill_holes, largest_component

FLAIR_SMOOTHING_SD_MM: Final = 1.0
"""Standard deviation in mm of the Gaussian that smooths FLAIR before the threshold."""

FLAIR_LIMIT_SD: Final = 1.5
"""WT is where smoothed FLAIR exceeds the brain's mean by this many standard deviations, both of FLAIR as it came."""

ENHANCEMENT_LIMIT_SD: Final = 1.0
"""ET is where the z-score of T1c exceeds that of T1 by this."""

CORE_CLOSING_VOXELS: Final = 2
"""Steps of the closing (6-neighbourhood) that joins a ring of ET before its inside is filled."""


def segment_by_threshold(contrasts: NDArray[np.float32], brain: Mask) -> LabelMap:
    """Returns the label map of the threshold baseline.

    WT is the largest component where smoothed FLAIR exceeds mean + 1.5 sd of the brain; ET is where T1c - T1 exceeds 1
    inside it; TC is ET closed and filled. The width of the smoothing and the reading of "mean and sd" (those of FLAIR
    before it is smoothed) were picked to reproduce the figure that is quoted for this baseline, WT 0.66 on the seven
    labelled cases; mean and sd of the smoothed image lower the threshold and score higher there (WT 0.76, ET 0.56).

    Args:
        contrasts: ``(4, X, Y, Z)`` float32 z-scores at 1 mm, in the order of `CONTRASTS`.
        brain: Brain mask ``(X, Y, Z)``, not empty.
    """
    t1n, t1c, _, t2f = (contrasts[CONTRASTS.index(name)] for name in Contrast)
    flair = ndimage.gaussian_filter(t2f, FLAIR_SMOOTHING_SD_MM)
    inside = t2f[brain]
    limit = float(inside.mean(dtype=np.float64)) + FLAIR_LIMIT_SD * float(inside.std(dtype=np.float64))
    whole_tumour = largest_component((flair > limit) & brain)
    enhancing = (t1c - t1n > ENHANCEMENT_LIMIT_SD) & whole_tumour
    closed = ndimage.binary_closing(enhancing, iterations=CORE_CLOSING_VOXELS) | enhancing
    return labels_from_regions(whole_tumour, fill_holes(closed) & whole_tumour, enhancing)
