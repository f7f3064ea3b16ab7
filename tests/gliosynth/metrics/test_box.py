"""Boxes: the smallest block that holds what counts."""

import numpy as np
import pytest

from gliosynth.errors import InvalidLabelError
from gliosynth.metrics.box import Box, bounding_box, common_box


def test_box_holds_every_labelled_voxel_and_no_more() -> None:
    """The box starts at the first labelled voxel of each axis and stops one past the last."""
    labels = np.zeros((6, 7, 8), dtype=np.uint8)
    labels[1, 5, 2] = 2
    labels[4, 3, 6] = 3
    assert bounding_box(labels) == Box((1, 3, 2), (5, 6, 7))


def test_fortran_order_gives_the_same_box() -> None:
    """Files arrive in Fortran order; the answer does not depend on it."""
    labels = np.zeros((6, 7, 8), dtype=np.uint8)
    labels[1, 5, 2] = 1
    assert bounding_box(np.asfortranarray(labels)) == Box((1, 5, 2), (2, 6, 3))


def test_view_with_gaps_gives_the_same_box() -> None:
    """A strided view is read as it stands."""
    mask = np.zeros((8, 8, 8), dtype=np.bool_)
    mask[4, 2, 6] = True
    assert bounding_box(mask[::2, ::2, ::2]) == Box((2, 1, 3), (3, 2, 4))


def test_empty_mask_has_no_box() -> None:
    """Nothing labelled, no box; beside another mask the other's box holds both."""
    empty, full = np.zeros((3, 3, 3), dtype=np.bool_), np.ones((3, 3, 3), dtype=np.bool_)
    assert bounding_box(empty) is None
    assert common_box(empty, empty) is None
    assert common_box(empty, full) == Box((0, 0, 0), (3, 3, 3))


def test_union_and_margin_stay_on_the_grid() -> None:
    """A union spans both boxes, a margin ends at the borders of the grid."""
    box = Box((1, 2, 3), (2, 3, 4)).union(Box((0, 4, 3), (1, 5, 4)))
    assert box == Box((0, 2, 3), (2, 5, 4))
    assert box.voxel_count == 2 * 3 * 1
    assert box.grown(2, shape=(3, 5, 9)) == Box((0, 0, 1), (3, 5, 6))


@pytest.mark.parametrize("wrong", [np.zeros((3, 3), dtype=np.bool_), np.zeros((3, 3, 3), dtype=np.int32)])
def test_array_that_is_no_mask_is_refused(wrong: np.ndarray) -> None:
    """Neither two dimensions nor wide integers are read as a mask."""
    with pytest.raises(InvalidLabelError, match="3D array of bool or uint8"):
        bounding_box(wrong)
