"""Tumour shapes: nested regions with exact volumes, grown inside the deformed anatomy.

Each region is the set of voxels with the lowest *score*: a distance in mm from the tumour's centre, bent by noise or
replaced by when growing cells came, and raised where the region should not grow. Taking the lowest voxels makes the
volume exact whatever the score looks like.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace, device, to_device
from scipy import ndimage

from gliosynth.elementary import exp
from gliosynth.labels import Label
from gliosynth.separable import Array, smooth
from gliosynth.tumour.ellipsoid import noisy_ellipsoid, surface_noise
from gliosynth.tumour.enhancement import grow_enhancement
from gliosynth.tumour.grown import GrownScores, grow_scores
from gliosynth.tumour.plan import TumourPlan
from gliosynth.tumour.satellites import HALO_MM, Satellites, place_satellites
from gliosynth.tumour.settings import Family
from gliosynth.tumour.terrain import Terrain, ball_radius_mm, lowest

BARRIER: Final = 2.5
"""Score of forbidden voxels in tumour radii."""

FULL: Final = 0.9
"""Share of the barrier from which a voxel is out of reach: where room is short, a tumour stays smaller than planned."""

WHITE_NEAR: Final = 0.18
"""Smoothed share of white matter 1 to 1.5 mm outside its surface: oedema that spares cortex ends there."""

WHOLE_SIGMA_MM: Final = 1.8
"""Smoothing of the whole tumour's score, mm: experts draw smooth outlines."""

CRUMB_ML: Final = 0.1
"""Parts of the oedema smaller than this that touch neither core nor more oedema are left out, ml."""

EFFACED_SIGMA_MM: Final = 2.0
"""Smoothing of the ground that closes narrow sulci: a core presses them shut and fills them, mm."""

LARGEST_LEAN: Final = 0.7
"""How far a grown core leans to one side of its tumour: the gradient of the logarithm of its score, per radius."""

DECAY_SHARE: Final = 0.3
"""Share of a grown core's depth that is read from where its cells died, at most twice the depth below its surface."""

CORE_SIGMA_MM: Final = 1.0
"""Smoothing of the core's score, mm."""

FARTHEST_CORE: Final = 0.6
"""Largest distance of a noisy core's centre from the tumour's, relative to the room between their surfaces."""

GROWN_ROUGHNESS: Final = 0.4
"""Surface noise of a grown shape relative to that of a noisy ellipsoid: growth is irregular by itself."""


@dataclass(frozen=True, eq=False)
class Core:
    """The core of a tumour, ``(X, Y, Z)`` each.

    Attributes:
        mask: Bool.
        depth_mm: Float32, mm below its surface or that of a satellite; negative outside.
    """

    mask: Array
    depth_mm: Array


def grow(terrain: Terrain, plan: TumourPlan, rng: np.random.Generator) -> Array:
    """Returns the label map of a tumour in its box, ``(X, Y, Z)`` uint8 with values of `Label`.

    Args:
        terrain: Where it grows.
        plan: What grows.
        rng: Random generator.
    """
    xp = array_namespace(terrain.white)
    grown = None
    if plan.kinetics is not None:
        grown = grow_scores(
            terrain,
            plan.kinetics,
            volume_ml=plan.volume_ml,
            radius_mm=plan.radius_mm,
            pitch_mm=plan.pitch_mm,
            rng=rng,
        )
    core, satellites = grow_core(terrain, plan, grown, rng)
    enhancing = grow_enhancement(terrain, plan, core.mask, core.depth_mm, rng)
    whole = grow_whole(terrain, plan, core.mask, (grown, satellites), rng)
    labels = xp.where(whole, xp.asarray(int(Label.ED), dtype=xp.uint8), xp.asarray(0, dtype=xp.uint8))
    labels = xp.where(core.mask, xp.asarray(int(Label.NCR), dtype=xp.uint8), labels)
    return xp.where(enhancing, xp.asarray(int(Label.ET), dtype=xp.uint8), labels)


def grow_core(
    terrain: Terrain, plan: TumourPlan, grown: GrownScores | None, rng: np.random.Generator
) -> tuple[Core, Satellites | None]:
    """Returns the tumour core with its satellites, and these alone."""
    xp = array_namespace(terrain.white)
    volume_ml = plan.volume_ml * plan.core_share
    radius_mm = ball_radius_mm(max(volume_ml, 0.05))
    ground = terrain.allowed | (
        smooth(xp.astype(terrain.allowed, xp.float32), EFFACED_SIGMA_MM, terrain.spacing_mm) > 0.5
    )
    score = _bounded(_core_score(terrain, plan, grown, radius_mm, rng), ground & ~terrain.fluid, radius_mm)
    score = smooth(score, CORE_SIGMA_MM, terrain.spacing_mm)
    room = ~terrain.fluid & (score < FULL * BARRIER * radius_mm)
    depth = radius_mm - score
    satellites = place_satellites(terrain, plan, depth, rng) if volume_ml > 0.0 else None
    foci = None
    count = round(volume_ml / terrain.voxel_ml)
    if satellites is not None:
        foci = (satellites.depth_mm > 0) & terrain.allowed
        count = max(count - int(xp.sum(xp.astype(foci, xp.int32))), 0)
    main = lowest(score, room if foci is None else room & ~foci, count)
    depth = _rim_depth(score, main, grown, radius_mm)
    if satellites is None:
        return Core(main, depth), None
    return Core(main | foci, xp.maximum(depth, satellites.depth_mm)), satellites


