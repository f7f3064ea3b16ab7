"""Tumour shapes: noisy nested ellipsoids with exact volumes (METHODS.md C.5), grown inside the deformed anatomy.

Each region is the set of voxels with the lowest *score*: a distance in mm from the tumour's centre, bent by noise and
raised where the region should not grow. Taking the lowest voxels makes the volume exact whatever the score looks like.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray
from scipy.special import ndtri

from gliosynth.labels import Label
from gliosynth.separable import Array, random_field, smooth
from gliosynth.tumour.plan import TumourPlan, ball_radius_mm
from gliosynth.tumour.settings import Growth

BARRIER: Final = 2.5
"""Score of forbidden voxels in tumour radii."""

FULL: Final = 0.9
"""Share of the barrier from which a voxel is out of reach: where room is short, a tumour stays smaller than planned."""

OCTAVES: Final = ((0.55, 1.0), (0.27, 0.55), (0.13, 0.3))
"""Surface noise: correlation length in radii and amplitude of each octave."""


@dataclass(frozen=True, eq=False)
class Terrain:
    """The anatomy around a tumour, inside its box.

    Attributes:
        allowed: ``(X, Y, Z)`` bool: cerebrum on the tumour's side.
        fluid: ``(X, Y, Z)`` bool: ventricles; nothing grows there.
        white: ``(X, Y, Z)`` float32 0 to 1: smoothed share of white matter.
        offsets_mm: Three arrays ``(X, 1, 1)``, ``(1, Y, 1)``, ``(1, 1, Z)`` float32: mm from the tumour's centre.
        spacing_mm: Voxel edges in mm.
    """

    allowed: Array
    fluid: Array
    white: Array
    offsets_mm: tuple[Array, Array, Array]
    spacing_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along X, Y, Z."""
        x, y, z = self.allowed.shape
        return x, y, z

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0


def lowest(score: Array, candidates: Array, count: int) -> Array:
    """Returns the mask of the `count` candidates with the lowest score (all of them if there are fewer).

    Args:
        score: ``(X, Y, Z)`` float32.
        candidates: ``(X, Y, Z)`` bool.
        count: Number of voxels; ties at the threshold may add a few.
    """
    xp = array_namespace(score)
    if count <= 0:
        return xp.zeros_like(candidates)
    masked = xp.where(candidates, score, xp.asarray(float("inf"), dtype=score.dtype))
    ordered = xp.sort(xp.reshape(masked, (-1,)))
    return candidates & (masked <= ordered[min(count, ordered.shape[0]) - 1])


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


