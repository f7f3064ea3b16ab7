"""Intensity normalisation inside the brain, zero outside: z-scores for segmenters, unit intensities for generators.

Z-scores are METHODS.md C.1 line 9, as nnU-Net makes them. Unit intensities are what generators learn to paint: 0 to 1
between two percentiles of the brain. Both are the same for a volume and for any gain and offset of it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidVolumeError
from gliosynth.labels import Mask

FloatVolume = NDArray[np.float32]
"""Real-valued image ``(X, Y, Z)`` float32."""

CLIP_SD: Final = 5.0
"""Z-scores are clipped to plus and minus this many standard deviations: one bright vessel must not set the scale."""

UNIT_PERCENTILES: Final = (0.5, 99.5)
"""Percentiles of the brain that become the unit intensities 0 and 1; a few bright vessels must not set the scale."""


@dataclass(frozen=True)
class IntensityScale:
    """The linear map from a volume's own intensities to z-scores.

    Attributes:
        mean: Mean intensity inside the brain, in the volume's own units.
        sd: Population standard deviation inside the brain, in the same units; above zero.
    """

    mean: float
    sd: float


@dataclass(frozen=True)
class UnitScale:
    """The linear map from a volume's own intensities to unit intensities.

    Attributes:
        low: Intensity that becomes 0, in the volume's own units.
        high: Intensity that becomes 1; above `low`.
    """

    low: float
    high: float


def measure_scale(image: NDArray[np.generic], brain: Mask, *, name: str) -> IntensityScale:
    """Returns the mean and the population standard deviation inside the brain.

    Args:
        image: Intensities ``(X, Y, Z)`` of any real dtype, finite.
        brain: Brain mask ``(X, Y, Z)``.
        name: The volume's name, for the message.

    Raises:
        InvalidVolumeError: The mask is empty (EMPTY_BRAIN_MASK), or the image is constant inside it (CONSTANT_IMAGE).
    """
    inside = _inside(image, brain, name)
    mean, sd = float(inside.mean()), float(inside.std())
    if not sd > abs(mean) * 1e-9:
        raise _constant(name, mean)
    return IntensityScale(mean=mean, sd=sd)


def apply_scale(image: NDArray[np.generic], brain: Mask, *, scale: IntensityScale) -> FloatVolume:
    """Returns clipped z-scores inside the brain and 0 outside.

    Args:
        image: Intensities ``(X, Y, Z)`` of any real dtype.
        brain: Brain mask ``(X, Y, Z)``.
        scale: Mean and standard deviation, see `measure_scale`.

    Returns:
        ``(X, Y, Z)`` float32 in -5 to 5.
    """
    normalised = np.zeros(image.shape, dtype=np.float32)
    scores = (image[brain].astype(np.float32) - np.float32(scale.mean)) / np.float32(scale.sd)
    normalised[brain] = np.clip(scores, -CLIP_SD, CLIP_SD)
    return normalised


def normalise(image: NDArray[np.generic], brain: Mask, *, name: str = "image") -> FloatVolume:
    """Returns the image as z-scores of its brain, clipped to plus and minus 5, and 0 outside.

    Args:
        image: Intensities ``(X, Y, Z)`` of any real dtype, finite.
        brain: Brain mask ``(X, Y, Z)``.
        name: The volume's name, for messages.

    Returns:
        ``(X, Y, Z)`` float32 in -5 to 5.

    Raises:
        InvalidVolumeError: The mask is empty, or the image is constant inside it.
    """
    return apply_scale(image, brain, scale=measure_scale(image, brain, name=name))


def measure_unit_scale(image: NDArray[np.generic], brain: Mask, *, name: str = "image") -> UnitScale:
    """Returns the intensities that become the unit intensities 0 and 1: percentiles 0.5 and 99.5 of the brain.

    Args:
        image: Intensities ``(X, Y, Z)`` of any real dtype, finite.
        brain: Brain mask ``(X, Y, Z)``.
        name: The volume's name, for messages.

    Raises:
        InvalidVolumeError: The mask is empty (EMPTY_BRAIN_MASK), or both percentiles are equal (CONSTANT_IMAGE).
    """
    low, high = (float(value) for value in np.percentile(_inside(image, brain, name), UNIT_PERCENTILES))
    if not high - low > max(abs(low), abs(high)) * 1e-9:
        raise _constant(name, low)
    return UnitScale(low=low, high=high)


def unit_intensities(image: NDArray[np.generic], brain: Mask, *, name: str = "image") -> FloatVolume:
    """Returns the image as unit intensities: percentiles 0.5 and 99.5 of its brain become 0 and 1; 0 outside.

    Args:
        image: Intensities ``(X, Y, Z)`` of any real dtype, finite; z-scores of the same volume give the same result.
        brain: Brain mask ``(X, Y, Z)``.
        name: The volume's name, for messages.

    Returns:
        ``(X, Y, Z)`` float32 in 0 to 1, clipped.

    Raises:
        InvalidVolumeError: The mask is empty (EMPTY_BRAIN_MASK), or both percentiles are equal (CONSTANT_IMAGE).
    """
    scale = measure_unit_scale(image, brain, name=name)
    units = np.zeros(image.shape, dtype=np.float32)
    units[brain] = np.clip((image[brain].astype(np.float64) - scale.low) / (scale.high - scale.low), 0.0, 1.0)
    return units


def from_units(units: FloatVolume, brain: Mask, *, scale: UnitScale) -> FloatVolume:
    """Returns unit intensities as intensities of a volume's own: what `unit_intensities` did not clip comes back.

    Args:
        units: ``(X, Y, Z)`` float32 in 0 to 1.
        brain: Brain mask ``(X, Y, Z)``.
        scale: The volume's own, see `measure_unit_scale`.

    Returns:
        ``(X, Y, Z)`` float32 between both ends of the scale, 0 outside the brain.
    """
    low, span = np.float32(scale.low), np.float32(scale.high - scale.low)
    return np.where(brain, low + units * span, np.float32(0.0)).astype(np.float32, copy=False)


def _inside(image: NDArray[np.generic], brain: Mask, name: str) -> NDArray[np.float64]:
    """Returns the brain's intensities ``(N,)``, refusing an empty brain."""
    inside = image[brain].astype(np.float64)
    if inside.size == 0:
        raise InvalidVolumeError(
            f"{name}: the brain mask selects no voxel; give a mask that covers the brain",
            field=name,
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    return inside


def _constant(name: str, value: float) -> InvalidVolumeError:
    return InvalidVolumeError(
        f"{name}: every voxel of the brain, or nearly every one, has the value {value:g}; give an image with contrast",
        field=name,
        got=f"{value:g}",
        reason="CONSTANT_IMAGE",
    )
