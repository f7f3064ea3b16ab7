"""Rigid registration of a contrast onto the reference, and a judgement of the result.

Both images are averaged down to about 2 mm first (the trick of PERFORMANCE.md 6: as accurate as a full-size pyramid
at a seventh of the time); Mattes mutual information on random samples with a fixed seed, two levels. A registration
can fail in silence, so its result is scored by other means than the optimiser's own: normalised mutual information
over the heads and the overlap of both foregrounds, each against a limit, and a bad score is an error, never a
warning.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its documentation imports it so)
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidCaseError
from gliosynth.geometry import apply_affine, grid_of, isotropic_grid
from gliosynth.labels import Mask
from gliosynth.preprocessing.case import AnyVolume
from gliosynth.preprocessing.resampling import resample
from gliosynth.volume import Affine, Volume

WORKING_SPACING_MM: Final = 2.0
"""Images are averaged down to about this spacing for registration and scoring."""

HISTOGRAM_BINS: Final = 32
"""Bins per axis of the joint histogram."""

RIM_MM: Final = 8.0
"""The outermost part of the head that registration does not look at: bright scalp and cuts made by de-facing attract
the search more than the brain does."""

SMALLEST_SHARED_VOXELS: Final = 1000
"""Fewer common voxels than this (8 ml) say nothing."""

LPS_FROM_RAS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
"""SimpleITK's world has x to the left and y to the back; its own inverse."""


@dataclass(frozen=True)
class RegistrationOptions:
    """How contrasts are brought together.

    Attributes:
        seed: Seed of the metric's samples: same images, same transform.
        thread_count: Threads of SimpleITK; the result is defined for 1.
            iteration_count: Most optimiser steps per level.
        still_mm: A contrast whose head registration would move by less than this, on average, is left alone.
        smallest_similarity: Normalised mutual information below which a result is refused.
        smallest_overlap: Share of the reference's head covered by the other below which a result is refused.
    """

    seed: int = 20
    thread_count: int = 1
    still_mm: float = 1.0
    smallest_similarity: float = 1.01
    smallest_overlap: float = 0.6


@dataclass(frozen=True)
class Level:
    """One level of the search.

    Attributes:
        shrink: Factor on the 2 mm images.
        smoothing_mm: Standard deviation of the smoothing before it.
        sampling: Share of the voxels that the metric looks at.
        step_mm: First step of a line search, in mm of displacement.
        step_tolerance_mm: Where a line search ends.
        value_tolerance: Relative change of the metric at which the search ends.
    """

    shrink: int
    smoothing_mm: float
    sampling: float
    step_mm: float
    step_tolerance_mm: float
    value_tolerance: float


COARSE: Final = Level(2, 2.0, 0.3, 2.0, 0.1, 1e-4)
"""At about 4 mm, from every start."""

FINE: Final = Level(1, 0.0, 0.2, 1.0, 0.05, 1e-5)
"""At about 2 mm, from the best of them."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image ready for registration.

    Attributes:
        image: About 2 mm, ranks instead of intensities, see `equalised`.
        head: Its foreground, filled.
        inside: What lies deeper than `RIM_MM` in it.
    """

    image: Volume[np.float32]
    head: Mask
    inside: Mask


@dataclass(frozen=True, eq=False)
class Registration:
    """A rigid transform and what it is worth.

    Attributes:
        transform: ``(4, 4)``, world mm of the reference to world mm of the moving image.
        displacement_mm: Mean displacement over the reference's foreground.
        similarity_before: Normalised mutual information with both images as given, 1 to 2.
        similarity_after: The same under the transform.
        overlap_after: Share of the reference's head that the moving head covers, 0 to 1.
    """

    transform: Affine
    displacement_mm: float
    similarity_before: float
    similarity_after: float
    overlap_after: float


def register(reference: AnyVolume, moving: AnyVolume, *, options: RegistrationOptions) -> Registration:
    """Returns the rigid transform that brings the moving image onto the reference.

    Args:
        reference: Image that stays.
        moving: Image of the same head, any contrast, any grid.
        options: How to search, and what is good enough.

    Raises:
        InvalidCaseError: REGISTRATION_FAILED, the images share no field of view or nothing in common;
            DIFFERENT_SUBJECTS, the best alignment is still too poor for one head.
    """
    fixed, floating = _prepared(reference), _prepared(moving)
    try:
        transform = _search(fixed, floating, options)
    except RuntimeError as error:
        raise _refusal(moving.name, reference.name, "REGISTRATION_FAILED", "they share no field of view") from error
    before, _ = score(fixed, floating, np.eye(4))
    after, overlap = score(fixed, floating, transform)
    result = Registration(transform, mean_displacement_mm(fixed, transform), before, after, overlap)
    _judge(result, moving.name, reference.name, options)
    return result


