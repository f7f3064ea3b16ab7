"""Where the brain is: found stripped already, given by the caller, or extracted by a network.

The network sees one axial slice of one contrast and answers with logits; it is passed in as a callable, so
that this module knows no inference engine. What comes before and after the network is here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidCaseError, ModelError
from gliosynth.geometry import UNET_MULTIPLE, Box, Grid, crop, grow_to_multiple, isotropic_grid, uncrop
from gliosynth.labels import Mask
from gliosynth.preprocessing.intensity import FloatVolume
from gliosynth.preprocessing.resampling import resample
from gliosynth.volume import Volume

Contrasts = NDArray[np.float32]
"""Co-registered images ``(C, X, Y, Z)`` float32 on one isotropic grid, axes closest to R, A, S."""

SlicePredictor = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A network: axial slices ``(B, 1, X, Y)`` float32 to logits ``(B, 1, X, Y)``."""

MODEL_SPACING_MM: Final = 2.0
"""Spacing at which the network was trained."""

BATCH_SIZE: Final = 16
"""Slices per call: the `max_batch_size` of the model's configuration."""

SCALE_PERCENTILES: Final = (1.0, 99.0)
"""Percentiles of the non-zero voxels that become 0 and 1."""

SCALE_CLIP: Final = (0.0, 1.5)
"""Range that scaled intensities are clipped to."""

CLOSING_MM: Final = 3.0
"""Radius of the closing that takes sulci and small gaps into the mask."""

SMALLEST_BRAIN_ML: Final = 300.0
"""A brain mask below this is a failure: no field of view that can be segmented holds less brain."""

STRIPPED_ZERO_FRACTION: Final = 0.2
"""A stripped image is exactly 0 in at least this share of its box."""

STRIPPED_LARGEST_ML: Final = 2300.0
"""A stripped brain is no larger; a head is, unless it is cropped."""

STRIPPED_DARK_RIM: Final = 0.35
"""Share of dark voxels in the rim above which there is a skull."""

RIM_DEPTH_MM: Final = (3.0, 9.0)
"""Where under the surface of a head the skull lies."""

DARK_SHARE: Final = 0.25
"""Dark means below this share of the median of what lies deeper than the rim, in every contrast."""


class BrainExtractor(Protocol):
    """Finds the brain in images that still have a skull."""

    def __call__(self, images: Contrasts, grid: Grid) -> Mask:
        """Returns the brain mask ``(X, Y, Z)`` of images ``(C, X, Y, Z)`` on a grid."""


@dataclass(frozen=True)
class StrippedEvidence:
    """What tells whether the skull was stripped before.

    Attributes:
        zero_fraction: Share of voxels that are exactly 0 in every contrast.
        foreground_ml: Volume of what is not, in millilitres, its holes filled.
        dark_rim_fraction: Share of the rim 3 to 9 mm under its surface that is dark in every contrast, as bone is.
    """

    zero_fraction: float
    foreground_ml: float
    dark_rim_fraction: float

    @property
    def is_stripped(self) -> bool:
        """Whether all three say so."""
        return (
            self.zero_fraction >= STRIPPED_ZERO_FRACTION
            and self.foreground_ml <= STRIPPED_LARGEST_ML
            and self.dark_rim_fraction <= STRIPPED_DARK_RIM
        )


def nonzero_support(images: Contrasts) -> Mask:
    """Returns what is not exactly 0 in at least one contrast: its largest component, holes filled ``(X, Y, Z)``."""
    return _largest_filled((images != 0).any(axis=0))


def data_support(image: FloatVolume) -> Mask:
    """Returns where one contrast has data: not 0, or a 0 enclosed by data, as fluid suppressed to 0 is ``(X, Y, Z)``.

    Where a field of view ends or a scan was de-faced, its zeros are open to the outside and say nothing.
    """
    return _largest_filled(image != 0)


