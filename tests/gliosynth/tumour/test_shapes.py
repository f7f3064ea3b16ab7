"""Noisy nested ellipsoids with exact volumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gliosynth.contrast.settings import TRAINING
from gliosynth.labels import Label
from gliosynth.tumour.ellipsoid import ellipsoid_distance
from gliosynth.tumour.plan import TumourPlan, draw_kinetics, draw_plan
from gliosynth.tumour.settings import Family, Growth
from gliosynth.tumour.shapes import grow
from gliosynth.tumour.terrain import Terrain, ball_radius_mm, lowest

SPACING_MM = (2.0, 2.0, 2.0)
VOXEL_ML = 0.008


def terrain(size: int = 48) -> Terrain:
    """Returns ground that a tumour may grow on everywhere, with its centre in the middle."""
    axis = ((np.arange(size) - size / 2) * 2.0).astype(np.float32)
    shape = (size, size, size)
    return Terrain(
        allowed=np.ones(shape, dtype=np.bool_),
        fluid=np.zeros(shape, dtype=np.bool_),
        white=np.ones(shape, dtype=np.float32),
        offsets_mm=(axis.reshape(-1, 1, 1), axis.reshape(1, -1, 1), axis.reshape(1, 1, -1)),
        spacing_mm=SPACING_MM,
    )


def plan(growth: Growth, **changes: object) -> TumourPlan:
    """Returns a 20 ml tumour with a 10 ml core, half of it enhancing."""
    drawn = draw_plan(TRAINING.tumour, np.random.default_rng(0))
    fixed = replace(
        drawn,
        growth=growth,
        volume_ml=20.0,
        core_share=0.5,
        enhancing_share=0.5,
        family=Family.NOISY,
        kinetics=None,
        spares_cortex=False,
        satellite_radii_mm=(),
        septa=False,
        gap_share=0.0,
        irregularity=0.3,
        white_matter_preference=0.3,
    )
    return replace(fixed, **changes)


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("growth", [Growth.RING, Growth.SOLID, Growth.PATCHY, Growth.NON_ENHANCING])
def test_volumes_are_exact(growth: Growth, family: Family) -> None:
    """Core and enhancing tumour have their planned volumes to 3 voxels, the whole tumour but for crumbs of oedema."""
    kinetics = None if family is Family.NOISY else draw_kinetics(TRAINING.tumour, np.random.default_rng(3))
    wanted = plan(growth, family=family, kinetics=kinetics, satellite_radii_mm=(5.0, 3.0))
    labels = grow(terrain(), wanted, np.random.default_rng(1))
    count = np.bincount(labels.ravel(), minlength=4)
    assert 0.99 * 20.0 / VOXEL_ML <= count[1:].sum() <= 20.0 / VOXEL_ML + 3
    assert count[Label.NCR] + count[Label.ET] == pytest.approx(10.0 / VOXEL_ML, abs=3)
    assert count[Label.ET] == pytest.approx(5.0 / VOXEL_ML, abs=3)


def test_a_ring_encloses_its_necrosis() -> None:
    """Nearly no necrotic voxel of a ring without gaps touches oedema, and none the outside."""
    labels = grow(terrain(), plan(Growth.RING, enhancing_share=0.7), np.random.default_rng(2))
    necrosis = labels == Label.NCR
    for axis in range(3):
        for step in (1, -1):
            neighbour = np.roll(labels, step, axis)
            assert ((neighbour == Label.ED) | (neighbour == 0))[necrosis].mean() < 0.08


def test_a_tumour_without_core_is_oedema_only() -> None:
    """The oedema growth has neither necrosis nor enhancement."""
    labels = grow(terrain(), plan(Growth.OEDEMA, core_share=0.0, enhancing_share=0.0), np.random.default_rng(3))
    assert set(np.unique(labels)) == {0, Label.ED}


def test_nothing_grows_in_ventricles_and_oedema_prefers_white_matter() -> None:
    """Fluid stays free; with grey matter on one side most of the oedema lies on the other."""
    ground = terrain()
    fluid = np.zeros_like(ground.fluid)
    fluid[:, 28:34, :] = True
    white = np.ones_like(ground.white)
    white[:24] = 0.0
    ground = replace(ground, fluid=fluid, white=white)
    labels = grow(ground, plan(Growth.RING, white_matter_preference=0.9), np.random.default_rng(4))
    assert not labels[fluid].any()
    oedema = labels == Label.ED
    assert oedema[24:].sum() > 1.5 * oedema[:24].sum()


def test_a_tumour_stays_smaller_where_room_is_short() -> None:
    """Ground of a quarter of the planned volume is not overstepped by more than its blurred border."""
    ground = terrain()
    allowed = np.zeros_like(ground.allowed)
    allowed[20:29, 20:29, 20:29] = True
    labels = grow(replace(ground, allowed=allowed), plan(Growth.RING), np.random.default_rng(5))
    assert 0 < (labels > 0).sum() <= 13**3


def test_oedema_that_spares_cortex_stays_near_white_matter() -> None:
    """With grey matter on one side, spared oedema reaches at most 4 mm into it, other oedema farther."""
    ground = terrain()
    white = np.ones_like(ground.white)
    white[28:] = 0.0
    ground = replace(ground, white=white)
    for spares, reaches in ((True, False), (False, True)):
        wanted = plan(Growth.OEDEMA, core_share=0.0, spares_cortex=spares, white_matter_preference=0.1)
        labels = grow(ground, wanted, np.random.default_rng(8))
        assert (labels[30:] == Label.ED).any() == reaches


@pytest.mark.parametrize("family", list(Family))
def test_numpy_and_torch_grow_the_same_tumour(family: Family) -> None:
    """The same seed differs in at most 2 of 1000 voxels of the tumour (ties of rounding)."""
    kinetics = None if family is Family.NOISY else draw_kinetics(TRAINING.tumour, np.random.default_rng(3))
    wanted, ours = plan(Growth.RING, family=family, kinetics=kinetics, satellite_radii_mm=(4.0,)), terrain()
    x, y, z = (torch.asarray(offset) for offset in ours.offsets_mm)
    theirs = Terrain(
        allowed=torch.asarray(ours.allowed),
        fluid=torch.asarray(ours.fluid),
        white=torch.asarray(ours.white),
        offsets_mm=(x, y, z),
        spacing_mm=ours.spacing_mm,
    )
    first, second = (np.asarray(grow(ground, wanted, np.random.default_rng(9))) for ground in (ours, theirs))
    assert (first != second).sum() <= 0.002 * (first > 0).sum()


def test_same_seed_same_tumour_other_seed_other_tumour() -> None:
    """The generator decides the shape."""
    first, again, other = (grow(terrain(), plan(Growth.RING), np.random.default_rng(seed)) for seed in (6, 6, 7))
    np.testing.assert_array_equal(first, again)
    assert (first != other).sum() > 100


def test_lowest_takes_exactly_the_count() -> None:
    """Of five candidates the two lowest are taken; zero takes none; more than there are takes all."""
    score = np.array([[[5.0, 1.0, 3.0, 0.0, 2.0, 9.0]]], dtype=np.float32)
    candidates = np.array([[[True, True, True, False, True, True]]])
    np.testing.assert_array_equal(np.flatnonzero(lowest(score, candidates, 2)), [1, 4])
    assert not lowest(score, candidates, 0).any()
    np.testing.assert_array_equal(lowest(score, candidates, 6), candidates)


def test_ellipsoid_distance_by_hand() -> None:
    """Along an axis of half length 2 a point at 3 mm lies at 1.5; the centre at 0."""
    offsets = tuple(np.array([0.0, 3.0], dtype=np.float32).reshape(view) for view in ((2, 1, 1), (1, 2, 1), (1, 1, 2)))
    distance = ellipsoid_distance(offsets, np.zeros(3), np.array([2.0, 1.0, 0.5]), np.eye(3))
    assert distance[0, 0, 0] == 0.0
    assert distance[1, 0, 0] == pytest.approx(1.5)
    assert distance[0, 0, 1] == pytest.approx(6.0)


def test_radius_of_a_ball() -> None:
    """A ball of 10 mm radius has 4.18879 ml."""
    assert ball_radius_mm(4.18879) == pytest.approx(10.0, rel=1e-5)
