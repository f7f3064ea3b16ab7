"""Agreement of label maps in a common frame: how much of a donor's anatomy is left in a case."""

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.privacy.closest import ClosestRecords, find_closest

LabelMaps = NDArray[np.uint8]
"""``(N, X, Y, Z)`` uint8: N label maps on one grid, 0 is background."""


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
    _check_maps(maps, others)
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


def closest_by_dice(maps: LabelMaps, records: LabelMaps, *, same_set: bool = False) -> ClosestRecords:
    """Returns, for each label map, the record with the largest mean Dice, as it is or mirrored along the first axis.

    Args:
        maps: ``(N, X, Y, Z)``.
        records: ``(M, X, Y, Z)``.
        same_set: Whether records are the maps themselves; then none is compared with itself.

    Raises:
        InvalidParameterError: The grids differ, or there is no record to compare with.
    """
    _check_maps(maps, records)

    def compare(rows: slice, columns: slice) -> NDArray[np.float64]:
        block = records[columns]
        return np.maximum(pairwise_dice(maps[rows], block), pairwise_dice(maps[rows], block[:, ::-1]))

    return find_closest(len(maps), len(records), compare, same_set=same_set)


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns for every pair of masks the size of the intersection and the sum of the sizes."""
    overlap = (first.astype(np.float32) @ second.T.astype(np.float32)).astype(np.float64)
    sizes = first.sum(axis=1)[:, None] + second.sum(axis=1)
    return overlap, sizes.astype(np.float64)


def _check_maps(maps: LabelMaps, others: LabelMaps) -> None:
    if maps.ndim != 4 or maps.shape[1:] != others.shape[1:]:
        raise InvalidParameterError(
            f"label maps must be (N, X, Y, Z) on one grid, got {maps.shape} and {others.shape}",
            field="others",
            got=str(others.shape),
            reason="SHAPE_MISMATCH",
        )
