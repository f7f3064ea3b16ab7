"""From the files of a case to what networks see: RAS, 1 mm, brain, z-scores and labels as the service makes them.

The steps are those of `gliosynth.preprocessing.pipeline` without registration: the contrasts of a training set are
co-registered already, so they must share one grid, and a case that does not is refused rather than guessed at. A
contrast that a case lacks is 0 everywhere, as channel dropout leaves one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidCaseError, InvalidLabelError
from gliosynth.geometry import (
    Box,
    Grid,
    bounding_box,
    crop,
    grid_of,
    isotropic_grid,
    ras_grid,
    reorient_to_ras,
)
from gliosynth.labels import CONTRASTS, REFERENCE_CONTRAST, Contrast, LabelMap, Mask
from gliosynth.nifti import read_mask
from gliosynth.preprocessing.case import AnyVolume
from gliosynth.preprocessing.intensity import normalise
from gliosynth.preprocessing.inverse import resample_labels
from gliosynth.preprocessing.resampling import resample
from gliosynth.preprocessing.skull_strip import check_brain, data_support, nonzero_support, stripped_evidence
from gliosynth.volume import Volume
from training.data.sources.found import FoundCase
from training.data.sources.volumes import read_images, read_labels

SPACING_MM: Final = 1.0
"""Edge of the voxels that networks see."""

ONE_GRID_MM: Final = 0.5
"""Corners of two files of one case may lie so far apart: headers of some years differ by rounding, not by a voxel."""

MOST_OUTSIDE: Final = 0.2
"""Share of the tumour outside the brain above which labels and images do not belong together."""


@dataclass(frozen=True, eq=False)
class RealVolume:
    """A case as `training.data.ring.Ring` takes it.

    Attributes:
        contrasts: z-scores ``(4, X, Y, Z)`` float32 in -5 to 5, 0 outside the brain and where a contrast is missing.
        labels: Tumour labels ``(X, Y, Z)`` uint8, 0 to 3, 0 outside the brain.
        brain: Brain mask ``(X, Y, Z)``.
        present: Contrasts that the case has, in the order of `CONTRASTS`.
        spacing_mm: Voxel edges of its files.
        outside_ml: Volume of labels outside the brain, which were dropped.
    """

    contrasts: NDArray[np.float32]
    labels: LabelMap
    brain: Mask
    present: tuple[Contrast, ...]
    spacing_mm: tuple[float, float, float]
    outside_ml: float


def read_case(case: FoundCase, *, tumour_free: bool = False) -> RealVolume:
    """Returns a case as networks see it.

    Args:
        case: Its files.
        tumour_free: Whether a case without label map is free of tumour; else it is refused.

    Raises:
        InvalidCaseError: Files are missing or there twice, do not share one grid, or show no stripped brain.
        InvalidVolumeError: A file cannot be read, or is constant inside the brain.
        InvalidLabelError: A value is no label, or the tumour lies outside the brain.
        BudgetExceededError: A file announces more than a volume may hold.
    """
    check_files(case, tumour_free=tumour_free)
    images = read_images(case)
    reference = images.get(REFERENCE_CONTRAST, next(iter(images.values())))
    for volume in images.values():
        _check_grid(volume, reference)
    working = isotropic_grid(grid_of(reference), SPACING_MM)
    placed = {contrast: _placed(volume, working) for contrast, volume in images.items()}
    brain = _brain(case, placed, reference, working)
    labels = _labels(case, reference, working)
    outside_ml = _check_inside(labels, brain, case.name)
    labels[~brain] = 0
    box = bounding_box(np.any([image != 0 for image in placed.values()], axis=0) | brain, margin=(1, 1, 1))
    brain, labels = crop(brain, box), crop(labels, box)
    present = tuple(contrast for contrast in CONTRASTS if contrast in placed)
    return RealVolume(_scores(placed, brain, box), labels, brain, present, reference.spacing_mm, outside_ml)


def check_files(case: FoundCase, *, tumour_free: bool) -> None:
    """Refuses a case whose files are not one of each; no file is opened.

    Raises:
        InvalidCaseError: NO_CONTRAST, DUPLICATE_FILE or NO_LABELS.
    """
    if not case.images:
        raise _broken(case.name, "there is no image beside the label map; add the contrasts", "NO_CONTRAST")
    given = [image.contrast for image in case.images]
    several = {
        **{contrast.value: [i.path.name for i in case.images if i.contrast is contrast] for contrast in given},
        "labels": [path.name for path in case.labels],
        "brain mask": [path.name for path in case.brain],
    }
    for what, names in several.items():
        if len(names) > 1:
            text = f"{what} is there {len(names)} times ({', '.join(names)}); keep one of them"
            raise _broken(case.name, text, "DUPLICATE_FILE")
    if not case.labels and not tumour_free:
        text = "there is no label map; add it, or say that cases without one are free of tumour"
        raise _broken(case.name, text, "NO_LABELS")


def _check_grid(volume: Volume[np.generic], reference: AnyVolume) -> None:
    """Refuses a volume that does not lie where the reference does."""
    ours, theirs = grid_of(volume), grid_of(reference)
    if ours.shape != theirs.shape or np.abs(ours.corners - theirs.corners).max() > ONE_GRID_MM:
        text = (
            f"{ours.shape} voxels of {_millimetres(ours)}, but {theirs.shape} of {_millimetres(theirs)} in"
            f" {reference.name}, or placed elsewhere; bring all files of a case onto one grid (gliosynth preprocess)"
        )
        raise _broken(volume.name, text, "SEVERAL_GRIDS")


def _placed(volume: AnyVolume, working: Grid) -> NDArray[np.float32]:
    """Returns an image on the working grid, its voxels as they are where the grid is theirs already."""
    if working.matches(ras_grid(grid_of(volume))):
        return reorient_to_ras(volume).data.astype(np.float32)
    return resample(volume, working)


def _brain(
    case: FoundCase, placed: Mapping[Contrast, NDArray[np.float32]], reference: AnyVolume, working: Grid
) -> Mask:
    """Returns the brain on the working grid: the case's own mask, or what stripped images show."""
    if case.brain:
        mask = read_mask(case.brain[0].read_bytes(), name=case.brain[0].name)
        _check_grid(mask, reference)
        brain = _placed(Volume(mask.data.astype(np.float32), reference.affine), working) >= 0.5
    else:
        images = np.stack(list(placed.values()))
        if not stripped_evidence(images, spacing_mm=working.spacing_mm).is_stripped:
            text = "the images still have a skull and there is no brain mask; strip them, or add a mask (BIDS)"
            raise _broken(case.name, text, "SKULL")
        brain = nonzero_support(images)
    check_brain(brain, spacing_mm=SPACING_MM, field=case.name)
    return brain


