"""Grown shapes on the grid of a case."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gliosynth.tumour.grown import ball_scores, coarse_grid, grow_scores
from gliosynth.tumour.growth import CellKinetics
from gliosynth.tumour.terrain import Terrain, ball_radius_mm

KINETICS = CellKinetics(
    diffusion=2.0,
    proliferation=0.4,
    tract_gain=4.0,
    necrosis_rate=0.4,
    necrosis_threshold=0.5,
    nutrient_diffusion=0.4,
    nutrient_uptake=0.3,
    heterogeneity=0.0,
)


def ground() -> Terrain:
    """Returns 80 x 80 x 80 mm of white matter on voxels of 1 x 1 x 2 mm, centre in the middle."""
    shape, spacing = (80, 80, 40), (1.0, 1.0, 2.0)
    x, y, z = (
        ((np.arange(size) - size // 2) * edge).astype(np.float32) for size, edge in zip(shape, spacing, strict=True)
    )
    return Terrain(
        allowed=np.ones(shape, dtype=np.bool_),
        fluid=np.zeros(shape, dtype=np.bool_),
        white=np.ones(shape, dtype=np.float32),
        offsets_mm=(x.reshape(-1, 1, 1), y.reshape(1, -1, 1), z.reshape(1, 1, -1)),
        spacing_mm=spacing,
    )


def scores(terrain: Terrain, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Returns the arrival of a 20 ml tumour."""
    grown = grow_scores(
        terrain,
        KINETICS,
        volume_ml=20.0,
        radius_mm=ball_radius_mm(20.0),
        pitch_mm=3.0,
        rng=np.random.default_rng(seed),
    )
    arrival: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = grown.arrival
    return arrival


def test_ranks_become_radii_of_balls() -> None:
    """The fullest voxel gets the radius of half a voxel's ball, the next that of one and a half; 0 is never reached."""
    found = ball_scores(np.array([[[0.0, 3.0, 5.0]]], dtype=np.float32), 2.0)
    assert found[0, 0, 2] == pytest.approx((3 * 4.0 / (4 * np.pi)) ** (1 / 3), rel=1e-5)
    assert found[0, 0, 1] == pytest.approx((3 * 12.0 / (4 * np.pi)) ** (1 / 3), rel=1e-5)
    assert np.isinf(found[0, 0, 0])


def test_coarse_and_fine_grid_agree_on_positions() -> None:
    """A linear ramp survives the way down and up again between the coarse grid's ends."""
    terrain = ground()
    grid = coarse_grid(terrain, 3.0)
    down, up = grid.down(), grid.up()
    ramp = np.arange(80, dtype=np.float64)
    np.testing.assert_allclose((up[0] @ (down[0] @ ramp))[:78], ramp[:78], atol=1e-3)
    assert down[2].shape == (27, 40)


def test_in_even_tissue_the_score_is_the_distance_from_the_centre() -> None:
    """Grown tumours are measured in mm like ellipsoids: within a coarse voxel of the distance, up to the radius."""
    terrain = ground()
    arrival = scores(terrain)
    x, y, z = terrain.offsets_mm
    distance = np.sqrt(x * x + y * y + z * z)
    shell = (distance > 5) & (distance < 15)
    assert np.abs(arrival - distance)[shell].max() < 3.0
    assert np.abs((arrival - distance)[shell].mean()) < 1.0


def test_growth_passes_only_through_the_bridge() -> None:
    """Through a gap in a wall cells reach the other side near the gap first; without a gap they never do."""
    terrain = ground()
    walled = terrain.allowed.copy()
    walled[48:54] = False
    closed = scores(replace(terrain, allowed=walled))
    assert np.isinf(closed[56:]).all()
    bridged = walled.copy()
    bridged[48:54, 32:48, 16:24] = True
    opened = scores(replace(terrain, allowed=bridged))
    assert opened[57, 40, 20] < opened[57, 64, 20]


def test_grey_matter_is_reached_later_than_white() -> None:
    """At 10 mm from the centre the half that is grey matter has the larger score."""
    terrain = ground()
    white = terrain.white.copy()
    white[:, 44:] = 0.0
    arrival = scores(replace(terrain, white=white))
    assert arrival[40, 52, 20] > arrival[40, 28, 20] + 4.0


def test_ground_without_a_place_to_grow_gives_no_tumour() -> None:
    """Where nothing is allowed every score is infinite."""
    terrain = ground()
    assert np.isinf(scores(replace(terrain, allowed=np.zeros_like(terrain.allowed)))).all()


def test_torch_agrees_with_numpy() -> None:
    """The same seed gives the same scores to a hundredth of a millimetre."""
    terrain = ground()
    x, y, z = (torch.asarray(offset) for offset in terrain.offsets_mm)
    moved = Terrain(
        allowed=torch.asarray(terrain.allowed),
        fluid=torch.asarray(terrain.fluid),
        white=torch.asarray(terrain.white),
        offsets_mm=(x, y, z),
        spacing_mm=terrain.spacing_mm,
    )
    ours, theirs = scores(terrain, 3), np.asarray(scores(moved, 3))
    reached = np.isfinite(ours) & (ours < 20)
    assert reached.any()
    np.testing.assert_allclose(theirs[reached], ours[reached], atol=0.01)
