"""Enhancement of a tumour's core: rims of uneven thickness with nodules, septa and gaps, patches, spots."""

from typing import Final

import numpy as np
from array_api_compat import array_namespace
from scipy.special import ndtri

from gliosynth.elementary import exp
from gliosynth.separable import Array, random_field
from gliosynth.tumour.plan import TumourPlan
from gliosynth.tumour.settings import Growth
from gliosynth.tumour.terrain import Terrain, ball_radius_mm, lowest

UNEVEN: Final = 0.45
"""Logarithmic amplitude of a rim's thickness."""

NODULE_LEVEL: Final = 1.0
"""Standard deviations from which noise becomes a nodule."""

NODULE_GAIN: Final = 0.9
"""Logarithmic growth of a rim's thickness per standard deviation above the nodule's level."""

CYST_UNEVEN: Final = 0.15
"""As `UNEVEN`, for the wall of a cyst."""

CYST_GAIN: Final = 2.0
"""As `NODULE_GAIN`, for the mural nodules of a cyst."""

GRAIN_MM: Final = 0.5
"""Standard deviation of the fine roughness of a rim's inner surface, mm."""

CYST_GRAIN_MM: Final = 0.2
"""As `GRAIN_MM`, for the wall of a cyst."""

SEPTUM_MM: Final = 14.0
"""Score per standard deviation beside a septum: the smaller, the thicker septa are."""

GAP_DEPTH: Final = 0.6
"""What a gap adds to the score, in radii of the core: only rims thicker than that close it."""


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
    radius_mm = ball_radius_mm(max(plan.volume_ml * plan.core_share, 0.05))
    count = round(plan.volume_ml * plan.core_share * plan.enhancing_share / terrain.voxel_ml)
    match plan.growth:
        case Growth.RING | Growth.SOLID:
            score = _rim(terrain, plan, depth_mm, radius_mm, rng)
        case Growth.PATCHY:
            patch_mm = max((0.12 if plan.septa else 0.3) * radius_mm, 2.0)
            score = _noise(terrain, patch_mm, rng) + 0.5 * _noise(terrain, max(0.4 * patch_mm, 1.2), rng)
        case _:
            score = -depth_mm + 0.4 * radius_mm * _noise(terrain, max(0.25 * radius_mm, 2.0), rng)
    return lowest(score, core, count)


def _rim(terrain: Terrain, plan: TumourPlan, depth_mm: Array, radius_mm: float, rng: np.random.Generator) -> Array:
    """Returns the score of a rim: its depth, stretched where the rim is thick or a nodule grows inwards.

    The wall of a cyst is smooth and even but for its mural nodules.
    """
    xp = array_namespace(depth_mm)
    wide, fine = (_noise(terrain, max(share * radius_mm, least), rng) for share, least in ((0.35, 2.0), (0.12, 1.2)))
    bumps = xp.clip(_noise(terrain, max(0.2 * radius_mm, 1.8), rng) - NODULE_LEVEL, 0.0, 2.0)
    uneven, gain = (CYST_UNEVEN, CYST_GAIN) if plan.cystic else (UNEVEN, NODULE_GAIN * plan.nodularity)
    score = depth_mm * exp(-uneven * (wide + 0.6 * fine) - gain * bumps)
    score = score + (CYST_GRAIN_MM if plan.cystic else GRAIN_MM) * _noise(terrain, 1.5, rng)
    if plan.septa:
        score = xp.minimum(score, SEPTUM_MM * xp.abs(_noise(terrain, max(0.3 * radius_mm, 3.0), rng)))
    gaps = _noise(terrain, max(0.5 * radius_mm, 3.0), rng) < _normal_quantile(plan.gap_share)
    return xp.where(gaps, score + GAP_DEPTH * radius_mm, score)


def _noise(terrain: Terrain, sigma_mm: float, rng: np.random.Generator) -> Array:
    """Returns a Gaussian random field of the box."""
    xp = array_namespace(terrain.white)
    return random_field(rng, terrain.shape, spacing_mm=terrain.spacing_mm, sigma_mm=sigma_mm, xp=xp)


def _normal_quantile(share: float) -> float:
    """Returns the value that a standard normal variable stays below with the given probability."""
    return float(ndtri(min(max(share, 1e-6), 1 - 1e-6)))
