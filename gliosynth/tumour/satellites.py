"""Satellite foci: small balls of tumour core apart from the main one, each with a halo of oedema."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.separable import Array
from gliosynth.tumour.ellipsoid import draw_ellipsoid, ellipsoid_distance
from gliosynth.tumour.plan import TumourPlan
from gliosynth.tumour.terrain import Terrain

REACH_MM: Final = (4.0, 30.0)
"""Distance of a satellite's surface from the core's surface, mm (METHODS.md C.5)."""

HALO_MM: Final = 3.0
"""Oedema around a satellite, mm."""

TRIES: Final = 64
"""Places that are tried for each satellite; where none is white matter at the right distance there is no satellite."""


@dataclass(frozen=True, eq=False)
class Satellites:
    """Satellites in a box.

    Attributes:
        depth_mm: ``(X, Y, Z)`` float32: mm below the nearest satellite's surface; negative outside.
        count: How many found a place.
    """

    depth_mm: Array
    count: int


def place_satellites(
    terrain: Terrain, plan: TumourPlan, core_depth_mm: Array, rng: np.random.Generator
) -> Satellites | None:
    """Returns the plan's satellites, in white matter near the core, or None.

    Args:
        terrain: Where they grow.
        plan: Their radii.
        core_depth_mm: ``(X, Y, Z)`` float32 mm below the core's surface, negative outside.
        rng: Random generator.
    """
    xp = array_namespace(core_depth_mm)
    depth, count = None, 0
    for radius_mm in plan.satellite_radii_mm:
        index = _place(terrain, core_depth_mm, radius_mm, rng)
        if index is None:
            continue
        centre = np.array([float(o.reshape(-1)[i]) for o, i in zip(terrain.offsets_mm, index, strict=True)])
        axes, rotation = draw_ellipsoid(rng, flattest=0.7)
        own = radius_mm - ellipsoid_distance(terrain.offsets_mm, centre, axes, rotation)
        depth = own if depth is None else xp.maximum(depth, own)
        count += 1
    return None if depth is None else Satellites(depth, count)


def _place(
    terrain: Terrain, core_depth_mm: Array, radius_mm: float, rng: np.random.Generator
) -> tuple[int, int, int] | None:
    """Returns a voxel of white matter whose distance from the core's surface is in `REACH_MM`, or None."""
    points = rng.integers(0, terrain.shape, (TRIES, 3))
    for x, y, z in points:
        voxel = int(x), int(y), int(z)
        gap_mm = -float(core_depth_mm[voxel]) - radius_mm
        if REACH_MM[0] <= gap_mm <= REACH_MM[1] and bool(terrain.allowed[voxel]) and float(terrain.white[voxel]) > 0.5:
            return voxel
    return None
