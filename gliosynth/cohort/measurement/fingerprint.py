"""A case's images, shrunk to a few thousand numbers: enough to find a copy, too few to see a patient."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.geometry import bounding_box
from gliosynth.labels import CONTRASTS, Contrast, Mask
from gliosynth.segmentation.box import index_of

FINGERPRINT_SHAPE: Final = (2, 14, 17, 14)
"""Contrasts, and cells along X, Y, Z of the brain's bounding box: about 1 cm each."""

FINGERPRINT_CONTRASTS: Final = (Contrast.T1N, Contrast.T2F)
"""The contrasts in it: anatomy, and the tumour's outline."""

Fingerprint = NDArray[np.uint8]
"""`FINGERPRINT_SHAPE` uint8: mean z-score of each cell, -3 to 3 sd as 0 to 255; 0 outside the brain."""

SPAN_SD: Final = 3.0
"""Z-scores up to this are told apart."""


def fingerprint_of(contrasts: NDArray[np.float32], brain: Mask) -> Fingerprint:
    """Returns the fingerprint of a case.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32.
        brain: ``(X, Y, Z)`` bool, not empty.
    """
    box = index_of(bounding_box(brain))
    inside = brain[box]
    weight = _pool(inside.astype(np.float32))
    planes = []
    for contrast in FINGERPRINT_CONTRASTS:
        image = contrasts[CONTRASTS.index(contrast)][box]
        values = image[inside]
        scores = np.where(inside, (image - values.mean()) / max(float(values.std()), 1e-12), 0.0)
        means = _pool(scores.astype(np.float32)) / np.maximum(weight, 1e-6)
        coded = np.rint(np.clip(means / SPAN_SD, -1, 1) * 127 + 128).astype(np.uint8)
        planes.append(np.where(weight > 0.5, coded, np.uint8(0)))
    return np.stack(planes)


def _pool(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the mean over each cell of the grid of cells that tiles the array."""
    for axis, cells in enumerate(FINGERPRINT_SHAPE[1:]):
        starts = np.linspace(0, values.shape[axis], cells, endpoint=False).astype(np.int64)
        widths = np.diff(np.append(starts, values.shape[axis]))
        shape = [1, 1, 1]
        shape[axis] = cells
        sums = np.add.reduceat(values, starts, axis=axis)
        values = (sums / np.maximum(widths, 1).reshape(shape)).astype(np.float32)
    return values
