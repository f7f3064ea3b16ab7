"""Tests of the clean-up of region masks."""

import numpy as np

from gliosynth.segmentation.postprocess import (
    drop_far_fragments,
    drop_small_components,
    fill_holes,
    largest_component,
)


def test_component_of_the_limit_is_kept_and_one_below_is_dropped() -> None:
    """A limit of 4 keeps 4 voxels and drops 3."""
    mask = np.zeros((10, 3, 3), dtype=np.bool_)
    mask[0:4, 1, 1] = True
    mask[6:9, 1, 1] = True
    filtered = drop_small_components(mask, minimum_voxels=4)
    assert np.argwhere(filtered.mask)[:, 0].tolist() == [0, 1, 2, 3]
    assert (filtered.kept_components, filtered.dropped_components, filtered.dropped_voxels) == (1, 1, 3)


def test_voxels_that_share_only_a_corner_are_one_component() -> None:
    """The 26-neighbourhood joins corners."""
    mask = np.zeros((3, 3, 3), dtype=np.bool_)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[2, 2, 2] = True
    assert drop_small_components(mask, minimum_voxels=3).mask.sum() == 3


def test_a_small_piece_far_from_the_largest_is_dropped_a_near_or_a_large_one_is_kept() -> None:
    """Of 20 voxels and pieces of 1 (3 away), 1 (9 away) and 5 (15 away), only the small far one goes."""
    mask = np.zeros((50, 1, 1), dtype=np.bool_)
    mask[0:20] = True
    near, far, large = 22, 28, slice(34, 39)
    mask[near] = mask[far] = True
    mask[large] = True
    whole = drop_small_components(mask, minimum_voxels=1)
    filtered = drop_far_fragments(whole, least_share=0.2, distance_voxels=5)
    assert filtered.mask[near]
    assert not filtered.mask[far]
    assert filtered.mask[large].all()
    assert (filtered.kept_components, filtered.dropped_components, filtered.dropped_voxels) == (3, 1, 1)


def test_empty_mask_stays_empty_everywhere() -> None:
    """Nothing in, nothing out, no error."""
    empty = np.zeros((4, 4, 4), dtype=np.bool_)
    filtered = drop_small_components(empty, minimum_voxels=1)
    assert not filtered.mask.any()
    assert filtered.kept_components == 0
    assert not largest_component(empty).any()
    assert not fill_holes(empty).any()


def test_largest_component_keeps_the_larger_of_two() -> None:
    """Five voxels win over two."""
    mask = np.zeros((9, 1, 1), dtype=np.bool_)
    mask[0:2] = True
    mask[3:8] = True
    assert np.flatnonzero(largest_component(mask)).tolist() == [3, 4, 5, 6, 7]


def test_closed_cavity_is_filled_and_open_one_is_not() -> None:
    """A hole needs a wall on all six sides."""
    shell = np.ones((3, 3, 3), dtype=np.bool_)
    shell[1, 1, 1] = False
    assert fill_holes(shell).all()
    shell[1, 1, 2] = False
    assert fill_holes(shell).sum() == 25


def test_input_masks_are_left_as_they_were() -> None:
    """The functions return new masks."""
    mask = np.ones((3, 3, 3), dtype=np.bool_)
    mask[1, 1, 1] = False
    before = mask.copy()
    fill_holes(mask)
    drop_small_components(mask, minimum_voxels=100)
    largest_component(mask)
    np.testing.assert_array_equal(mask, before)