def stripped_evidence(images: Contrasts, *, spacing_mm: tuple[float, float, float]) -> StrippedEvidence:
    """Returns what the images say about an earlier skull strip: measured, not assumed.

    Args:
        images: Co-registered ``(C, X, Y, Z)``.
        spacing_mm: Voxel edges along X, Y and Z.
    """
    support = nonzero_support(images)
    depth_mm = ndimage.distance_transform_edt(np.pad(support, 1, mode="edge"), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    rim = (depth_mm > RIM_DEPTH_MM[0]) & (depth_mm <= RIM_DEPTH_MM[1])
    deep = depth_mm > RIM_DEPTH_MM[1]
    dark = rim.copy()
    for image in images:
        level = float(np.median(image[deep])) if deep.any() else 0.0
        dark &= image < DARK_SHARE * level
    rim_count = int(np.count_nonzero(rim))
    return StrippedEvidence(
        zero_fraction=1.0 - float((images != 0).any(axis=0).mean()),
        foreground_ml=float(support.sum()) * float(np.prod(spacing_mm)) / 1000.0,
        dark_rim_fraction=float(np.count_nonzero(dark)) / rim_count if rim_count else 1.0,
    )


def check_brain(mask: Mask, *, spacing_mm: float, field: str) -> float:
    """Returns the brain's volume in ml, or refuses a mask that cannot be a brain.

    Args:
        mask: Brain mask ``(X, Y, Z)``.
        spacing_mm: Edge length of its isotropic voxels.
        field: What the mask came from, for the message.

    Raises:
        InvalidCaseError: EMPTY_BRAIN_MASK.
    """
    brain_ml = float(np.count_nonzero(mask)) * spacing_mm**3 / 1000.0
    if brain_ml < SMALLEST_BRAIN_ML:
        raise InvalidCaseError(
            f"{field}: the brain mask holds {brain_ml:.0f} ml, at least {SMALLEST_BRAIN_ML:.0f} ml are needed; check"
            " that the images show a brain, or send a mask",
            field=field,
            got=f"{brain_ml:.0f} ml",
            reason="EMPTY_BRAIN_MASK",
        )
    return brain_ml


def robust_scaled(image: FloatVolume) -> FloatVolume:
    """Returns the image with the 1st and 99th percentile of its non-zero voxels at 0 and 1, clipped to 0 to 1.5.

    Args:
        image: ``(X, Y, Z)``; exact zeros are no data and stay 0.
    """
    lit = image[image != 0]
    if lit.size == 0:
        return np.zeros(image.shape, dtype=np.float32)
    low, high = np.percentile(lit, SCALE_PERCENTILES)
    scaled = (image - np.float32(low)) / np.float32(max(float(high - low), 1e-6))
    return np.where(image != 0, np.clip(scaled, *SCALE_CLIP), np.float32(0)).astype(np.float32)


@dataclass(frozen=True)
class ModelBrainExtractor:
    """A `BrainExtractor` around a network.

    Attributes:
        predict: The network, see `SlicePredictor`.
    """

    predict: SlicePredictor

    def __call__(self, images: Contrasts, grid: Grid) -> Mask:
        """Returns the brain mask: probabilities averaged over the contrasts, then cleaned.

        Args:
            images: Co-registered ``(C, X, Y, Z)`` with skull.
            grid: Their grid.

        Raises:
            ModelError: The network answers with another shape than it was given, or with NaN.
        """
        coarse = isotropic_grid(grid, MODEL_SPACING_MM)
        mean = np.zeros(coarse.shape, dtype=np.float32)
        for image in images:
            scaled = robust_scaled(resample(Volume(image, grid.affine), coarse))
            mean += brain_probability(scaled, self.predict) / np.float32(len(images))
        fine = resample(Volume(mean, coarse.affine), grid)
        return clean_brain(fine >= 0.5, spacing_mm=min(grid.spacing_mm))


def brain_probability(scaled: FloatVolume, predict: SlicePredictor) -> FloatVolume:
    """Returns the network's probability of brain for one contrast.

    Args:
        scaled: ``(X, Y, Z)`` at 2 mm, see `robust_scaled`; slices are axial.
        predict: The network.

    Returns:
        ``(X, Y, Z)`` float32, 0 to 1.

    Raises:
        ModelError: The network answers with another shape than it was given, or with NaN.
    """
    box = grow_to_multiple(Box((0, 0, 0), scaled.shape), (UNET_MULTIPLE, UNET_MULTIPLE, 1))
    slices = np.ascontiguousarray(np.moveaxis(crop(scaled, box), 2, 0)[:, None])
    batches = [slices[start : start + BATCH_SIZE] for start in range(0, len(slices), BATCH_SIZE)]
    answers = [predict(batch) for batch in batches]
    for batch, answer in zip(batches, answers, strict=True):
        if answer.shape != batch.shape or not np.isfinite(answer).all():
            raise ModelError(
                f"skull_strip: the model answered {answer.shape} to {batch.shape}, or NaN; check its version",
                field="skull_strip",
                got=str(answer.shape),
            )
    logits = np.moveaxis(np.concatenate(answers)[:, 0], 0, 2)
    probability: NDArray[np.float32] = np.float32(1.0) / (np.float32(1.0) + np.exp(-logits.astype(np.float32)))
    return uncrop(probability, box, scaled.shape)


def clean_brain(mask: Mask, *, spacing_mm: float) -> Mask:
    """Returns the mask closed by 3 mm, its largest component, with holes filled.

    Args:
        mask: Brain mask ``(X, Y, Z)``.
        spacing_mm: Edge length of its isotropic voxels.
    """
    if not mask.any():
        return mask
    return _largest_filled(_closed(_largest_filled(mask), CLOSING_MM / spacing_mm))


def _closed(mask: Mask, radius_voxels: float) -> Mask:
    """Returns the morphological closing with a ball, by two distance transforms."""
    width = int(np.ceil(radius_voxels)) + 1
    padded = np.pad(mask, width)
    grown = ndimage.distance_transform_edt(~padded) <= radius_voxels
    closed = ndimage.distance_transform_edt(grown) > radius_voxels
    inner = slice(width, -width)
    return np.asarray(closed[inner, inner, inner]) | mask


def _largest_filled(mask: Mask) -> Mask:
    """Returns the largest 6-connected component with its holes filled, slice by slice along each axis."""
    if not mask.any():
        return mask
    filled: Mask = cc3d.largest_k(mask, k=1, connectivity=6) > 0
    for axis in range(3):
        for plane in np.moveaxis(filled, axis, 0):
            plane |= ndimage.binary_fill_holes(plane)
    return filled