def draw_ellipsoid(
    rng: np.random.Generator, *, flattest: float = 0.6
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns half axes ``(3,)`` of geometric mean 1, ratios down to `flattest`, and a random rotation ``(3, 3)``."""
    axes = rng.uniform(flattest, 1.0, 3)
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return axes / np.cbrt(np.prod(axes)), rotation


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
    xp = array_namespace(score)
    if irregularity <= 0.0:
        return score
    noise = surface_noise(terrain, radius_mm, rng)
    return score * xp.exp(-irregularity * noise)


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


def grow(terrain: Terrain, plan: TumourPlan, rng: np.random.Generator) -> Array:
    """Returns the label map of a tumour in its box, ``(X, Y, Z)`` uint8 with values of `Label`.

    Args:
        terrain: Where it grows.
        plan: What grows.
        rng: Random generator.
    """
    xp = array_namespace(terrain.white)
    core, core_score = grow_core(terrain, plan, rng)
    enhancing = grow_enhancement(terrain, plan, core, core_score, rng)
    whole = grow_whole(terrain, plan, core, rng)
    labels = xp.where(whole, xp.asarray(int(Label.ED), dtype=xp.uint8), xp.asarray(0, dtype=xp.uint8))
    labels = xp.where(core, xp.asarray(int(Label.NCR), dtype=xp.uint8), labels)
    return xp.where(enhancing, xp.asarray(int(Label.ET), dtype=xp.uint8), labels)


def grow_core(terrain: Terrain, plan: TumourPlan, rng: np.random.Generator) -> tuple[Array, Array]:
    """Returns the tumour core ``(X, Y, Z)`` bool, and its depth below the surface in mm (negative outside)."""
    xp = array_namespace(terrain.white)
    volume_ml = plan.volume_ml * plan.core_share
    radius_mm = ball_radius_mm(max(volume_ml, 0.05))
    direction = rng.standard_normal(3)
    slack_mm = max(plan.radius_mm - radius_mm, 0.0)
    centre_mm = direction / np.linalg.norm(direction) * rng.uniform(0.0, 0.6) * slack_mm
    score = noisy_ellipsoid(terrain, centre_mm, radius_mm, plan.irregularity, rng)
    for _ in range(plan.satellites):
        offset = rng.standard_normal(3)
        offset *= rng.uniform(1.0, 1.5) * radius_mm / np.linalg.norm(offset)
        focus = noisy_ellipsoid(terrain, centre_mm + offset, radius_mm, plan.irregularity, rng)
        score = xp.minimum(score, focus / float(rng.uniform(0.2, 0.5)))
    barrier = xp.asarray(BARRIER * radius_mm, dtype=score.dtype)
    score = smooth(xp.where(terrain.allowed, xp.minimum(score, barrier), barrier), 1.0, terrain.spacing_mm)
    room = ~terrain.fluid & (score < FULL * barrier)
    core = lowest(score, room, round(volume_ml / terrain.voxel_ml))
    surface = xp.max(xp.where(core, score, xp.asarray(0.0, dtype=score.dtype)))
    return core, surface - score


def grow_enhancement(
    terrain: Terrain, plan: TumourPlan, core: Array, depth_mm: Array, rng: np.random.Generator
) -> Array:
    """Returns the enhancing part of the core, ``(X, Y, Z)`` bool.

    A shell of irregular thickness (ring, solid), patches (patchy), or one spot (non-enhancing).

    Args:
        terrain: Where it grows.
        plan: Share of the core that enhances, and how.
        core: ``(X, Y, Z)`` bool.
        depth_mm: ``(X, Y, Z)`` float32 mm below the core's surface.
        rng: Random generator.
    """
    xp = array_namespace(depth_mm)

    def noise(sigma_mm: float) -> Array:
        return random_field(rng, terrain.shape, spacing_mm=terrain.spacing_mm, sigma_mm=sigma_mm, xp=xp)

    radius_mm = ball_radius_mm(max(plan.volume_ml * plan.core_share, 0.05))
    count = round(plan.volume_ml * plan.core_share * plan.enhancing_share / terrain.voxel_ml)
    match plan.growth:
        case Growth.RING | Growth.SOLID:
            thickness = noise(max(0.35 * radius_mm, 2.0)) + 0.6 * noise(max(0.12 * radius_mm, 1.2))
            score = depth_mm * xp.exp(-0.45 * thickness) + 0.5 * noise(1.5)
            if plan.septa:
                score = xp.minimum(score, 14.0 * xp.abs(noise(max(0.3 * radius_mm, 3.0))))
            gaps = noise(max(0.5 * radius_mm, 3.0)) < _normal_quantile(plan.gap_share)
            score = xp.where(gaps, score + 0.6 * radius_mm, score)
        case Growth.PATCHY:
            patch_mm = max((0.12 if plan.septa else 0.3) * radius_mm, 2.0)
            score = noise(patch_mm) + 0.5 * noise(max(0.4 * patch_mm, 1.2))
        case _:
            score = -depth_mm + 0.4 * radius_mm * noise(max(0.25 * radius_mm, 2.0))
    return lowest(score, core, count)


def grow_whole(terrain: Terrain, plan: TumourPlan, core: Array, rng: np.random.Generator) -> Array:
    """Returns the whole tumour, ``(X, Y, Z)`` bool: the core and compact oedema that prefers white matter."""
    xp = array_namespace(terrain.white)
    radius_mm = plan.radius_mm
    score = noisy_ellipsoid(terrain, np.zeros(3), radius_mm, plan.irregularity, rng)
    score = score + plan.white_matter_preference * radius_mm * (1.0 - terrain.white)
    barrier = xp.asarray(BARRIER * radius_mm, dtype=score.dtype)
    score = xp.where(terrain.allowed, xp.minimum(score, barrier), barrier)
    score = xp.where(core, xp.zeros_like(score), score)
    score = smooth(score, 1.2, terrain.spacing_mm)
    score = xp.where(core, xp.zeros_like(score), score)
    room = ~terrain.fluid & (score < FULL * barrier)
    return lowest(score, room, round(plan.volume_ml / terrain.voxel_ml))


def _normal_quantile(share: float) -> float:
    """Returns the value that a standard normal variable stays below with the given probability."""
    return float(ndtri(min(max(share, 1e-6), 1 - 1e-6)))
