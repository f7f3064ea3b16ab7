"""Tests of boxes, crops and their way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliosynth.geometry import Box
from gliosynth.segmentation.box import box_of, crop_slices, in_plane_box, paste_slices


def test_box_is_half_open_and_tight() -> None:
    """Two voxels span the box."""
    mask = np.zeros((5, 6, 7), dtype=np.bool_)
    mask[1, 2, 3] = mask[3, 2, 6] = True
    assert box_of(mask) == Box(start=(1, 2, 3), stop=(4, 3, 7))


def test_empty_mask_has_no_box() -> None:
    """None, not a box of size zero."""
    assert box_of(np.zeros((2, 2, 2), dtype=np.bool_)) is None


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        ((40, 40, 5), (50, 50, 9), ((37, 37), (53, 53))),
        ((0, 90, 5), (10, 100, 9), ((0, 84), (16, 100))),
        ((20, 20, 5), (36, 37, 9), ((20, 13), (36, 45))),
    ],
)
def test_in_plane_box_grows_to_the_multiple_inside_the_volume(
    start: tuple[int, int, int], stop: tuple[int, int, int], expected: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    """10 voxels become 16 around the centre, moved inside at a face; 16 stay 16; 17 become 32."""
    grown = in_plane_box(Box(start=start, stop=stop), (100, 100, 20), margin=0, multiple=16)
    assert (grown.start[:2], grown.stop[:2]) == expected
    assert (grown.start[2], grown.stop[2]) == (5, 9)


def test_in_plane_box_reaches_out_of_a_volume_that_is_too_small() -> None:
    """A volume of 10 voxels is centred in 16."""
    grown = in_plane_box(Box(start=(0, 0, 0), stop=(10, 10, 1)), (10, 10, 1), margin=0, multiple=16)
    assert (grown.start, grown.stop) == ((-3, -3, 0), (13, 13, 1))


@given(extent=st.integers(1, 60), first=st.integers(0, 59), length=st.integers(1, 60), margin=st.integers(0, 20))
def test_in_plane_box_always_holds_the_box(extent: int, first: int, length: int, margin: int) -> None:
    """Whatever the sizes: a multiple of 16 that loses no voxel of the box."""
    start = min(first, extent - 1)
    stop = min(start + length, extent)
    grown = in_plane_box(Box((start, start, 0), (stop, stop, 1)), (extent, extent, 1), margin=margin, multiple=16)
    assert grown.shape[0] % 16 == 0
    assert grown.start[0] <= start
    assert grown.stop[0] >= stop


def test_crop_is_zero_outside_the_volume_and_paste_returns_what_was_cropped() -> None:
    """Cropping and pasting are inverse inside the volume."""
    rng = np.random.default_rng(0)
    volume = rng.uniform(1.0, 2.0, size=(10, 12, 4)).astype(np.float32)
    box = Box(start=(-3, -2, 0), stop=(13, 14, 4))
    indices = np.array([3, 1])
    slices = crop_slices(volume, box, indices)
    assert slices.shape == (2, 16, 16)
    assert not slices[:, :3].any()
    np.testing.assert_array_equal(slices[0, 3:13, 2:14], volume[:, :, 3])
    target = np.zeros(volume.shape, dtype=np.bool_)
    paste_slices(target, box, indices, slices > 1.5)
    np.testing.assert_array_equal(target[:, :, [1, 3]], volume[:, :, [1, 3]] > 1.5)
    assert not target[:, :, [0, 2]].any()
