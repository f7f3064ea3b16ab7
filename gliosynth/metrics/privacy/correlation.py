"""The correlation scan: which record does a synthetic image resemble most, as it is, mirrored or turned?"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.privacy.closest import ClosestRecords, find_closest

Images = NDArray[np.float32]
"""``(N, C, X, Y, Z)`` float32: N small images of C contrasts, the first axis of space to the right."""

TURNS_DEG: Final = (-10.0, 0.0, 10.0)
"""Turns about the body axis in which a record is compared, degrees."""


def closest_by_correlation(
    images: Images, records: Images, *, same_set: bool = False, turns_deg: tuple[float, ...] = TURNS_DEG
) -> ClosestRecords:
    """Returns, for each image, the record with the largest Pearson correlation, over mirrored and turned copies of it.

    Filters that compare images only as they are miss mirrored and turned copies (METHODS.md D.3, "flips, rotations").

    Args:
        images: ``(N, C, X, Y, Z)``.
        records: ``(M, C, X, Y, Z)``.
        same_set: Whether records are the images themselves; then no image is compared with itself.
        turns_deg: Turns about the last axis.

    Returns:
        Correlations in -1 to 1; a constant image has 0 with every record.

    Raises:
        InvalidParameterError: Shapes differ, or there is no record to compare with.
    """
    if images.ndim != 5 or images.shape[1:] != records.shape[1:]:
        raise InvalidParameterError(
            f"images and records must be (N, C, X, Y, Z) and differ in N alone, got {images.shape} and {records.shape}",
            field="records",
            got=str(records.shape),
            reason="SHAPE_MISMATCH",
        )
    standard = _standardised(images)
    found: ClosestRecords | None = None
    for copies in (_turned(mirrored, turn) for mirrored in (records, records[:, :, ::-1]) for turn in turns_deg):
        scan = _scan(standard, _standardised(copies), same_set=same_set)
        found = scan if found is None else _better(found, scan)
    if found is None:
        raise InvalidParameterError("turns_deg: give one turn at least, 0 for none", field="turns_deg", got="()")
    return found


def _scan(images: NDArray[np.float32], records: NDArray[np.float32], *, same_set: bool) -> ClosestRecords:
    """Returns the closest record of each standardised image."""

    def compare(rows: slice, columns: slice) -> NDArray[np.float64]:
        return np.asarray(images[rows] @ records[columns].T, dtype=np.float64)

    return find_closest(len(images), len(records), compare, same_set=same_set)


def _better(first: ClosestRecords, second: ClosestRecords) -> ClosestRecords:
    """Returns the closer record of two findings, item by item."""
    better = second.similarity > first.similarity
    return ClosestRecords(
        similarity=np.where(better, second.similarity, first.similarity),
        index=np.where(better, second.index, first.index),
    )


def _turned(images: Images, turn_deg: float) -> Images:
    if turn_deg == 0:
        return images
    turned: Images = ndimage.rotate(images, turn_deg, axes=(2, 3), reshape=False, order=1, mode="nearest")
    return turned


def _standardised(images: Images) -> NDArray[np.float32]:
    """Returns each image as a vector of mean 0 and length 1."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.where(length > 0, length, 1.0).astype(np.float32)
    return flat
