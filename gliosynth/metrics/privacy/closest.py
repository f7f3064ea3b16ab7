"""The closest record of each item of a set, found block by block."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError

BLOCK: Final = 512
"""Items, and records, that are compared at once: memory does not grow with the square of a cohort."""

Compare = Callable[[slice, slice], NDArray[np.float64]]
"""Returns the similarities of a block of items with a block of records."""


@dataclass(frozen=True, eq=False)
class ClosestRecords:
    """The closest record of each item.

    Attributes:
        similarity: ``(N,)`` float64.
        index: ``(N,)`` int64, which record; the first of several equally close ones.
    """

    similarity: NDArray[np.float64]
    index: NDArray[np.int64]


def find_closest(item_count: int, record_count: int, compare: Compare, *, same_set: bool) -> ClosestRecords:
    """Returns the record with the largest similarity to each item.

    Args:
        item_count: N.
        record_count: M.
        compare: Of a block of items with a block of records.
        same_set: Whether records are the items themselves; then none is compared with itself.

    Raises:
        InvalidParameterError: There is no record to compare with.
    """
    if record_count < (2 if same_set else 1):
        raise InvalidParameterError(
            "there is no record to compare with; give one at least", field="records", got=str(record_count)
        )
    best = np.full(item_count, -np.inf)
    index = np.zeros(item_count, np.int64)
    for start in range(0, item_count, BLOCK):
        rows = slice(start, min(start + BLOCK, item_count))
        for first in range(0, record_count, BLOCK):
            columns = slice(first, min(first + BLOCK, record_count))
            similarity = compare(rows, columns)
            if same_set and first == start:
                np.fill_diagonal(similarity, -np.inf)
            nearest = similarity.argmax(axis=1)
            value = similarity[np.arange(len(nearest)), nearest]
            better = value > best[rows]
            best[rows] = np.where(better, value, best[rows])
            index[rows] = np.where(better, nearest + first, index[rows])
    return ClosestRecords(similarity=best, index=index)