def _labels(case: FoundCase, reference: AnyVolume, working: Grid) -> LabelMap:
    """Returns the labels on the working grid; none is a case free of tumour."""
    if not case.labels:
        return np.zeros(working.shape, dtype=np.uint8)
    found = read_labels(case.labels[0], case.values)
    _check_grid(found, reference)
    ordered = reorient_to_ras(Volume(found.data, reference.affine))
    source = grid_of(ordered)
    return ordered.data.copy() if working.matches(source) else resample_labels(ordered.data, source, working)


def _check_inside(labels: LabelMap, brain: Mask, name: str) -> float:
    """Returns the volume of the labels outside the brain in ml, refusing a tumour that is not in it."""
    tumour = labels > 0
    outside = int((tumour & ~brain).sum())
    if outside > MOST_OUTSIDE * int(tumour.sum()):
        raise InvalidLabelError(
            f"{name}: {outside / int(tumour.sum()):.0%} of the tumour lies outside the brain; the labels are of"
            " another scan, or placed wrongly: check their orientation",
            field=name,
            got=f"{outside} voxels",
            reason="LABELS_OUTSIDE_BRAIN",
        )
    return outside * SPACING_MM**3 / 1000.0


def _scores(placed: Mapping[Contrast, NDArray[np.float32]], brain: Mask, box: Box) -> NDArray[np.float32]:
    """Returns z-scores of where each contrast has data inside the brain, 0 for those that are missing."""
    scores = np.zeros((len(CONTRASTS), *box.shape), dtype=np.float32)
    for place, contrast in enumerate(CONTRASTS):
        if contrast in placed:
            image = crop(placed[contrast], box)
            scores[place] = normalise(image, brain & data_support(image), name=contrast)
    return scores


def _millimetres(grid: Grid) -> str:
    return " x ".join(f"{edge:g}" for edge in grid.spacing_mm) + " mm"


def _broken(name: str, text: str, reason: str) -> InvalidCaseError:
    return InvalidCaseError(f"{name}: {text}", field=name, reason=reason)
