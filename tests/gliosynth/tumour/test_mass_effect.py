"""Mass effect in a head of balls: skull, brain, two ventricles."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue, load_anatomy
from gliosynth.tumour.deformation import CoarseMap, draw_map
from gliosynth.tumour.mass_effect import add_mass_effect, flow, sources_and_sinks, unfolded
from gliosynth.tumour.scene import Head, deform
from gliosynth.tumour.settings import DeformationSettings, GridSettings

SIZE = 121
CENTRE = np.array([91.0, 60.0, 60.0])
"""Tumour on the right, beside the right ventricle."""


def ball_head() -> Anatomy:
    """Returns a brain of 50 mm radius in 4 mm of CSF, with a ventricle of 7 mm radius 10 mm on either side."""
    x, y, z = np.meshgrid(*[np.arange(SIZE) - 60.0] * 3, indexing="ij")
    radius = np.sqrt(x * x + y * y + z * z)
    tissues = np.full((SIZE,) * 3, Tissue.CORTICAL_BONE, dtype=np.uint8)
    tissues[radius < 54] = Tissue.OUTER_CSF
    tissues[radius < 50] = Tissue.WHITE_MATTER
    for side in (-10, 10):
        tissues[(x - side) ** 2 + (y / 1.5) ** 2 + z * z < 49] = Tissue.VENTRICLE
    brain = radius < 50
    affine = np.eye(4)
    return Anatomy("balls", tissues, brain, affine, np.array([60.0, 0.0, 0.0]), np.full(3, 60.0), brain.sum() / 1000.0)


def identity() -> CoarseMap:
    """Returns the map that leaves everything where it is, nodes 4 mm apart."""
    nodes = np.linspace(0.0, SIZE - 1.0, 31)
    sources = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij")).astype(np.float32)
    return CoarseMap(sources, (nodes, nodes, nodes), GridSettings((SIZE,) * 3, (1.0, 1.0, 1.0)))


def pushed(amount_mm: float) -> CoarseMap:
    """Returns the identity pushed by a tumour of 14 mm radius."""
    return add_mass_effect(identity(), ball_head(), CENTRE, radius_mm=14.0, amount_mm=amount_mm, decay_mm=40.0)


def ventricles_ml(coarse: CoarseMap) -> tuple[float, float]:
    """Returns the volume of the ventricle on the tumour's side and of the other one."""
    head = deform(ball_head(), coarse, np)
    fluid = head.tissues == Tissue.VENTRICLE
    return float((fluid & (head.side_mm > 0)).sum()) / 1000.0, float((fluid & (head.side_mm < 0)).sum()) / 1000.0


def jacobian(coarse: CoarseMap) -> NDArray[np.float64]:
    """Returns the determinant of the dense map."""
    slopes = np.stack([np.stack(np.gradient(part.astype(np.float64))) for part in coarse.dense(np)])
    return np.linalg.det(np.moveaxis(slopes, (0, 1), (-2, -1)))


def test_no_amount_moves_nothing() -> None:
    """The map of a tumour that displaces nothing is the map before."""
    np.testing.assert_allclose(pushed(0.0).sources, identity().sources, atol=1e-4)


def test_the_ventricle_beside_the_tumour_shrinks_more_than_the_other() -> None:
    """It loses at least a quarter of its volume, the other one less, and more displacement takes more from both."""
    near, far = ventricles_ml(identity())
    mild_near, _ = ventricles_ml(pushed(2.0))
    near_after, far_after = ventricles_ml(pushed(6.0))
    assert near_after < mild_near < near
    assert near_after < 0.75 * near
    assert near_after / near < far_after / far - 0.05


def test_the_midline_shifts_away_from_the_tumour_and_the_skull_stays() -> None:
    """The midline at the tumour's height moves to the left, by a fraction of the push; bone does not move at all."""
    after = pushed(6.0)
    head = deform(ball_head(), after, np)
    shift = np.interp(0.0, head.side_mm[:, 60, 60], np.arange(SIZE)) - 60.0
    assert -3.0 < shift < -0.3
    bone = head.tissues == Tissue.CORTICAL_BONE
    assert (bone == (ball_head().tissues == Tissue.CORTICAL_BONE)).mean() > 0.995


def test_tissue_at_the_tumours_surface_moves_outwards_everywhere() -> None:
    """Of 4 mm wanted, 2 to 5 mm are found in each direction: more towards the ventricle, less towards the skull."""
    after = pushed(4.0)
    directions = np.concatenate([np.eye(3), -np.eye(3)])
    came = after.at(CENTRE + 14.0 * directions) - CENTRE
    moved_mm = 14.0 - np.sqrt((came * came).sum(axis=1))
    assert 2.0 < moved_mm.min() <= moved_mm.max() < 5.0
    towards_skull, towards_ventricle = moved_mm[0], moved_mm[3]
    assert towards_ventricle > towards_skull + 1.0


