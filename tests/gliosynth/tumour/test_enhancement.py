"""Rims, nodules, gaps, cysts and satellites of a ball-shaped core."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.contrast.settings import TRAINING
from gliosynth.tumour.enhancement import grow_enhancement
from gliosynth.tumour.plan import TumourPlan, draw_plan
from gliosynth.tumour.satellites import REACH_MM, place_satellites
from gliosynth.tumour.settings import Family, Growth
from gliosynth.tumour.terrain import Terrain

RADIUS_MM = 16.0
SIZE = 60


def ground() -> Terrain:
    """Returns 60 mm of white matter on 1 mm voxels, centre in the middle."""
    axis = (np.arange(SIZE) - SIZE // 2).astype(np.float32)
    shape = (SIZE, SIZE, SIZE)
    return Terrain(
        allowed=np.ones(shape, dtype=np.bool_),
        fluid=np.zeros(shape, dtype=np.bool_),
        white=np.ones(shape, dtype=np.float32),
        offsets_mm=(axis.reshape(-1, 1, 1), axis.reshape(1, -1, 1), axis.reshape(1, 1, -1)),
        spacing_mm=(1.0, 1.0, 1.0),
    )


def depth_mm() -> NDArray[np.float32]:
    """Returns the depth below the surface of a ball in the middle."""
    x, y, z = ground().offsets_mm
    return np.asarray(RADIUS_MM - np.sqrt(x * x + y * y + z * z), dtype=np.float32)


def ring() -> TumourPlan:
    """Returns a ring of 34 ml with an even rim that fills half of its core of 17 ml."""
    return replace(
        draw_plan(TRAINING.tumour, np.random.default_rng(0)),
        growth=Growth.RING,
        family=Family.NOISY,
        kinetics=None,
        volume_ml=34.3,
        core_share=0.5,
        enhancing_share=0.5,
        septa=False,
        gap_share=0.0,
        nodularity=0.0,
        cystic=False,
        satellite_radii_mm=(),
    )


def enhancing(plan: TumourPlan, seed: int = 0) -> NDArray[np.bool_]:
    """Returns the enhancing part of the ball."""
    depth = depth_mm()
    result: NDArray[np.bool_] = grow_enhancement(ground(), plan, depth > 0, depth, np.random.default_rng(seed))
    return result


def coverage(mask: NDArray[np.bool_]) -> float:
    """Returns the share of the core's surface that enhances."""
    core = depth_mm() > 0
    return float(mask[core & ~ndimage.binary_erosion(core)].mean())


def thicknesses(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns the rim's thickness in voxels along 200 random rays."""
    directions = np.random.default_rng(1).standard_normal((200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = np.arange(0.0, RADIUS_MM, 0.5)
    points = np.rint(SIZE // 2 + directions[:, None] * radii[:, None]).astype(int)
    return np.asarray(mask[points[..., 0], points[..., 1], points[..., 2]].sum(axis=1) * 0.5)


def test_a_rim_covers_the_core_with_its_volume() -> None:
    """Without gaps nearly all of the surface enhances, half of the core's volume in all."""
    mask = enhancing(ring())
    assert coverage(mask) > 0.95
    assert mask.sum() == pytest.approx(0.25 * 34300, rel=0.001)


def test_no_rim_is_even() -> None:
    """Its thickness varies by more than a quarter of its mean, and no two seeds give the same rim."""
    rim = thicknesses(enhancing(ring()))
    assert rim.std() > 0.25 * rim.mean()
    assert (enhancing(ring(), 1) != enhancing(ring(), 2)).mean() > 0.01


def test_nodules_make_thick_parts_thicker() -> None:
    """Over eight seeds, at the same volume, the thickest twentieth of a thin rim gains and the median loses."""
    thin = replace(ring(), enhancing_share=0.3)

    def profile(nodularity: float) -> NDArray[np.float64]:
        plan = replace(thin, nodularity=nodularity)
        return np.mean([np.percentile(thicknesses(enhancing(plan, seed)), [50, 95]) for seed in range(8)], axis=0)

    plain, knobbly = profile(0.0), profile(2.0)
    assert knobbly[1] > plain[1] + 0.3
    assert knobbly[0] <= plain[0]


def test_gaps_open_the_rim() -> None:
    """Over eight seeds the more gaps the less surface is covered; with .35, .55 to .85 of it."""

    def covered(gap_share: float) -> float:
        plan = replace(ring(), gap_share=gap_share, enhancing_share=0.4)
        return float(np.mean([coverage(enhancing(plan, seed)) for seed in range(8)]))

    closed, some, many = covered(0.0), covered(0.15), covered(0.35)
    assert closed > some + 0.05 > many + 0.1
    assert 0.55 < many < 0.85


def test_the_wall_of_a_cyst_is_evener_than_a_rim() -> None:
    """Between its nodules: the middle half of the thicknesses lies closer together."""

    def spread(plan: TumourPlan) -> float:
        low, high = np.percentile(thicknesses(enhancing(plan, 3)), [25, 75])
        return float(high - low)

    assert spread(replace(ring(), cystic=True)) < 0.7 * spread(ring())


def test_satellites_lie_apart_from_the_core_within_reach() -> None:
    """Each is a piece of its own; its nearest point is at least `REACH_MM[0]`, less its flattening, from the core."""
    plan = replace(ring(), satellite_radii_mm=(3.0, 2.5))
    found = place_satellites(ground(), plan, depth_mm(), np.random.default_rng(4))
    assert found is not None
    assert found.count == 2
    foci = found.depth_mm > 0
    gap = ndimage.distance_transform_edt(~(depth_mm() > 0))[foci]
    assert REACH_MM[0] - 1.5 < gap.min()
    assert gap.max() < REACH_MM[1] + 2 * 3.0
    volume = 4 / 3 * np.pi * (27 + 15.6)
    assert foci.sum() == pytest.approx(volume, rel=0.2)


def test_no_satellite_is_forced_where_there_is_no_room() -> None:
    """In grey matter, and without radii, there is none."""
    plan = replace(ring(), satellite_radii_mm=(3.0,))
    grey = replace(ground(), white=np.zeros((SIZE, SIZE, SIZE), dtype=np.float32))
    assert place_satellites(grey, plan, depth_mm(), np.random.default_rng(0)) is None
    assert place_satellites(ground(), ring(), depth_mm(), np.random.default_rng(0)) is None
