"""Noisy ellipsoids (METHODS.md C.5): the score of a shape whose surface is bent by noise of three octaves."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.elementary import exp, power
from gliosynth.separable import Array, random_field
from gliosynth.tumour.terrain import Terrain

OCTAVES: Final = ((0.55, 1.0), (0.27, 0.55), (0.13, 0.3))
"""Surface noise: correlation length in radii and amplitude of each octave."""


def ellipsoid_distance(
    offsets_mm: Sequence[Array],
    centre_mm: NDArray[np.float64],
    axes: NDArray[np.float64],
    rotation: NDArray[np.float64],
) -> Array:
    """Returns the distance in mm from a centre, measured in a rotated ellipsoidal norm of unit volume.

    Args:
        offsets_mm: Three broadcastable coordinate arrays.
        centre_mm: ``(3,)``.
        axes: ``(3,)`` half axes, geometric mean 1.
        rotation: ``(3, 3)``, rows are the ellipsoid's axes.
    """
    xp = array_namespace(offsets_mm[0])
    dx, dy, dz = (offset - float(centre) for offset, centre in zip(offsets_mm, centre_mm, strict=True))
    total = None
    for axis in range(3):
        a, b, c = (float(value) for value in rotation[axis] / axes[axis])
        along = (a * dx + b * dy) + c * dz
        total = along * along if total is None else total + along * along
    return xp.sqrt(total)


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns a uniformly random rotation ``(3, 3)``, from a normal quaternion."""
    drawn = rng.standard_normal(4)
    w, x, y, z = drawn / np.sqrt((drawn * drawn).sum())
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def draw_ellipsoid(
    rng: np.random.Generator, *, flattest: float = 0.6
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns half axes ``(3,)`` of geometric mean 1, ratios down to `flattest`, and a random rotation ``(3, 3)``."""
    axes = rng.uniform(flattest, 1.0, 3)
    return axes / power(float(axes[0] * axes[1] * axes[2]), 1.0 / 3.0), random_rotation(rng)


def noisy_ellipsoid(
    terrain: Terrain, centre_mm: NDArray[np.float64], radius_mm: float, irregularity: float, rng: np.random.Generator
) -> Array:
    """Returns the score of a noisy ellipsoid in mm: about `radius_mm` on its surface.

    Args:
        terrain: Where it grows.
        centre_mm: ``(3,)`` mm from the tumour's centre.
        radius_mm: Radius of the ball of the same volume, which scales the noise.
        irregularity: Logarithmic amplitude of the noise.
        rng: Random generator.
    """
    axes, rotation = draw_ellipsoid(rng)
    score = ellipsoid_distance(terrain.offsets_mm, centre_mm, axes, rotation)
    if irregularity <= 0.0:
        return score
    return score * exp(-irregularity * surface_noise(terrain, radius_mm, rng))


def surface_noise(terrain: Terrain, radius_mm: float, rng: np.random.Generator) -> Array:
    """Returns Gaussian noise of three octaves scaled to a radius, ``(X, Y, Z)`` float32."""
    xp = array_namespace(terrain.white)
    total = 0.0
    for length, amplitude in OCTAVES:
        sigma_mm = max(length * radius_mm, 1.0)
        total = total + amplitude * random_field(
            rng, terrain.shape, spacing_mm=terrain.spacing_mm, sigma_mm=sigma_mm, xp=xp
        )
    return total