def test_the_map_does_not_fold() -> None:
    """Even an impossible amount leaves every determinant above 0 and tissue elsewhere its volume."""
    determinant = jacobian(pushed(40.0))[2:-2, 2:-2, 2:-2]
    assert determinant.min() > 0.0
    x, y, z = np.meshgrid(*[np.arange(SIZE) - 60.0] * 3, indexing="ij")
    left = (np.sqrt(x * x + y * y + z * z) < 40)[2:-2, 2:-2, 2:-2] & (x[2:-2, 2:-2, 2:-2] < -30)
    assert np.median(jacobian(pushed(6.0))[2:-2, 2:-2, 2:-2][left]) == pytest.approx(1.0, abs=0.05)


def test_a_real_head_gives_way_as_patients_do() -> None:
    """A tumour of 22 mm radius in the right hemisphere, against the same head without it.

    The right ventricle loses more than a tenth and more than the left one, the midline bulges to the left by 1.5 to
    8 mm where it does most, and the brain keeps its volume to 1 %.
    """
    anatomy, grid = load_anatomy("head_05"), GridSettings((80, 96, 80), (2.0, 2.0, 2.0))
    still = DeformationSettings(scale=(1.0, 1.0), rotation_deg=0.0, coarse_mm=0.0, fine_mm=0.0)
    coarse = draw_map(anatomy, grid, still, np.random.default_rng(0))
    centre = np.array([56.0, 60.0, 45.0])
    after = add_mass_effect(coarse, anatomy, centre, radius_mm=22.0, amount_mm=8.0, decay_mm=40.0)
    before, pushed_head = deform(anatomy, coarse, np), deform(anatomy, after, np)

    def ventricle(head: Head, sign: float) -> float:
        return float(((head.tissues == Tissue.VENTRICLE) & (head.side_mm * sign > 0)).sum())

    def midline_mm(head: Head) -> NDArray[np.float64]:
        return 2.0 * np.array([np.interp(0.0, head.side_mm[:, y, 45], np.arange(80.0)) for y in range(30, 75)])

    right = ventricle(pushed_head, 1.0) / ventricle(before, 1.0)
    left = ventricle(pushed_head, -1.0) / ventricle(before, -1.0)
    assert right < 0.9
    assert right < left
    shift_mm = midline_mm(pushed_head) - midline_mm(before)
    assert -8.0 < shift_mm.min() < -1.5
    assert shift_mm.max() < 0.5
    assert pushed_head.inside.sum() == pytest.approx(before.inside.sum(), rel=0.01)


def test_gains_and_losses_balance() -> None:
    """Sources sum to 0; tissue of the tumour gains, fluid loses at most its limit, the rest neither."""
    tissues = np.full((9, 9, 9), Tissue.WHITE_MATTER, dtype=np.uint8)
    tissues[:, :, 7:] = Tissue.VENTRICLE
    x, y, z = np.meshgrid(*[np.arange(9) - 4.0] * 3, indexing="ij")
    distance = np.sqrt(x * x + y * y + z * z)
    source = sources_and_sinks(tissues, distance, stretch=0.1, rest_mm=2.5, decay_mm=20.0)
    assert source.sum() == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(source[distance <= 2.5], 0.3, atol=1e-5)
    assert (source[:, :, 7:] < 0).all()
    assert source[:, :, 7:].min() >= -0.75
    assert not source[(distance > 2.5) & (tissues == Tissue.WHITE_MATTER)].any()


def test_flow_in_a_tube_is_the_integral_of_its_source() -> None:
    """From a source at one end to a sink at the other every node between passes the same displacement on."""
    source = np.zeros((1, 1, 12), dtype=np.float32)
    source[0, 0, 1], source[0, 0, 10] = 0.2, -0.2
    moving = np.ones((1, 1, 12), dtype=np.bool_)
    displaced = flow(source, moving, np.array([2.0, 2.0, 2.0]))
    np.testing.assert_allclose(displaced[2, 0, 0, 2:10], 0.4, rtol=1e-3)
    np.testing.assert_allclose(displaced[2, 0, 0, [0, 11]], 0.0, atol=1e-4)
    moving[0, 0, 6] = False
    assert displaced[:2].max() == 0.0


def test_a_folding_displacement_is_scaled_down() -> None:
    """A displacement that would halve space twice over is reduced until the least determinant is positive."""
    x = np.meshgrid(*[np.arange(6.0)] * 3, indexing="ij")[0]
    folding = np.stack([-2.0 * x, np.zeros_like(x), np.zeros_like(x)])
    scaled = unfolded(folding, np.ones(3))
    assert 0.1 < 1.0 + np.gradient(scaled[0], axis=0).min() < 0.3
    gentle = 0.1 * folding
    np.testing.assert_array_equal(unfolded(gentle, np.ones(3)), gentle)
