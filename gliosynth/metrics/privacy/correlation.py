"""The correlation scan: which record does a synthetic image resemble most, as it is, mirrored or turned?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidParameterError

Images = NDArray[np.float32]
"""``(N, C, X, Y, Z)`` float32: N small images of C contrasts, the first axis of space to the right."""

TURNS_DEG: Final = (-10.0, 0.0, 10.0)
"""Turns about the body axis in which a record is compared, degrees."""

ROWS_PER_BLOCK: Final = 512
"""Images that are compared at once: bounds memory."""


@dataclass(frozen=True, eq=False)
class ClosestRecords:
    """The closest record of each image.

    Attributes:
        similarity: ``(N,)`` float64, in -1 to 1.
        index: ``(N,)`` int64, which record.
    """

    similarity: NDArray[np.float64]
    index: NDArray[np.int64]


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
        A constant image has the correlation 0 with every record.

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
    if len(records) < (2 if same_set else 1):
        raise InvalidParameterError(
            "there is no record to compare with; give one at least", field="records", got=str(len(records))
        )
    best = np.full(len(images), -np.inf)
    index = np.zeros(len(images), np.int64)
    standard = _standardised(images)
    for copies in (_turned(mirrored, turn) for mirrored in (records, records[:, :, ::-1]) for turn in turns_deg):
        other = _standardised(copies)
        for start in range(0, len(images), ROWS_PER_BLOCK):
            rows = slice(start, start + ROWS_PER_BLOCK)
            similarity = standard[rows] @ other.T
            if same_set:
                similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf
            nearest = similarity.argmax(axis=1)
            value = similarity[np.arange(len(nearest)), nearest]
            better = value > best[rows]
            best[rows] = np.where(better, value, best[rows])
            index[rows] = np.where(better, nearest, index[rows])
    return ClosestRecords(similarity=best, index=index)


def _turned(images: Images, turn_deg: float) -> Images:
    if turn_deg == 0:
        return images
    turned: Images = ndimage.rotate(images, turn_deg, axes=(2, 3), reshape=False, order=1, mode="nearest")
    return turned


def _standardised(images: Images) -> NDArray[np.float64]:
    """Returns each image as a vector of mean 0 and length 1."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit: NDArray[np.float64] = flat / np.where(length > 0, length, 1.0)
    return unit
