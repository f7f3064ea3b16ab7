"""The midline of a head, bent to its fissure."""

import numpy as np
import pytest

from gliosynth.anatomy import Anatomy, Tissue, anatomy_names, load_anatomy
from gliosynth.tumour.midline import midline_bend, side_of


def slab(offset: int) -> Anatomy:
    """Returns a block of white matter whose front half has a fissure `offset` voxels to the right of the plane."""
    tissues = np.full((41, 60, 40), Tissue.WHITE_MATTER, dtype=np.uint8)
    tissues[20 + offset, 30:] = Tissue.SULCAL_CSF
    brain = np.ones(tissues.shape, dtype=np.bool_)
    return Anatomy("slab", tissues, brain, np.eye(4), np.array([20.0, 0.0, 0.0]), np.array([20.0, 30.0, 20.0]), 98.4)


@pytest.mark.parametrize("offset", [-4, 0, 3])
def test_the_midline_follows_the_fissure_and_is_straight_where_there_is_none(offset: int) -> None:
    """Deep in the front half it lies at the fissure to half a voxel, deep in the back half at the plane."""
    bend = midline_bend(slab(offset))
    assert bend.shape == (60, 40)
    assert bend[55, 20] == pytest.approx(0.75 * offset, abs=0.3 * abs(offset) + 1e-6)
    assert bend[5, 20] == pytest.approx(0.0, abs=0.1)


def test_the_side_is_measured_from_the_bent_midline() -> None:
    """A point on the bent midline has side 0, one voxel to its right side 1."""
    anatomy = slab(3)
    bend = float(midline_bend(anatomy)[55, 20])
    points = np.array([[20.0 + bend, 55.0, 20.0], [21.0 + bend, 55.0, 20.0], [20.0, 5.0, 20.0]])
    np.testing.assert_allclose(side_of(anatomy, points), [0.0, 1.0, -float(midline_bend(anatomy)[5, 20])], atol=1e-5)


@pytest.mark.parametrize("name", anatomy_names()[:3])
def test_real_heads_bend_by_a_few_voxels_and_halve_their_white_matter(name: str) -> None:
    """The bend stays below 4 voxels, and half of the white matter lies on either side."""
    anatomy = load_anatomy(name)
    bend = midline_bend(anatomy)
    assert 0.1 < np.abs(bend).max() < 4.0
    white = np.argwhere(anatomy.tissues[::3, ::3, ::3] == Tissue.WHITE_MATTER) * 3.0
    assert (side_of(anatomy, white) > 0).mean() == pytest.approx(0.5, abs=0.04)
