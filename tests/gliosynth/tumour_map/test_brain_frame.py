"""Tests of the brain's frame: an ellipsoid whose proportions are known, in any orientation, tilted and cut."""

import numpy as np
import pytest

from gliosynth.anatomy import load_anatomy
from gliosynth.geometry import Grid, apply_affine
from gliosynth.tumour_map.brain_frame import frame_of


def test_the_frame_of_an_ellipsoid_is_its_box(ellipsoid_head) -> None:
    """Midplane at x = 0, half as wide as 68 mm, from y = -86 to 86, up to z = 70; the voxels' centres lie inside."""
    frame = frame_of(ellipsoid_head.brain, ellipsoid_head.grid)
    assert frame.midplane == pytest.approx([0, 0, 0], abs=0.01)
    assert frame.half_width_mm == pytest.approx(68, abs=4)
    assert (frame.front_mm, frame.length_mm, frame.top_mm) == pytest.approx((86, 172, 70), abs=5)


def test_places_are_proportions_of_talairachs_brain(ellipsoid_head) -> None:
    """The front pole has y = 70, the back pole -102, the vertex z = 74, the right side x = 68; and back again."""
    frame = frame_of(ellipsoid_head.brain, ellipsoid_head.grid)
    points = np.array([[0, 86, 0], [0, -86, 0], [0, 0, 70], [68, 0, 0], [-68.0, 0, 0]])
    places = frame.places_of(points)
    assert places[0, 1] == pytest.approx(70, abs=4)
    assert places[1, 1] == pytest.approx(-102, abs=4)
    assert places[2, 2] == pytest.approx(74, abs=4)
    assert places[3:, 0] == pytest.approx([68, -68], abs=5)
    assert frame.points_of(places) == pytest.approx(points)


def test_the_frame_does_not_depend_on_the_order_of_the_axes(ellipsoid_head) -> None:
    """The same head on axes P, S, L."""
    grid = ellipsoid_head.grid
    flipped = np.transpose(ellipsoid_head.brain, (1, 2, 0))[::-1, :, ::-1]
    x, y, z = grid.shape
    affine = grid.affine @ np.array([[0, 0, -1, x - 1], [-1, 0, 0, y - 1], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    assert np.array_equal(flipped[3, 20, 5], ellipsoid_head.brain[x - 6, y - 4, 20])
    frames = [frame_of(ellipsoid_head.brain, grid), frame_of(flipped, Grid.of((y, z, x), affine))]
    points = np.random.default_rng(0).uniform(-60, 60, (20, 3))
    # Every other voxel is looked at, and which ones depends on where a grid begins.
    assert frames[0].places_of(points) == pytest.approx(frames[1].places_of(points), abs=3)


def test_a_turned_head_has_a_turned_midplane() -> None:
    """A real brain that looks 10 degrees to a side: its plane of symmetry turns with it, to 2 mm on average."""
    anatomy = load_anatomy("head_02")
    angle = np.radians(10)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    constant, per_y, per_z = anatomy.midline
    frames = [frame_of(anatomy.brain, Grid.of(anatomy.brain.shape, by @ anatomy.affine)) for by in (np.eye(4), turn)]
    voxels = np.argwhere(anatomy.brain)[::500].astype(float)
    across = (voxels[:, 0] - (constant + voxels[:, 1:] @ [per_y, per_z])) / np.sqrt(1 + per_y**2 + per_z**2)
    for frame, by in zip(frames, (np.eye(4), turn), strict=True):
        points = apply_affine(by @ anatomy.affine, voxels)
        half_way = np.linalg.norm(apply_affine(frame.mirror(), points) - points, axis=1) / 2
        assert np.abs(half_way - np.abs(across)).mean() < 2
        assert frame.mirror() @ frame.mirror() == pytest.approx(np.eye(4))
