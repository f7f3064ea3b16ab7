"""How well two images of a head agree: prepared for comparison at about 2 mm, then scored.

Normalised mutual information (Studholme et al., Pattern Recognition 32:71-86, 1999) over the inside of the head, and
how much of that inside both images show. The optimiser does not see these scores, so that they can judge it.
"""

# mypy: allow-untyped-calls
# (SimpleITK carries no types.)

from dataclasses import dataclass
from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its documentation imports it so)
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.geometry import apply_affine, grid_of, isotropic_grid
from gliosynth.labels import Mask
from gliosynth.preprocessing.case import AnyVolume
from gliosynth.preprocessing.resampling import resample
from gliosynth.preprocessing.skull_strip import stripped_evidence
from gliosynth.volume import Affine, Volume

WORKING_SPACING_MM: Final = 2.0
"""Images are averaged down to about this spacing for registration and scoring."""

HISTOGRAM_BINS: Final = 32
"""Bins per axis of the joint histogram."""

RIM_MM: Final = 8.0
"""The outermost part of the head that registration does not look at: bright scalp and cuts made by de-facing attract
the search more than the brain does."""

CORE_MM: Final = 15.0
"""Depth in a head below which there is brain and neither scalp nor skull, which fit even between subjects."""

STRIPPED_RIM_MM: Final = 3.0
"""The outermost part of a stripped brain, which may be another's: partial volume and the stripper's errors."""

OUTLINE_MM: Final = 4.0
"""Width of the background around a stripped brain that registration looks at, so that outlines count."""

PROBE_MM: Final = 10.0
"""Shift by which `distinctness` takes the images apart."""

LEAST_INFORMATION: Final = 1e-4
"""Normalised mutual information less 1 below which there is none to speak of."""

SMALLEST_SHARED_VOXELS: Final = 1000
"""Fewer common voxels than this (8 ml) say nothing."""

LPS_FROM_RAS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
"""SimpleITK's world has x to the left and y to the back; its own inverse."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image ready for registration.

    Attributes:
        image: About 2 mm, ranks instead of intensities, see `equalised`.
        head: Its foreground, filled.
        inside: Where it is compared as the reference: deeper than `RIM_MM` in a head; a stripped brain and its outline.
        valid: Where it is compared as the moving image: inside a head; everywhere if its skull was stripped.
        core: What lies deeper than `CORE_MM` in a head, than `STRIPPED_RIM_MM` in a stripped brain: no outline.
        is_stripped: Whether its skull was stripped.
    """

    image: Volume[np.float32]
    head: Mask
    inside: Mask
    valid: Mask
    core: Mask
    is_stripped: bool


def prepared(volume: AnyVolume) -> Prepared:
    """Returns the image averaged to about 2 mm on orthogonal axes, equalised, with its head and the inside of it."""
    grid = grid_of(volume)
    axes = volume.affine[:3, :3] / np.asarray(volume.spacing_mm)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
        grid = isotropic_grid(grid, min(volume.spacing_mm))
        volume = Volume(resample(volume, grid), grid.affine, volume.name)
    factors = [max(1, round(WORKING_SPACING_MM / edge_mm)) for edge_mm in volume.spacing_mm]
    data = np.ascontiguousarray(sitk.GetArrayFromImage(sitk.BinShrink(to_sitk(volume), factors)).T)
    affine = volume.affine @ np.diag([*factors, 1.0])
    affine[:3, 3] = apply_affine(volume.affine, (np.asarray(factors) - 1) / 2)
    image = Volume(equalised(data), affine, volume.name)
    head = _filled(foreground(data))
    if stripped_evidence(data[None], spacing_mm=image.spacing_mm).is_stripped:
        core = _depth_mm(head, image.spacing_mm) > STRIPPED_RIM_MM
        outside_mm = ndimage.distance_transform_edt(~head, sampling=image.spacing_mm)
        return Prepared(image, head, outside_mm <= OUTLINE_MM, np.ones_like(head), core, is_stripped=True)
    depth_mm = _depth_mm(head, image.spacing_mm)
    return Prepared(image, head, depth_mm > RIM_MM, head, depth_mm > CORE_MM, is_stripped=False)


def _filled(mask: Mask) -> Mask:
    """Returns the mask with the holes of its slices filled, slices along each axis: heads are open at the neck."""
    filled = mask.copy()
    for axis in range(3):
        for source, target in zip(np.moveaxis(mask, axis, 0), np.moveaxis(filled, axis, 0), strict=True):
            target |= ndimage.binary_fill_holes(source)
    return filled


