"""Maps from the grid to the anatomy, and plans of tumours."""

import numpy as np
import pytest

from gliosynth.anatomy import Tissue, load_anatomy
from gliosynth.contrast.settings import TRAINING
from gliosynth.tumour.deformation import TYPICAL_BRAIN_ML, CoarseMap, draw_map
from gliosynth.tumour.plan import SEED_WEIGHTS, draw_centre, draw_plan
from gliosynth.tumour.scene import deform
from gliosynth.tumour.settings import DeformationSettings, GridSettings, Growth

GRID = GridSettings(shape=(60, 72, 36), spacing_mm=(3.0, 3.0, 5.0))
STILL = DeformationSettings(scale=(1.0, 1.0), rotation_deg=0.0, coarse_mm=0.0, fine_mm=0.0, mass_effect_mm=(0.0, 0.0))


def identity(size: int = 41) -> CoarseMap:
    """Returns a map that sends each grid voxel to the anatomy voxel of the same index."""
    nodes = np.linspace(0.0, size - 1.0, 11)
    sources = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij")).astype(np.float32)
    return CoarseMap(sources, (nodes, nodes, nodes), GridSettings((size, size, size), (1.0, 1.0, 1.0)))


def test_a_map_is_linear_between_its_nodes() -> None:
    """The identity map reads the index back, point by point and densely."""
    coarse = identity()
    points = np.array([[3.3, 10.0, 39.5], [0.0, 40.0, 20.2]])
    np.testing.assert_allclose(coarse.at(points), points, atol=1e-4)
    x, _, z = coarse.dense(np)
    assert x[7, 3, 5] == pytest.approx(7.0, abs=1e-4)
    assert z[7, 3, 5] == pytest.approx(5.0, abs=1e-4)


def test_an_undeformed_head_keeps_its_tissues_and_typical_size() -> None:
    """Without deformation the brain has the typical volume and the share of white matter of the anatomy."""
    anatomy = load_anatomy("head_05")
    head = deform(anatomy, draw_map(anatomy, GRID, STILL, np.random.default_rng(0)), np)
    assert head.inside.sum() * 0.045 == pytest.approx(TYPICAL_BRAIN_ML, rel=0.12)
    white = (head.tissues == Tissue.WHITE_MATTER).sum() / head.inside.sum()
    expected = (anatomy.tissues == Tissue.WHITE_MATTER).sum() / anatomy.brain.sum()
    assert white == pytest.approx(expected, rel=0.05)
    right = head.side_mm[head.tissues == Tissue.WHITE_MATTER] > 0
    assert right.mean() == pytest.approx(0.5, abs=0.05)


def test_centres_lie_in_the_cerebrum() -> None:
    """Every drawn centre is in a tissue that tumours start in."""
    anatomy = load_anatomy("head_05")
    rng = np.random.default_rng(1)
    for _ in range(20):
        coarse = draw_map(anatomy, GRID, TRAINING.deformation, rng)
        centre = draw_centre(anatomy, coarse, TRAINING.tumour, None, rng)
        source = np.rint(coarse.at(centre[None])[0]).astype(int)
        assert Tissue(anatomy.tissues[tuple(source)]) in SEED_WEIGHTS


def test_drawn_plans_follow_the_settings() -> None:
    """Of 3000 plans 15 % are small, the median is near 75 ml, shares lie in 0 to 1, kinds have their frequency."""
    rng = np.random.default_rng(2)
    plans = [draw_plan(TRAINING.tumour, rng) for _ in range(3000)]
    volumes = np.array([plan.volume_ml for plan in plans])
    assert (volumes < 15.0).mean() == pytest.approx(0.15, abs=0.03)
    assert 60.0 < np.median(volumes) < 90.0
    assert volumes.max() <= TRAINING.tumour.volume_range_ml[1]
    assert all(0.0 <= share <= 1.0 for plan in plans for share in (plan.core_share, plan.enhancing_share))
    oedema = np.mean([plan.growth is Growth.OEDEMA for plan in plans])
    assert oedema == pytest.approx(0.03, abs=0.012)
    assert not any(plan.isointense and plan.growth in (Growth.RING, Growth.OEDEMA) for plan in plans)
    assert all(plan.growth is Growth.RING for plan in plans if plan.wet)
