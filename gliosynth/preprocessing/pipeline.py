"""From four volumes as scanned to the case that the models see, every step recorded.

The order is: register the other contrasts onto the T1c; sample each once, on an isotropic 1 mm grid along the axes of
the T1c; find the brain; crop to it; normalise inside it. What needs no change is not touched: a contrast that is in
place is not moved, one that lies on the working grid already keeps its voxels bit by bit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import (
    UNET_MULTIPLE,
    Box,
    Grid,
    axis_codes,
    bounding_box,
    crop,
    crop_affine,
    grid_of,
    grow_to_multiple,
    isotropic_grid,
    ras_grid,
    reorient_to_ras,
)
from gliosynth.labels import CONTRASTS, REFERENCE_CONTRAST, Contrast, Mask
from gliosynth.preprocessing.case import AnyVolume, Case
from gliosynth.preprocessing.intensity import IntensityScale, apply_scale, measure_scale
from gliosynth.preprocessing.record import (
    Alignment,
    BrainSource,
    CaseRecord,
    ContrastRecord,
    RegistrationRecord,
    SkullStripRecord,
)
from gliosynth.preprocessing.registration import RegistrationOptions, register
from gliosynth.preprocessing.resampling import resample
from gliosynth.preprocessing.skull_strip import (
    BrainExtractor,
    Contrasts,
    check_brain,
    data_support,
    nonzero_support,
    stripped_evidence,
)
from gliosynth.volume import Affine, Volume

StageCallback = Callable[[str, float], None]
"""Told the name of the stage that begins and the share of the work done before it, 0 to 1; may raise to cancel."""


@dataclass(frozen=True)
class PreprocessingOptions:
    """How a case is prepared.

    Attributes:
        spacing_mm: Edge length of the isotropic voxels that the models were trained on.
        margin_mm: What is kept around the brain.
        registration: How contrasts are brought together.
    """

    spacing_mm: float = 1.0
    margin_mm: float = 4.0
    registration: RegistrationOptions = field(default_factory=RegistrationOptions)


@dataclass(frozen=True, eq=False)
class PreprocessedCase:
    """A case as the models see it.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32 in the order of `CONTRASTS`: z-scores inside the brain, clipped to plus and
            minus 5, 0 outside and where a contrast has no data (the brain's mean). X and Y are multiples of 16.
        brain: Brain mask ``(X, Y, Z)``.
        affine: ``(4, 4)``, voxel index to RAS+ mm of the reference; axes closest to R, A, S.
        record: What was done; `inverse.to_native` takes it.
    """

    contrasts: Contrasts
    brain: Mask
    affine: Affine
    record: CaseRecord


def preprocess_case(
    case: Case,
    *,
    brain_extractor: BrainExtractor | None = None,
    brain_mask: Volume[np.bool_] | None = None,
    options: PreprocessingOptions | None = None,
    on_stage: StageCallback | None = None,
) -> PreprocessedCase:
    """Returns the case co-registered, isotropic, cropped to the brain and normalised, with a record of every step.

    Args:
        case: The four volumes as scanned, any orientation and spacing.
        brain_extractor: What finds the brain in images with a skull.
        brain_mask: The caller's own mask, on any grid in the world of the T1c; it wins over everything else.
        options: How to prepare; the defaults are what the shipped models were trained for.
        on_stage: Told of progress.

    Raises:
        InvalidCaseError: REGISTRATION_FAILED, DIFFERENT_SUBJECTS or EMPTY_BRAIN_MASK.
        InvalidVolumeError: CONSTANT_IMAGE inside the brain.
        InvalidParameterError: BRAIN_EXTRACTOR_MISSING, there is a skull, and neither a mask nor an extractor.
    """
    chosen = options if options is not None else PreprocessingOptions()
    tell = on_stage if on_stage is not None else _tell_nobody
    working = isotropic_grid(grid_of(case.reference), chosen.spacing_mm)
    images, registrations, resampled = [], [], []
    for step, contrast in enumerate(CONTRASTS):
        tell(f"register {contrast}", 0.15 * step)
        registration = _align(case, contrast, chosen)
        image, interpolated = _sample(case[contrast], working, registration)
        images.append(image.astype(np.float32, copy=False))
        registrations.append(registration)
        resampled.append(interpolated)
    tell("skull strip", 0.6)
    stack = np.stack(images)
    brain, skull_strip = _find_brain(stack, working, brain_extractor, brain_mask)
    tell("normalise", 0.95)
    margin = max(1, round(chosen.margin_mm / chosen.spacing_mm))
    box = bounding_box(brain, margin=(margin, margin, margin))
    box = grow_to_multiple(box, (UNET_MULTIPLE, UNET_MULTIPLE, 1))
    normalised, scales = _normalised(stack, brain, box)
    record = CaseRecord(
        native=grid_of(case.reference),
        working=working,
        crop=box,
        contrasts=tuple(map(_describe, case, CONTRASTS, resampled, scales)),
        registrations=tuple(registrations),
        skull_strip=skull_strip,
    )
    return PreprocessedCase(normalised, crop(brain, box), crop_affine(working.affine, box), record)


def _normalised(images: Contrasts, brain: Mask, box: Box) -> tuple[Contrasts, list[IntensityScale]]:
    """Returns the box of each image as z-scores of where it has data inside the brain, and the scales."""
    normalised, scales = [], []
    for image, name in zip(images, CONTRASTS, strict=True):
        seen = brain & data_support(image)
        scales.append(measure_scale(image, seen, name=name))
        normalised.append(apply_scale(crop(image, box), crop(seen, box), scale=scales[-1]))
    return np.stack(normalised), scales


def _tell_nobody(_stage: str, _fraction: float) -> None:
    """Stands in for a caller that does not want to know."""


def _align(case: Case, contrast: Contrast, options: PreprocessingOptions) -> RegistrationRecord:
    """Returns how a contrast is brought onto the reference; registration is run even on a shared grid."""
    if contrast is REFERENCE_CONTRAST:
        return RegistrationRecord(
            contrast,
            Alignment.REFERENCE,
            transform=_rows(np.eye(4)),
            displacement_mm=0.0,
            similarity_before=2.0,
            similarity_after=2.0,
            overlap_after=1.0,
            distinctness=1.0,
        )
    found = register(case.reference, case[contrast], options=options.registration)
    still = found.displacement_mm < options.registration.still_mm
    return RegistrationRecord(
        contrast=contrast,
        alignment=Alignment.LEFT_ALONE if still else Alignment.REGISTERED,
        transform=_rows(np.eye(4) if still else found.transform),
        displacement_mm=found.displacement_mm,
        similarity_before=found.similarity_before,
        similarity_after=found.similarity_after,
        overlap_after=found.overlap_after,
        distinctness=found.distinctness,
    )


def _rows(affine: Affine) -> tuple[tuple[float, float, float, float], ...]:
    return Grid.of((1, 1, 1), affine).rows


def _sample(volume: AnyVolume, working: Grid, registration: RegistrationRecord) -> tuple[NDArray[np.generic], bool]:
    """Returns the image on the working grid, and whether it had to be interpolated."""
    in_place = registration.alignment is not Alignment.REGISTERED
    if in_place and working.matches(ras_grid(grid_of(volume))):
        return reorient_to_ras(volume).data, False
    return resample(volume, working, transform=Grid((1, 1, 1), registration.transform).affine), True


def _find_brain(
    images: Contrasts,
    working: Grid,
    extractor: BrainExtractor | None,
    mask: Volume[np.bool_] | None,
) -> tuple[Mask, SkullStripRecord]:
    """Returns the brain mask and where it came from: the caller, the images themselves, or the extractor."""
    spacing_mm = min(working.spacing_mm)
    evidence = stripped_evidence(images, spacing_mm=working.spacing_mm)
    if mask is not None:
        source, brain = BrainSource.USER_MASK, resample(mask, working) >= 0.5
    elif evidence.is_stripped:
        source, brain = BrainSource.ALREADY_STRIPPED, nonzero_support(images)
    elif extractor is not None:
        source, brain = BrainSource.MODEL, extractor(images, working)
    else:
        raise InvalidParameterError(
            "brain_extractor: the images still have a skull, and there is neither a brain mask nor a model to find the"
            " brain; send a mask or serve the model skull_strip",
            field="brain_mask",
            got="none",
            reason="BRAIN_EXTRACTOR_MISSING",
        )
    brain_ml = check_brain(brain, spacing_mm=spacing_mm, field=mask.name if mask is not None else "brain")
    return brain, SkullStripRecord(source, brain_ml, evidence.zero_fraction, evidence.dark_rim_fraction)


def _describe(volume: AnyVolume, contrast: Contrast, resampled: bool, scale: IntensityScale) -> ContrastRecord:
    return ContrastRecord(
        contrast=contrast,
        native=grid_of(volume),
        orientation=axis_codes(volume.affine),
        resampled=resampled,
        mean=scale.mean,
        sd=scale.sd,
    )
