"""Surface elements: areas that can be worked out by hand."""

import numpy as np
import pytest

from gliosynth.metrics.surfel import FULL_CODE, neighbour_codes, surfel_areas_mm2


def area_mm2(mask: np.ndarray, spacing_mm: tuple[float, float, float]) -> float:
    """Whole surface of a mask."""
    return float(surfel_areas_mm2(spacing_mm)[neighbour_codes(mask)].sum())


def test_code_has_one_bit_for_each_voxel_around_a_corner() -> None:
    """A single voxel is the last of its first corner (bit 0) and the first of its last corner (bit 7)."""
    codes = neighbour_codes(np.ones((1, 1, 1), dtype=np.bool_))
    assert codes.shape == (2, 2, 2)
    assert codes.ravel().tolist() == [1, 2, 4, 8, 16, 32, 64, 128]


def test_inner_corner_is_no_surface() -> None:
    """The corner in the middle of eight voxels has the full code and no area."""
    codes = neighbour_codes(np.ones((2, 2, 2), dtype=np.bool_))
    assert codes[1, 1, 1] == FULL_CODE
    assert surfel_areas_mm2((1.0, 1.0, 1.0))[[0, FULL_CODE]].tolist() == [0.0, 0.0]


def test_single_voxel_is_an_octahedron() -> None:
    """Eight triangles of normal (1, 1, 1)/8 voxel faces: for 1 mm voxels 8 sqrt(3)/8 mm²."""
    voxel = np.ones((1, 1, 1), dtype=np.bool_)
    assert area_mm2(voxel, (1.0, 1.0, 1.0)) == pytest.approx(np.sqrt(3))
    assert area_mm2(voxel, (2.0, 3.0, 4.0)) == pytest.approx(np.sqrt(12.0**2 + 8.0**2 + 6.0**2))


@pytest.mark.parametrize(("axis", "face_mm2"), [(0, 12.0), (1, 8.0), (2, 6.0)])
def test_flat_face_has_its_own_area(axis: int, face_mm2: float) -> None:
    """A corner between four inner and four outer voxels carries one voxel face of 2 x 3 x 4 mm voxels."""
    mask = np.zeros((4, 4, 4), dtype=np.bool_)
    np.moveaxis(mask, axis, 0)[:2] = True
    corner = np.moveaxis(neighbour_codes(mask), axis, 0)[2, 2, 2]
    assert surfel_areas_mm2((2.0, 3.0, 4.0))[corner] == pytest.approx(face_mm2)


def test_complement_has_the_same_surface() -> None:
    """Inside and outside share their surface."""
    areas = surfel_areas_mm2((1.0, 2.0, 3.0))
    assert areas.tolist() == areas[::-1].tolist()
    assert (areas[1:-1] > 0).all()


def test_table_is_the_published_one() -> None:
    """Areas at 2 x 3 x 5 mm, each code weighted by its square so that exchanged entries show.

    The sum is that of surface-distance 0.1, ``create_table_neighbour_code_to_surface_area((2, 3, 5))``.
    """
    weighted = float(surfel_areas_mm2((2.0, 3.0, 5.0)) @ np.arange(256.0) ** 2)
    assert weighted == pytest.approx(55586916.61374395, rel=1e-12)


def test_ball_has_about_the_area_of_a_ball() -> None:
    """A ball of radius 12 voxels: within 10 % of 4 pi r², where counting voxel faces would be 50 % too high."""
    grid = np.indices((27, 27, 27)) - 13
    ball = (grid**2).sum(axis=0) <= 12**2
    assert area_mm2(ball, (1.0, 1.0, 1.0)) == pytest.approx(4 * np.pi * 12**2, rel=0.1)
