"""Rigid registration of a contrast onto the reference, and a judgement of the result.

Both images are averaged down to about 2 mm first (the trick of PERFORMANCE.md 6), then mutual information is maximised
on random samples with a fixed seed, at two levels. A registration can fail in silence, so its result is judged by other
means than the optimiser's own: by how much the insides of both heads share in place and 1 cm apart, and by how much of
the reference's head the other covers. A bad score is an error, never a warning.
"""

# mypy: allow-untyped-calls
# (SimpleITK carries no types.)

from dataclasses import dataclass
from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its documentation imports it so)
from numpy.typing import NDArray

from gliosynth.errors import InvalidCaseError
from gliosynth.geometry import apply_affine
from gliosynth.labels import Mask
from gliosynth.preprocessing.case import AnyVolume
from gliosynth.preprocessing.similarity import (
    HISTOGRAM_BINS,
    LPS_FROM_RAS,
    Prepared,
    distinctness,
    mean_displacement_mm,
    outline_agreement,
    prepared,
    score,
    to_sitk,
)
from gliosynth.volume import Affine, Volume


@dataclass(frozen=True)
class RegistrationOptions:
    """How contrasts are brought together.

    Attributes:
        seed: Seed of the metric's samples: same images, same transform.
        thread_count: Threads of SimpleITK; the result is defined for 1.
        still_mm: A contrast whose head registration would move by less than this, on average, is left alone.
        smallest_distinctness: Ratio of what two heads share in place and 1 cm apart below which they are two subjects'.
        smallest_distinctness_stripped: The same for stripped brains, whose images are often smoother.
        same_outline: Stripped brains whose outlines agree by this Dice are one subject's whatever their contrast.
        smallest_overlap: Share of the reference's head covered by the other below which a result is refused.
    """

    seed: int = 20
    thread_count: int = 1
    still_mm: float = 1.0
    smallest_distinctness: float = 2.5
    smallest_distinctness_stripped: float = 1.5
    same_outline: float = 0.97
    smallest_overlap: float = 0.6


@dataclass(frozen=True)
class Level:
    """One level of the search.

    Attributes:
        shrink: Factor on the 2 mm images.
        smoothing_mm: Standard deviation of the smoothing before it.
        sample_count: Voxels inside the head that the metric looks at.
        step_mm: First step of a line search, in mm of displacement.
        step_tolerance_mm: Where a line search ends.
        value_tolerance: Relative change of the metric at which the search ends.
    """

    shrink: int
    smoothing_mm: float
    sample_count: int
    step_mm: float
    step_tolerance_mm: float
    value_tolerance: float


COARSE: Final = Level(2, 2.0, 8_000, 2.0, 0.1, 1e-4)
"""At about 4 mm, from every start."""

FINE: Final = Level(1, 0.0, 15_000, 1.0, 0.05, 1e-5)
"""At about 2 mm, from the best of them."""


NEAR_MM: Final = 5.0
"""Centres of heads closer than this need no second start."""


@dataclass(frozen=True, eq=False)
class Registration:
    """A rigid transform and what it is worth.

    Attributes:
        transform: ``(4, 4)``, world mm of the reference to world mm of the moving image.
        displacement_mm: Mean displacement over the reference's foreground.
        similarity_before: Normalised mutual information with both images as given, 1 to 2.
        similarity_after: The same under the transform.
        overlap_after: Share of the reference's head that the moving head covers, 0 to 1.
        distinctness: How many times more the heads share in place than 1 cm apart.
    """

    transform: Affine
    displacement_mm: float
    similarity_before: float
    similarity_after: float
    overlap_after: float
    distinctness: float


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
    fixed, floating = prepared(reference), prepared(moving)
    try:
        transform = _search(fixed, floating, options)
    except RuntimeError as error:
        raise _refusal(moving.name, reference.name, "REGISTRATION_FAILED", "they share no field of view") from error
    before, _ = score(fixed, floating, np.eye(4))
    after, overlap = score(fixed, floating, transform)
    found = Registration(
        transform=transform,
        displacement_mm=mean_displacement_mm(fixed, transform),
        similarity_before=before,
        similarity_after=after,
        overlap_after=overlap,
        distinctness=distinctness(fixed, floating, transform),
    )
    _judge(found, fixed, floating, options)
    return found


def _judge(found: Registration, fixed: Prepared, floating: Prepared, options: RegistrationOptions) -> None:
    """Refuses a registration that is too poor for two images of one head."""
    told = f"distinctness {found.distinctness:.2f}, overlap {found.overlap_after:.2f}"
    names = floating.image.name, fixed.image.name
    if found.overlap_after < options.smallest_overlap:
        raise _refusal(*names, "REGISTRATION_FAILED", told)
    stripped = fixed.is_stripped and floating.is_stripped
    limit = options.smallest_distinctness_stripped if stripped else options.smallest_distinctness
    same_outline = outline_agreement(fixed, floating, found.transform) >= options.same_outline
    if found.distinctness < limit and not same_outline:
        raise _refusal(*names, "DIFFERENT_SUBJECTS", told)


def _search(fixed: Prepared, floating: Prepared, options: RegistrationOptions) -> Affine:
    """Returns the best transform: a coarse search from each start, then a fine one from the better result.

    Where the fine search ends no better than the frame as given, the images are in place.

    Raises:
        RuntimeError: No start brings the images together.
    """
    starts = [start for start in _starts(fixed, floating) if score(fixed, floating, _matrix_of(start))[1] > 0.0]
    if not starts:
        raise RuntimeError("no start has the images overlap")
    coarse = [_optimise(fixed, floating, start, COARSE, options) for start in starts]
    best = max(coarse, key=lambda found: score(fixed, floating, _matrix_of(found))[0])
    fine = _matrix_of(_optimise(fixed, floating, best, FINE, options))
    return max((np.eye(4), fine), key=lambda transform: score(fixed, floating, transform)[0])


def _starts(fixed: Prepared, floating: Prepared) -> list[sitk.Euler3DTransform]:
    """Returns where the search starts: the scanner's frame as given, and the centres matched where they lie apart."""
    centre, other = _centre(fixed), _centre(floating)
    shifts = [np.zeros(3)]
    if np.linalg.norm(other - centre) > NEAR_MM:
        shifts.append(other - centre)
    starts = []
    for shift in shifts:
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
    method.SetMetricMovingMask(_mask_to_sitk(floating.valid, floating.image))
    method.SetMetricSamplingStrategy(method.RANDOM)
    inside_count = np.count_nonzero(fixed.inside) / level.shrink**3
    method.SetMetricSamplingPercentage(float(min(1.0, level.sample_count / max(inside_count, 1.0))), options.seed)
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
    method.Execute(to_sitk(fixed.image), to_sitk(floating.image))
    return transform


def _mask_to_sitk(mask: Mask, image: Volume[np.float32]) -> sitk.Image:
    cast: sitk.Image = sitk.Cast(to_sitk(Volume(mask, image.affine)), sitk.sitkUInt8)
    return cast


def _matrix_of(transform: sitk.Euler3DTransform) -> Affine:
    """Returns the transform as a matrix between RAS worlds."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    return np.asarray(LPS_FROM_RAS @ matrix @ LPS_FROM_RAS)


def _refusal(moving: str, reference: str, reason: str, found: str) -> InvalidCaseError:
    return InvalidCaseError(
        f"{moving}: could not be registered onto {reference} ({found}); check that both are brains of the same subject",
        field=moving,
        got=found,
        reason=reason,
    )