def mean_displacement_mm(prepared: "Prepared", transform: Affine) -> float:
    """Returns by how many mm a transform moves the inside of the head, on average.

    Args:
        prepared: Image whose inside counts.
        transform: ``(4, 4)``, world mm to world mm.
    """
    points = apply_affine(prepared.image.affine, np.argwhere(prepared.inside))
    return float(np.linalg.norm(apply_affine(transform, points) - points, axis=-1).mean())


def foreground(image: NDArray[np.float32]) -> Mask:
    """Returns the voxels brighter than a tenth of the image's 98th percentile of what is not 0: tissue, not air."""
    lit = image[image > 0]
    if lit.size == 0:
        return np.zeros(image.shape, dtype=np.bool_)
    return image > 0.1 * float(np.percentile(lit, 98.0))


def score(fixed: "Prepared", floating: "Prepared", transform: Affine) -> tuple[float, float]:
    """Returns normalised mutual information inside the head and the overlap of both heads, under a transform.

    Both are measured on the fixed image's grid (Studholme et al., Pattern Recognition 32:71-86, 1999).

    Args:
        fixed: Reference image.
        floating: Moving image.
        transform: ``(4, 4)``, world mm of the fixed to world mm of the floating image.

    Returns:
        Normalised mutual information, 1 (independent) to 2 (determined), and the share of the fixed head's inside that
        the moving head covers, 0 to 1; 1 and 0 where they share fewer than 1000 voxels.
    """
    grid = grid_of(fixed.image)
    moved = resample(floating.image, grid, transform=transform)
    head = Volume(floating.head.astype(np.float32), floating.image.affine)
    both = fixed.inside & (resample(head, grid, transform=transform) > 0.5)
    shared = np.count_nonzero(both)
    if shared < SMALLEST_SHARED_VOXELS:
        return 1.0, 0.0
    similarity = normalised_mutual_information(fixed.image.data[both], moved[both])
    return similarity, float(shared / np.count_nonzero(fixed.inside))


def normalised_mutual_information(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Returns (H(A) + H(B)) / H(A, B) of paired values, 1 to 2, on 32 bins between their 1st and 99th percentiles.

    Args:
        first: Values ``(N,)``.
        second: Values ``(N,)`` at the same voxels.
    """
    joint = np.bincount(_bins(first) * HISTOGRAM_BINS + _bins(second), minlength=HISTOGRAM_BINS**2)
    joint = joint.reshape(HISTOGRAM_BINS, HISTOGRAM_BINS)
    together = _entropy(joint.ravel())
    if together == 0.0:
        return 1.0
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / together


def _bins(values: NDArray[np.float32]) -> NDArray[np.int64]:
    low, high = np.percentile(values, [1.0, 99.0])
    scaled = (values - low) * (HISTOGRAM_BINS / max(float(high - low), 1e-12))
    return np.clip(scaled, 0, HISTOGRAM_BINS - 1).astype(np.int64)


def _entropy(counts: NDArray[np.int64]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _prepared(volume: AnyVolume) -> Prepared:
    """Returns the image averaged to about 2 mm on orthogonal axes, equalised, with its head and the inside of it."""
    grid = grid_of(volume)
    axes = volume.affine[:3, :3] / np.asarray(volume.spacing_mm)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
        grid = isotropic_grid(grid, min(volume.spacing_mm))
        volume = Volume(resample(volume, grid), grid.affine, volume.name)
    factors = [max(1, round(WORKING_SPACING_MM / edge_mm)) for edge_mm in volume.spacing_mm]
    data = np.ascontiguousarray(sitk.GetArrayFromImage(sitk.BinShrink(_to_sitk(volume), factors)).T)
    affine = volume.affine @ np.diag([*factors, 1.0])
    affine[:3, 3] = apply_affine(volume.affine, (np.asarray(factors) - 1) / 2)
    image = Volume(equalised(data), affine, volume.name)
    head = _filled(foreground(data))
    return Prepared(image, head, _eroded(head, RIM_MM, image.spacing_mm))


def _filled(mask: Mask) -> Mask:
    """Returns the mask with the holes of its slices filled, slices along each axis: heads are open at the neck."""
    filled = mask.copy()
    for axis in range(3):
        for source, target in zip(np.moveaxis(mask, axis, 0), np.moveaxis(filled, axis, 0), strict=True):
            target |= ndimage.binary_fill_holes(source)
    return filled


def _eroded(mask: Mask, depth_mm: float, spacing_mm: tuple[float, float, float]) -> Mask:
    """Returns what lies deeper than `depth_mm` under the mask's surface; the border of the image is no surface."""
    padded = np.pad(mask, 1, mode="edge")
    deep = ndimage.distance_transform_edt(padded, sampling=spacing_mm) > depth_mm
    return np.asarray(deep[1:-1, 1:-1, 1:-1])


def equalised(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the image with each foreground voxel replaced by its rank, 0 to 1, and the rest by 0.

    Bright scalp would otherwise take most bins of the histogram and leave the brain a few: on real heads the search
    then settled three degrees off.

    Args:
        image: Intensities ``(X, Y, Z)``.
    """
    inside = foreground(image)
    values = np.sort(image[inside])
    result = np.zeros(image.shape, dtype=np.float32)
    if values.size:
        result[inside] = (np.searchsorted(values, image[inside]) + 1) / values.size
    return result


def _to_sitk(volume: Volume[np.generic]) -> sitk.Image:
    """Returns the volume as a float32 SimpleITK image in LPS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.T, dtype=np.float32))
    affine = LPS_FROM_RAS @ volume.affine
    left, _, right = np.linalg.svd(affine[:3, :3] / np.asarray(volume.spacing_mm))
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((left @ right).ravel().tolist())
    return image


