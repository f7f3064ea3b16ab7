"""Grids, boxes and orientations: hand-worked coordinates and exact inverses."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliosynth.errors import InvalidVolumeError
from gliosynth.geometry import (
    Box,
    Grid,
    aligned_grid,
    apply_affine,
    axis_codes,
    bounding_box,
    centroid_mm,
    crop,
    crop_affine,
    grid_of,
    grow_to_multiple,
    isotropic_grid,
    ras_grid,
    reorient_to_ras,
    uncrop,
)
from gliosynth.volume import Volume

LPS = np.array([[-1.0, 0, 0, 0], [0, -1.0, 0, 239], [0, 0, 1.0, 0], [0, 0, 0, 1]])
OBLIQUE = np.array([[-0.9, 0.02, 0.30, 90], [-0.015, 0.86, -1.57, -71], [0.05, 0.26, 5.26, -98], [0, 0, 0, 1.0]])


def test_axis_codes_name_where_the_axes_point() -> None:
    """The BraTS affine is LPS, the oblique one closest to LAS."""
    assert axis_codes(LPS) == ("L", "P", "S")
    assert axis_codes(OBLIQUE) == ("L", "A", "S")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_reorienting_moves_no_voxel_in_the_world(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    """In any of the orientations, the brightest voxel stays at its place in mm and the axes become RAS."""
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] @ np.diag(np.array(flips) * [1.0, 2.0, 3.0])
    affine[:3, 3] = (7, -5, 3)
    data = np.zeros((4, 5, 6), dtype=np.int16)
    data[1, 3, 2] = 9
    turned = reorient_to_ras(Volume(data, affine))
    assert axis_codes(turned.affine) == ("R", "A", "S")
    found = np.argwhere(turned.data == 9)[0]
    np.testing.assert_allclose(apply_affine(turned.affine, found), apply_affine(affine, (1, 3, 2)))
    assert ras_grid(Grid.of(data.shape, affine)).matches(grid_of(turned))


def test_isotropic_grid_covers_the_same_box() -> None:
    """4 x 3 x 2 voxels of 2 x 1 x 5 mm are 8 x 3 x 10 voxels of 1 mm with the same corners."""
    grid = Grid.of((4, 3, 2), np.diag([2.0, 1.0, 5.0, 1.0]))
    fine = isotropic_grid(grid, 1.0)
    assert fine.shape == (8, 3, 10)
    np.testing.assert_allclose(fine.affine[:3, 3], (-0.5, 0.0, -2.0))
    np.testing.assert_allclose(np.sort(fine.corners, axis=0), np.sort(grid.corners, axis=0))


def test_isotropic_grid_of_an_oblique_scan_keeps_its_axes_and_covers_it() -> None:
    """The new axes are the scan's, orthogonal, of 1 mm, and every corner of the scan is inside."""
    grid = Grid.of((208, 256, 26), OBLIQUE)
    fine = isotropic_grid(grid, 1.0)
    axes = fine.affine[:3, :3]
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    assert axis_codes(fine.affine) == ("R", "A", "S")
    index = apply_affine(np.linalg.inv(fine.affine), grid.corners)
    assert (index >= -0.5 - 1e-2).all()
    assert (index <= np.array(fine.shape) - 0.5 + 1e-2).all()


def test_a_grid_of_the_wanted_spacing_is_only_reordered() -> None:
    """1 mm stays what it is, so that no voxel is interpolated; header rounding does not count."""
    grid = Grid.of((240, 240, 155), LPS * (1 + 1e-6))
    assert isotropic_grid(grid, 1.0) == ras_grid(grid)


def test_aligned_grid_takes_a_spacing_per_axis() -> None:
    """8 mm at 1, 2 and 4 mm are 8, 4 and 2 voxels."""
    assert aligned_grid(Grid.of((8, 8, 8), np.eye(4)), (1.0, 2.0, 4.0)).shape == (8, 4, 2)


def test_centroid_is_the_mean_position() -> None:
    """Voxels (0,0,0) and (2,0,1) have the centroid (1,0,.5), doubled in mm by the affine, moved by its origin."""
    mask = np.zeros((3, 2, 2), dtype=np.bool_)
    mask[0, 0, 0] = mask[2, 0, 1] = True
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (10, 20, 30)
    np.testing.assert_allclose(centroid_mm(mask, affine), (12.0, 20.0, 31.0))


def test_bounding_box_with_margin_stays_in_the_grid() -> None:
    """One voxel at (1, 2, 3) with margins 2, 1, 0."""
    mask = np.zeros((5, 5, 5), dtype=np.bool_)
    mask[1, 2, 3] = True
    assert bounding_box(mask) == Box((1, 2, 3), (2, 3, 4))
    assert bounding_box(mask, margin=(2, 1, 0)) == Box((0, 1, 3), (4, 4, 4))


def test_an_empty_mask_has_neither_box_nor_centroid() -> None:
    """Both refuse it by name."""
    empty = np.zeros((2, 2, 2), dtype=np.bool_)
    with pytest.raises(InvalidVolumeError, match="empty"):
        bounding_box(empty)
    with pytest.raises(InvalidVolumeError, match="empty"):
        centroid_mm(empty, np.eye(4))


def test_a_box_grows_evenly_to_a_multiple() -> None:
    """Sides 13, 16 and 5 become 16 (1 before, 2 behind), 16 and 5."""
    grown = grow_to_multiple(Box((0, 4, 7), (13, 20, 12)), (16, 16, 1))
    assert grown == Box((-1, 4, 7), (15, 20, 12))


@settings(max_examples=50, deadline=None)
@given(
    start=st.tuples(*[st.integers(-4, 7)] * 3),
    size=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_uncropping_puts_each_voxel_back(start: tuple[int, int, int], size: tuple[int, int, int]) -> None:
    """Voxels inside the box return to their places, all others are 0, wherever the box lies."""
    data = np.arange(1, 211).reshape(5, 6, 7)
    box = Box(start, (start[0] + size[0], start[1] + size[1], start[2] + size[2]))
    inside = np.zeros(data.shape, dtype=np.bool_)
    inside[tuple(slice(max(0, a), max(0, b)) for a, b in zip(box.start, box.stop, strict=True))] = True
    np.testing.assert_array_equal(uncrop(crop(data, box), box, (5, 6, 7)), np.where(inside, data, 0))


def test_the_affine_of_a_crop_places_it_where_it_was() -> None:
    """Voxel 0 of the crop lies where voxel (2, -1, 3) of the grid lies."""
    moved = crop_affine(OBLIQUE, Box((2, -1, 3), (4, 4, 4)))
    np.testing.assert_allclose(moved[:3, 3], apply_affine(OBLIQUE, (2, -1, 3)))