def _rim_depth(score: Array, core: Array, grown: GrownScores | None, radius_mm: float) -> Array:
    """Returns the depth below a core's surface in mm, deeper where the cells of a growth died early."""
    xp = array_namespace(score)
    surface = xp.max(xp.where(core, score, xp.asarray(0.0, dtype=score.dtype)))
    depth = surface - score
    if grown is None:
        return depth
    inner = xp.clip(0.5 * (radius_mm - xp.where(core, grown.decay, xp.zeros_like(score))), 0.0, radius_mm)
    return xp.where(core, (1.0 - DECAY_SHARE) * depth + DECAY_SHARE * xp.minimum(inner, 2.0 * depth), depth)


def _core_score(
    terrain: Terrain, plan: TumourPlan, grown: GrownScores | None, radius_mm: float, rng: np.random.Generator
) -> Array:
    """Returns the score of the main core, mm: grown, a noisy ellipsoid off the centre, or the union of both."""
    xp = array_namespace(terrain.white)
    direction = rng.standard_normal(3)
    slack_mm = max(plan.radius_mm - radius_mm, 0.0)
    centre_mm = direction / float(np.sqrt((direction * direction).sum())) * rng.uniform(0.0, FARTHEST_CORE) * slack_mm
    noisy, x, y, z = None, *terrain.offsets_mm
    if plan.family is not Family.GROWN or grown is None:
        noisy = noisy_ellipsoid(terrain, centre_mm, radius_mm, plan.irregularity, rng)
    if grown is None:
        return noisy
    a, b, c = (
        float(value) for value in centre_mm * (LARGEST_LEAN / (FARTHEST_CORE * plan.radius_mm * max(slack_mm, 1.0)))
    )
    lean = (a * x + b * y) + c * z
    noise = (GROWN_ROUGHNESS * plan.irregularity) * surface_noise(terrain, radius_mm, rng)
    bent = grown.arrival * exp(-noise - xp.clip(lean, -2.0, 2.0))
    return bent if noisy is None else xp.minimum(bent, noisy)


def grow_whole(
    terrain: Terrain,
    plan: TumourPlan,
    core: Array,
    parts: tuple[GrownScores | None, Satellites | None],
    rng: np.random.Generator,
) -> Array:
    """Returns the whole tumour, ``(X, Y, Z)`` bool: the core and compact oedema that prefers white matter.

    Args:
        terrain: Where it grows.
        plan: What grows.
        core: ``(X, Y, Z)`` bool.
        parts: What has grown, and the satellites, which get a halo.
        rng: Random generator.
    """
    xp = array_namespace(terrain.white)
    grown, satellites = parts
    radius_mm = plan.radius_mm
    score = _whole_score(terrain, plan, grown, rng)
    if satellites is not None:
        halo = (radius_mm / HALO_MM) * xp.clip(-satellites.depth_mm, 0.0, 1e3)
        score = xp.minimum(score, halo)
    score = _bounded(score, terrain.allowed, radius_mm)
    score = xp.where(core, xp.zeros_like(score), score)
    score = smooth(score, WHOLE_SIGMA_MM, terrain.spacing_mm)
    score = xp.where(core, xp.zeros_like(score), score)
    room = ~terrain.fluid & (score < FULL * BARRIER * radius_mm)
    if plan.spares_cortex:
        room = core | (room & (terrain.white > WHITE_NEAR))
    return without_crumbs(lowest(score, room, round(plan.volume_ml / terrain.voxel_ml)), core, terrain.voxel_ml)


def without_crumbs(whole: Array, core: Array, voxel_ml: float) -> Array:
    """Returns the mask without parts below `CRUMB_ML` that hold no core, ``(X, Y, Z)`` bool."""
    xp, where = array_namespace(whole), device(whole)
    mask, kept = (np.asarray(to_device(array, "cpu")) for array in (whole, core))
    parts, _ = ndimage.label(mask, output=np.int32)
    large = np.bincount(parts.ravel()) * voxel_ml >= CRUMB_ML
    large[np.unique(parts[kept])] = True
    large[0] = False
    return xp.asarray(large[parts], device=where)


def _whole_score(terrain: Terrain, plan: TumourPlan, grown: GrownScores | None, rng: np.random.Generator) -> Array:
    """Returns the score of the whole tumour, mm."""
    xp = array_namespace(terrain.white)
    noisy = None
    if plan.family is not Family.GROWN or grown is None:
        noisy = noisy_ellipsoid(terrain, np.zeros(3), plan.radius_mm, plan.irregularity, rng)
        noisy = noisy + plan.white_matter_preference * plan.radius_mm * (1.0 - terrain.white)
    if grown is None:
        return noisy
    return grown.arrival if noisy is None else xp.minimum(grown.arrival, noisy)


def _bounded(score: Array, ground: Array, radius_mm: float) -> Array:
    """Returns the score, at most the barrier, which also stands where nothing may grow."""
    xp = array_namespace(score)
    barrier = xp.asarray(BARRIER * radius_mm, dtype=score.dtype)
    return xp.where(ground, xp.minimum(score, barrier), barrier)