def _depth_mm(mask: Mask, spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Returns the depth in mm under the mask's surface, 0 outside; the border of the image is no surface."""
    padded = np.pad(mask, 1, mode="edge")
    return np.asarray(ndimage.distance_transform_edt(padded, sampling=spacing_mm)[1:-1, 1:-1, 1:-1])


def mean_displacement_mm(prepared: "Prepared", transform: Affine) -> float:
    """Returns by how many mm a transform moves the inside of the head, on average.

    Args:
        prepared: Image whose inside counts.
        transform: ``(4, 4)``, world mm to world mm.
    """
    points = apply_affine(prepared.image.affine, np.argwhere(prepared.inside))
    return float(np.linalg.norm(apply_affine(transform, points) - points, axis=-1).mean())


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
    valid = Volume(floating.valid.astype(np.float32), floating.image.affine)
    both = fixed.inside & (resample(valid, grid, transform=transform) > 0.5)
    shared = np.count_nonzero(both)
    if shared < SMALLEST_SHARED_VOXELS:
        return 1.0, 0.0
    similarity = normalised_mutual_information(fixed.image.data[both], moved[both])
    return similarity, float(shared / np.count_nonzero(fixed.inside))


def distinctness(fixed: Prepared, floating: Prepared, transform: Affine) -> float:
    """Returns how many times more the cores of two heads have in common in place than 1 cm apart.

    Two images of one head fit each other fold by fold, and a shift of 1 cm destroys that; brains of two subjects fit
    only roughly, and lose little. Outlines do not count: stripped brains all have similar ones.

    Args:
        fixed: Reference image.
        floating: Moving image.
        transform: ``(4, 4)``, world mm of the fixed to world mm of the floating image.

    Returns:
        Ratio of normalised mutual information less 1, in place and on average over six shifts; about 1 says that
        nothing is in place.
    """
    apart = []
    for axis in range(3):
        for shift_mm in (-PROBE_MM, PROBE_MM):
            shift = np.eye(4)
            shift[axis, 3] = shift_mm
            apart.append(_core_information(fixed, floating, transform @ shift))
    return _core_information(fixed, floating, transform) / max(float(np.mean(apart)), LEAST_INFORMATION)


def outline_agreement(fixed: Prepared, floating: Prepared, transform: Affine) -> float:
    """Returns the Dice of both stripped brains under a transform, 0 to 1; 0 where one still has its skull.

    The strippers of one subject's contrasts cut along one surface; two subjects' brains have two shapes.

    Args:
        fixed: Reference image.
        floating: Moving image.
        transform: ``(4, 4)``, world mm of the fixed to world mm of the floating image.
    """
    if not (fixed.is_stripped and floating.is_stripped):
        return 0.0
    head = Volume(floating.head.astype(np.float32), floating.image.affine)
    moved = resample(head, grid_of(fixed.image), transform=transform) > 0.5
    both = np.count_nonzero(moved & fixed.head)
    return 2.0 * both / (np.count_nonzero(moved) + np.count_nonzero(fixed.head))


def _core_information(fixed: Prepared, floating: Prepared, transform: Affine) -> float:
    """Returns normalised mutual information less 1 over the fixed core inside the floating head, 0 if they part."""
    grid = grid_of(fixed.image)
    head = Volume(floating.head.astype(np.float32), floating.image.affine)
    both = fixed.core & (resample(head, grid, transform=transform) > 0.5)
    if np.count_nonzero(both) < SMALLEST_SHARED_VOXELS:
        return 0.0
    moved = resample(floating.image, grid, transform=transform)
    return normalised_mutual_information(fixed.image.data[both], moved[both]) - 1.0


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
    return np.asarray(np.clip(scaled, 0, HISTOGRAM_BINS - 1), dtype=np.int64)


def _entropy(counts: NDArray[np.int64]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def foreground(image: NDArray[np.float32]) -> Mask:
    """Returns the voxels brighter than a tenth of the image's 98th percentile of what is not 0: tissue, not air."""
    lit = image[image > 0]
    if lit.size == 0:
        return np.zeros(image.shape, dtype=np.bool_)
    return image > 0.1 * float(np.percentile(lit, 98.0))


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


def to_sitk(volume: Volume[np.generic]) -> sitk.Image:
    """Returns the volume as a float32 SimpleITK image in LPS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.T, dtype=np.float32))
    affine = LPS_FROM_RAS @ volume.affine
    left, _, right = np.linalg.svd(affine[:3, :3] / np.asarray(volume.spacing_mm))
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((left @ right).ravel().tolist())
    return image
