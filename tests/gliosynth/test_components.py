"""Tests of gliosynth.components."""

import numpy as np
import pytest

from gliosynth.components import connected_components


def test_voxels_that_share_a_corner_belong_together() -> None:
    """26 neighbours: two voxels on a diagonal are one component, a third one apart is another."""
    mask = np.zeros((4, 4, 4), dtype=np.bool_)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[3, 3, 3] = True
    found = connected_components(mask)
    assert found[0, 0, 0] == found[1, 1, 1] != found[3, 3, 3]
    assert np.count_nonzero(found) == 3


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_line_of_voxels_has_its_components(axis: int) -> None:
    """A mask one voxel wide along two axes, of which cc3d alone fails on some, has as many components as gaps part."""
    line = np.moveaxis(np.array([1, 0, 1, 0, 1], dtype=np.bool_).reshape(5, 1, 1), 0, axis)
    assert np.unique(connected_components(line)).tolist() == [0, 1, 2, 3]