def _search(fixed: Prepared, floating: Prepared, options: RegistrationOptions) -> Affine:
    """Returns the best transform: a coarse search from each start, then a fine one from the better result."""
    coarse = [_optimise(fixed, floating, start, COARSE, options) for start in _starts(fixed, floating)]
    best = max(coarse, key=lambda found: score(fixed, floating, _matrix_of(found))[0])
    return _matrix_of(_optimise(fixed, floating, best, FINE, options))


def _starts(fixed: Prepared, floating: Prepared) -> list[sitk.Euler3DTransform]:
    """Returns where the search starts: the scanner's frame as given, and the centres of both heads matched."""
    centre, other = _centre(fixed), _centre(floating)
    starts = []
    for shift in (np.zeros(3), other - centre):
        transform = sitk.Euler3DTransform()
        transform.SetCenter((centre * (-1, -1, 1)).tolist())
        transform.SetTranslation((shift * (-1, -1, 1)).tolist())
        starts.append(transform)
    return starts


def _centre(prepared: Prepared) -> NDArray[np.float64]:
    found = np.argwhere(prepared.head)
    index = found.mean(axis=0) if len(found) else (np.asarray(prepared.head.shape) - 1) / 2
    return apply_affine(prepared.image.affine, index)


def _optimise(
    fixed: Prepared,
    floating: Prepared,
    start: sitk.Euler3DTransform,
    level: Level,
    options: RegistrationOptions,
) -> sitk.Euler3DTransform:
    """Returns the transform that maximises mutual information inside the head, searched from `start`.

    Powell's line searches, not a gradient: on thick slices the metric's gradient is noise, and descent stops half way.
    """
    transform = sitk.Euler3DTransform(start)
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(options.thread_count)
    method.SetMetricAsMattesMutualInformation(HISTOGRAM_BINS)
    method.SetMetricFixedMask(_mask_to_sitk(fixed.inside, fixed.image))
    method.SetMetricMovingMask(_mask_to_sitk(floating.head, floating.image))
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(level.sampling, options.seed)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsPowell(
        numberOfIterations=20,
        maximumLineIterations=30,
        stepLength=level.step_mm,
        stepTolerance=level.step_tolerance_mm,
        valueTolerance=level.value_tolerance,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([level.shrink])
    method.SetSmoothingSigmasPerLevel([level.smoothing_mm])
    method.SetInitialTransform(transform, inPlace=True)
    method.Execute(_to_sitk(fixed.image), _to_sitk(floating.image))
    return transform


def _mask_to_sitk(mask: Mask, image: Volume[np.float32]) -> sitk.Image:
    return sitk.Cast(_to_sitk(Volume(mask, image.affine)), sitk.sitkUInt8)


def _matrix_of(transform: sitk.Euler3DTransform) -> Affine:
    """Returns the transform as a matrix between RAS worlds."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    return np.asarray(LPS_FROM_RAS @ matrix @ LPS_FROM_RAS)


def _judge(result: Registration, moving: str, reference: str, options: RegistrationOptions) -> None:
    """Refuses a registration that lost similarity, or is too poor for two images of one head."""
    found = f"similarity {result.similarity_after:.3f}, overlap {result.overlap_after:.2f}"
    if result.similarity_after < result.similarity_before - 0.01:
        raise _refusal(moving, reference, "REGISTRATION_FAILED", found)
    if result.similarity_after < options.smallest_similarity or result.overlap_after < options.smallest_overlap:
        raise _refusal(moving, reference, "DIFFERENT_SUBJECTS", found)


def _refusal(moving: str, reference: str, reason: str, found: str) -> InvalidCaseError:
    return InvalidCaseError(
        f"{moving}: could not be registered onto {reference} ({found}); check that both are brains of the same subject",
        field=moving,
        got=found,
        reason=reason,
    )
