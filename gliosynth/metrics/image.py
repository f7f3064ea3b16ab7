"""Image similarity of a pair: MSE, MAE, PSNR and SSIM.

They are defined for paired images alone, and mean nothing once a lesion has moved. PSNR and SSIM depend on the range of
the data, so it is an argument without a default: a range guessed from the image is how tables become incomparable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError, InvalidVolumeError
from gliosynth.labels import Mask
from gliosynth.metrics.structure import Slice, SsimWindow, ssim_map, ssim_scratch

Image = NDArray[np.float32]
"""``(X, Y)`` or ``(X, Y, Z)`` float32, finite."""

SLICES_PER_BLOCK: Final = 16
"""Slices that are brought into memory order together: a cache line of float32."""


@dataclass(frozen=True)
class ImageScores:
    """Similarity of one pair of images.

    Attributes:
        mse: Mean squared error, in squared intensity units.
        mae: Mean absolute error, in intensity units.
        psnr_db: ``10 log10(data_range² / mse)``; ``inf`` for equal images.
        ssim: Mean over axial slices of the 2D index, in [-1, 1]; 1 for equal images.
        data_range: The range that PSNR and SSIM were computed with.
        window: SSIM's window.
    """

    mse: float
    mae: float
    psnr_db: float
    ssim: float
    data_range: float
    window: SsimWindow


def score_image(
    reference: Image,
    prediction: Image,
    *,
    data_range: float,
    window: SsimWindow = SsimWindow.GAUSSIAN_11,
    mask: Mask | None = None,
) -> ImageScores:
    """Returns MSE, MAE, PSNR and SSIM of a pair of images, in one pass over both.

    SSIM is computed on axial slices (the last axis), where the whole window lies inside the slice. Its precision is
    that of float32 relative to the largest intensity, so keep the intensities within the data range.

    Args:
        reference: ``(X, Y)`` or ``(X, Y, Z)`` float32, finite.
        prediction: The same of the prediction.
        data_range: Largest minus smallest value that the intensities can take, in intensity units.
        window: SSIM's local window.
        mask: Voxels that count, of the images' shape; None counts all. SSIM averages those with a whole window around.

    Raises:
        InvalidVolumeError: Shapes differ, a value is not finite, a slice is smaller than the window, or the mask leaves
            nothing.
        InvalidParameterError: The data range is not positive and finite.
    """
    check_data_range(data_range)
    _check_images(reference, prediction, mask)
    if min(reference.shape[:2]) < len(window.taps):
        raise InvalidVolumeError(
            f"a slice of {reference.shape[:2]} pixels is smaller than the window {window.value};"
            " choose a smaller window",
            field="reference",
            got=str(reference.shape),
            reason="SMALLER_THAN_WINDOW",
        )
    sums = np.zeros(5)
    work = ssim_scratch((reference.shape[1], reference.shape[0]))
    for first, second, counted in _slices(reference, prediction, mask):
        similarity = ssim_map(first, second, data_range=data_range, window=window, work=work)
        sums += _slice_sums(first, second, counted, similarity=similarity)
    return _scores_of(sums, data_range=data_range, window=window)


def mse(reference: Image, prediction: Image, *, mask: Mask | None = None) -> float:
    """Returns the mean squared error.

    Args:
        reference: ``(X, Y)`` or ``(X, Y, Z)`` float32, finite.
        prediction: The same of the prediction.
        mask: Voxels that count; None counts all.

    Returns:
        In squared intensity units, at least 0.

    Raises:
        InvalidVolumeError: Shapes differ, a value is not finite, or the mask is empty.
    """
    return _mean_error(reference, prediction, mask=mask, norm=cv2.NORM_L2SQR)


def mae(reference: Image, prediction: Image, *, mask: Mask | None = None) -> float:
    """Returns the mean absolute error.

    Args:
        reference: ``(X, Y)`` or ``(X, Y, Z)`` float32, finite.
        prediction: The same of the prediction.
        mask: Voxels that count; None counts all.

    Returns:
        In intensity units, at least 0.

    Raises:
        InvalidVolumeError: Shapes differ, a value is not finite, or the mask is empty.
    """
    return _mean_error(reference, prediction, mask=mask, norm=cv2.NORM_L1)


def psnr_db(reference: Image, prediction: Image, *, data_range: float, mask: Mask | None = None) -> float:
    """Returns the peak signal-to-noise ratio ``10 log10(data_range² / mse)`` of the whole image.

    A mean of the ratios of single slices is another figure, and infinite as soon as one slice of air is equal.

    Args:
        reference: ``(X, Y)`` or ``(X, Y, Z)`` float32, finite.
        prediction: The same of the prediction.
        data_range: Largest minus smallest value that the intensities can take.
        mask: Voxels that count; None counts all.

    Returns:
        In dB; ``inf`` for equal images.

    Raises:
        InvalidVolumeError: Shapes differ, a value is not finite, or the mask is empty.
        InvalidParameterError: The data range is not positive and finite.
    """
    check_data_range(data_range)
    return _psnr_db(mse(reference, prediction, mask=mask), data_range=data_range)


def ssim(
    reference: Image,
    prediction: Image,
    *,
    data_range: float,
    window: SsimWindow = SsimWindow.GAUSSIAN_11,
    mask: Mask | None = None,
) -> float:
    """Returns the structural similarity index, see `score_image`.

    Args:
        reference: ``(X, Y)`` or ``(X, Y, Z)`` float32, finite.
        prediction: The same of the prediction.
        data_range: Largest minus smallest value that the intensities can take.
        window: The local window.
        mask: Voxels that count; None counts all.

    Returns:
        In [-1, 1]; equal images 1.

    Raises:
        InvalidVolumeError: Shapes differ, a value is not finite, a slice is smaller than the window, or the mask leaves
            nothing.
        InvalidParameterError: The data range is not positive and finite.
    """
    return score_image(reference, prediction, data_range=data_range, window=window, mask=mask).ssim


def check_data_range(data_range: float) -> None:
    """Refuses a data range that is not a positive, finite number.

    Args:
        data_range: Largest minus smallest value that the intensities can take.

    Raises:
        InvalidParameterError: It is not.
    """
    if not (np.isfinite(data_range) and data_range > 0):
        raise InvalidParameterError(
            f"data_range must be a positive number, got {data_range};"
            " give the range of the format or of the normalisation",
            field="data_range",
            got=str(data_range),
            reason="DATA_RANGE",
        )


def _mean_error(reference: Image, prediction: Image, *, mask: Mask | None, norm: int) -> float:
    _check_images(reference, prediction, mask)
    total, count = 0.0, 0
    for first, second, counted in _slices(reference, prediction, mask):
        total += cv2.norm(first, second, norm, counted)
        count += first.size if counted is None else int(np.count_nonzero(counted))
    _check_finite(total)
    return total / count


def _slices(
    reference: Image, prediction: Image, mask: Mask | None
) -> Iterator[tuple[Slice, Slice, NDArray[np.uint8] | None]]:
    """Yields the axial slices as contiguous float32 with their masks, transposed: no score depends on X or Y."""
    first, second = np.atleast_3d(reference).T, np.atleast_3d(prediction).T
    counted = None if mask is None else np.atleast_3d(mask).T
    for start in range(0, len(first), SLICES_PER_BLOCK):
        block = slice(start, start + SLICES_PER_BLOCK)
        firsts = np.ascontiguousarray(first[block], dtype=np.float32)
        seconds = np.ascontiguousarray(second[block], dtype=np.float32)
        masks = None if counted is None else np.ascontiguousarray(counted[block]).view(np.uint8)
        for index in range(len(firsts)):
            yield firsts[index], seconds[index], None if masks is None else masks[index]


def _slice_sums(
    first: Slice, second: Slice, counted: NDArray[np.uint8] | None, *, similarity: Slice
) -> NDArray[np.float64]:
    """Returns the sums of squared error, absolute error and SSIM of a slice, and both pixel counts."""
    errors = cv2.norm(first, second, cv2.NORM_L2SQR, counted), cv2.norm(first, second, cv2.NORM_L1, counted)
    if counted is None:
        return np.array([*errors, cv2.sumElems(similarity)[0], first.size, similarity.size])
    margin = (first.shape[0] - similarity.shape[0]) // 2
    inside = counted[margin:-margin, margin:-margin].view(np.bool_)
    chosen = similarity[inside]
    return np.array([*errors, chosen.sum(dtype=np.float64), np.count_nonzero(counted), chosen.size])


def _scores_of(sums: NDArray[np.float64], *, data_range: float, window: SsimWindow) -> ImageScores:
    squared, absolute, similarity, count, similarity_count = (float(value) for value in sums)
    _check_finite(squared)
    if not similarity_count:
        raise InvalidVolumeError(
            f"no pixel of the mask has a whole window {window.value} around it; give a mask away from the border",
            field="mask",
            got="0 pixels",
            reason="EMPTY_MASK",
        )
    return ImageScores(
        mse=squared / count,
        mae=absolute / count,
        psnr_db=_psnr_db(squared / count, data_range=data_range),
        ssim=similarity / similarity_count,
        data_range=data_range,
        window=window,
    )


def _psnr_db(error: float, *, data_range: float) -> float:
    return 10 * float(np.log10(data_range**2 / error)) if error else float("inf")


def _check_images(reference: Image, prediction: Image, mask: Mask | None) -> None:
    shapes = {reference.shape, prediction.shape} | (set() if mask is None else {mask.shape})
    if len(shapes) > 1 or reference.ndim not in (2, 3) or not reference.size:
        raise InvalidVolumeError(
            f"images (and mask) must have one shape, (X, Y) or (X, Y, Z), got {sorted(shapes)};"
            " resample one onto the grid of the other",
            field="prediction",
            got=str(prediction.shape),
            reason="SHAPE_MISMATCH",
        )
    if mask is not None and (mask.dtype != np.bool_ or not mask.any()):
        raise InvalidVolumeError(
            "mask: it must be boolean and hold at least one voxel; give a mask or none",
            field="mask",
            got=f"{mask.dtype}, {int(np.count_nonzero(mask))} voxels",
            reason="EMPTY_MASK",
        )


def _check_finite(total: float) -> None:
    if not np.isfinite(total):
        raise InvalidVolumeError(
            "an image holds NaN or infinity where it counts; repair it, no score is defined on it",
            field="reference",
            got=str(total),
            reason="NOT_FINITE",
        )
