"""Linear resampling: exact on linear images, zero outside, and untouched zeros."""

import numpy as np

from gliosynth.geometry import Grid, apply_affine, isotropic_grid
from gliosynth.preprocessing.resampling import resample
from gliosynth.volume import Volume


def ramp(grid: Grid) -> Volume[np.float64]:
    """Returns an image that is 3x - 2y + z + 500 in world mm."""
    points = apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
    return Volume(points @ (3.0, -2.0, 1.0) + 500.0, grid.affine)


def test_a_linear_image_is_reproduced_on_any_grid(oblique_grid: Grid, square_grid: Grid) -> None:
    """Linear interpolation of a linear image is exact, between its outermost centres."""
    source = ramp(oblique_grid)
    sampled = resample(source, square_grid)
    expected = ramp(square_grid).data
    index = apply_affine(
        np.linalg.inv(oblique_grid.affine) @ square_grid.affine, np.moveaxis(np.indices(square_grid.shape), 0, -1)
    )
    between = ((index >= 0.01) & (index <= np.array(oblique_grid.shape) - 1.01)).all(axis=-1)
    beyond = ((index < -0.51) | (index > np.array(oblique_grid.shape) - 0.49)).any(axis=-1)
    assert between.sum() > 5e4
    np.testing.assert_allclose(sampled[between], expected[between], atol=0.01)
    assert not sampled[beyond].any()


def test_the_outer_half_of_the_border_voxels_keeps_their_value() -> None:
    """Two 4 mm slices of 10 and 20 are 8 mm: 10, 10, 11.25, 13.75, ... 20, 20 at 1 mm."""
    data = np.broadcast_to(np.array([10.0, 20.0]), (2, 2, 2)).copy()
    source = Volume(data, np.diag([1.0, 1.0, 4.0, 1.0]))
    grid = isotropic_grid(Grid.of(data.shape, source.affine), 1.0)
    assert resample(source, grid)[0, 0].tolist() == [10.0, 10.0, 11.25, 13.75, 16.25, 18.75, 20.0, 20.0]


def test_the_same_grid_gives_the_same_voxels(oblique_grid: Grid) -> None:
    """Sampling at the centres returns the values there, to rounding of the coordinates."""
    data = np.random.default_rng(0).uniform(0, 1000, oblique_grid.shape)
    np.testing.assert_allclose(resample(Volume(data, oblique_grid.affine), oblique_grid), data, atol=1e-3)


def test_exact_zeros_stay_exact_zeros(square_grid: Grid) -> None:
    """The background of a stripped image is not smeared."""
    data = np.zeros(square_grid.shape)
    data[20:35, 20:35, 20:35] = 100.0
    sampled = resample(Volume(data, square_grid.affine), isotropic_grid(square_grid, 2.0))
    far = resample(Volume((data > 0).astype(float), square_grid.affine), isotropic_grid(square_grid, 2.0)) == 0
    assert far.mean() > 0.9
    assert (sampled[far] == 0).all()


def test_a_transform_moves_the_sampling_points(square_grid: Grid) -> None:
    """A shift by two voxels along X samples the voxel two further."""
    data = np.random.default_rng(1).uniform(0, 1, square_grid.shape)
    shift = np.eye(4)
    shift[0, 3] = 6.0
    moved = resample(Volume(data, square_grid.affine), square_grid, transform=shift)
    np.testing.assert_allclose(moved[:-2], data[2:], atol=1e-5)
    assert not moved[-2:].any()


def test_fine_noise_is_averaged_before_it_is_thinned() -> None:
    """0.25 mm noise of deviation 1 on a 1 mm grid has a deviation well below the .3 that plain sampling would leave."""
    data = np.random.default_rng(2).normal(0, 1, (80, 80, 80))
    source = Volume(data, np.diag([0.25, 0.25, 0.25, 1.0]))
    assert resample(source, isotropic_grid(Grid.of(data.shape, source.affine), 1.0)).std() < 0.15
