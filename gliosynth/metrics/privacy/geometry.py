"""Agreement of label maps in a common frame: how much of a donor's anatomy is left in a case."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError

LabelMaps = NDArray[np.uint8]
"""``(N, X, Y, Z)`` uint8: N label maps on one grid, 0 is background."""

ROWS_PER_BLOCK: Final = 256
"""Maps that are compared at once: bounds memory."""


def pairwise_dice(maps: LabelMaps, others: LabelMaps) -> NDArray[np.float64]:
    """Returns the mean Dice over the labels of every pair of label maps.

    Args:
        maps: ``(N, X, Y, Z)``.
        others: ``(M, X, Y, Z)``.

    Returns:
        ``(N, M)``, 0 to 1. A label that neither map of a pair holds does not count; 1 where both are empty.

    Raises:
        InvalidParameterError: The grids differ.
    """
    if maps.ndim != 4 or maps.shape[1:] != others.shape[1:]:
        raise InvalidParameterError(
            f"label maps must be (N, X, Y, Z) on one grid, got {maps.shape} and {others.shape}",
            field="others",
            got=str(others.shape),
            reason="SHAPE_MISMATCH",
        )
    cells = int(np.prod(maps.shape[1:]))
    first, second = maps.reshape(len(maps), cells), others.reshape(len(others), cells)
    total = np.zeros((len(maps), len(others)))
    present = np.zeros_like(total)
    for label in np.union1d(np.unique(maps), np.unique(others)):
        if label == 0:
            continue
        overlap, size = _overlap(first == label, second == label)
        total += np.divide(2 * overlap, size, out=np.zeros_like(total), where=size > 0)
        present += size > 0
    dice: NDArray[np.float64] = np.divide(total, present, out=np.ones_like(total), where=present > 0)
    return dice


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns for every pair of masks the size of the intersection and the sum of the sizes."""
    right = second.T.astype(np.float32)
    overlap = np.zeros((len(first), len(second)))
    for start in range(0, len(first), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        overlap[rows] = first[rows].astype(np.float32) @ right
    sizes = first.sum(axis=1)[:, None] + second.sum(axis=1)
    return overlap, sizes.astype(np.float64)
