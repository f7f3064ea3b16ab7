"""Acquisition: noise, point spread, thick slices, misregistration, bias field and gamma of one contrast."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.contrast.settings import AcquisitionSettings
from gliosynth.elementary import exp, power
from gliosynth.separable import Array, acquisition_matrix, apply_separable, noise_gain, random_field

LARGEST_NOISE_GAIN: Final = 3.0
"""Limit of the factor that makes up for the smoothing of noise by the acquisition."""

BIAS_SIGMA_MM: Final = 45.0
"""Correlation length of the bias field, mm."""

AXIAL_SHARE: Final = 0.85
"""Thick-slice contrasts whose slices are axial; the rest are sagittal or coronal."""


@dataclass(frozen=True)
class Acquisition:
    """How one contrast is acquired.

    Attributes:
        slice_mm: Sample spacing along each axis, mm; 0 where the grid's own.
        psf_mm: Sigma of the point spread, mm.
        shift_mm: Misregistration along each axis, mm.
        noise: Standard deviation of the noise, relative to white matter.
        bias: Standard deviation of the logarithm of the bias field.
        gamma: Exponent of the intensities, 1 for none.
    """

    slice_mm: tuple[float, float, float]
    psf_mm: float
    shift_mm: tuple[float, float, float]
    noise: float
    bias: float
    gamma: float


def draw_acquisition(settings: AcquisitionSettings, rng: np.random.Generator) -> Acquisition:
    """Returns one random acquisition."""
    slice_mm = [0.0, 0.0, 0.0]
    if rng.random() < settings.thick_share:
        axis = 2 if rng.random() < AXIAL_SHARE else int(rng.integers(0, 2))
        slice_mm[axis] = float(rng.uniform(*settings.slice_mm))
    x, y, z = (float(value) for value in rng.normal(0.0, settings.shift_mm, 3))
    gamma = float(exp(rng.normal(0.0, settings.gamma))) if rng.random() < settings.gamma_share else 1.0
    return Acquisition(
        slice_mm=(slice_mm[0], slice_mm[1], slice_mm[2]),
        psf_mm=float(rng.uniform(*settings.psf_mm)),
        shift_mm=(x, y, z),
        noise=float(rng.uniform(*settings.noise)),
        bias=float(rng.uniform(*settings.bias)),
        gamma=gamma,
    )


def acquire(
    signal: Array,
    noise: tuple[Array, Array],
    acquisition: Acquisition,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> Array:
    """Returns the image of a signal, ``(X, Y, Z)`` float32, at least 0.

    Noise is added to the complex signal before the acquisition smooths it, so that the image's noise is correlated as
    after resampling; the magnitude makes it Rician.

    Args:
        signal: ``(X, Y, Z)`` float32, white matter about 1.
        noise: Real and imaginary white noise of variance 1, ``(X, Y, Z)`` float32 each.
        acquisition: What happens.
        spacing_mm: Voxel edges in mm.
        rng: Source of the bias field.
    """
    xp = array_namespace(signal)
    operators = [
        acquisition_matrix(size, edge, psf_mm=acquisition.psf_mm, slice_mm=max(thick, edge), shift_mm=shift)
        for size, edge, thick, shift in zip(
            signal.shape, spacing_mm, acquisition.slice_mm, acquisition.shift_mm, strict=True
        )
    ]
    gain = float(np.prod([noise_gain(operator) for operator in operators]))
    sigma = acquisition.noise * min(1.0 / gain, LARGEST_NOISE_GAIN)
    image = apply_separable(_magnitude(signal, noise, sigma), *operators)
    if acquisition.bias > 0.0:
        field = random_field(rng, signal.shape, spacing_mm=spacing_mm, sigma_mm=BIAS_SIGMA_MM, xp=xp)
        field *= acquisition.bias
        image *= exp(field)
    if acquisition.gamma != 1.0:
        image = power(image, acquisition.gamma)
    return image


def _magnitude(signal: Array, noise: tuple[Array, Array], sigma: float) -> Array:
    """Returns ``|signal + sigma (n0 + i n1)|``; it works in place, because a volume fills no cache."""
    xp = array_namespace(signal)
    real, imaginary = noise[0] * sigma, noise[1] * sigma
    real += signal
    real *= real
    imaginary *= imaginary
    real += imaginary
    return xp.sqrt(real)
