"""Tests of gliosynth.brain_map: bands, closing and moved tumours worked out by hand, and a plain reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from gliosynth.brain_map import (
    BrainChannel,
    brain_map_of,
    build_brain_map,
    channels_of,
    check_brain_map,
    closed_in_slice,
    move_tumour,
    tumour_of,
)
from gliosynth.errors import InvalidCaseError, InvalidLabelError, InvalidParameterError

NCR, ED, ET, P1, P2, P3, P4, OUT = (int(channel) for channel in BrainChannel)


def one_slice(rows: list[list[float]], dtype: type = np.float32) -> np.ndarray:
    """Rows along X, columns along Y, one slice."""
    return np.array(rows, dtype=dtype)[..., None]


def reference(image: np.ndarray, tumour: np.ndarray, brain: np.ndarray, moved_from: np.ndarray) -> np.ndarray:
    """The rule of METHODS.md A.002, voxel by voxel and slice by slice, as it is written there."""
    result = np.full(image.shape, OUT, np.uint8)
    square = np.ones((3, 3), bool)
    for z in range(image.shape[2]):
        inside = brain[:, :, z]
        if inside.any():
            largest = image[:, :, z][inside].max()
            level = np.select([image[:, :, z] > share * largest for share in (0.75, 0.5, 0.25)], [P1, P2, P3], P4)
            for band in (P4, P3, P2, P1):
                mask = np.pad((level == band) & inside, 2)
                closed = ndimage.binary_erosion(ndimage.binary_dilation(mask, square), square)[2:-2, 2:-2]
                result[:, :, z][closed & inside] = band
        result[:, :, z][moved_from[:, :, z] > 0] = P3
        for label, channel in ((1, NCR), (2, ED), (3, ET)):
            result[:, :, z][tumour[:, :, z] == label] = channel
    return result


def test_bands_are_shares_of_the_largest_intensity_of_the_slice() -> None:
    """Of 100: above 75, above 50, above 25, the rest; exactly 75, 50 and 25 belong to the band below; 0 is outside."""
    image = one_slice([[100, 76, 75, 51, 50, 26, 25, 1, 0]])
    brain = image > 0
    built = build_brain_map(image, np.zeros(image.shape, np.uint8), brain=brain)
    assert built.ravel().tolist() == [P1, P1, P2, P2, P3, P3, P4, P4, OUT]


def test_every_slice_has_its_own_largest_intensity() -> None:
    """60 is the brightest band where it is the largest, and the second where 100 is; along X and along Z."""
    image = np.array([[[60.0, 100.0]], [[60.0, 60.0]]], np.float32)
    nothing, brain = np.zeros(image.shape, np.uint8), np.ones(image.shape, bool)
    assert build_brain_map(image, nothing, brain=brain)[..., 0].ravel().tolist() == [P1, P1]
    assert build_brain_map(image, nothing, brain=brain)[..., 1].ravel().tolist() == [P1, P2]
    assert build_brain_map(image, nothing, brain=brain, slice_axis=0)[0].ravel().tolist() == [P2, P1]


def test_closing_fills_a_speck_and_the_brighter_band_keeps_it() -> None:
    """One dark voxel among bright ones joins them, a gap of two voxels as well, and one of three stays open."""
    image = one_slice([[90] * 5, [90] * 5, [90, 90, 30, 90, 90], [90] * 5, [90] * 5])
    built = build_brain_map(image, np.zeros(image.shape, np.uint8), brain=np.ones(image.shape, bool))
    assert (built == P1).all()
    for gap, expected in (([30, 30], [P1, P1]), ([30, 30, 30], [P3, P3, P3])):
        row = one_slice([[90, *gap, 90]])
        closed = build_brain_map(row, np.zeros(row.shape, np.uint8), brain=np.ones(row.shape, bool))
        assert closed.ravel().tolist() == [P1, *expected, P1]


def test_the_tumour_takes_its_voxels_from_the_bands() -> None:
    """New lesion voxels have no band, and lie where they are even outside the brain."""
    image = one_slice([[100, 100, 100, 100, 0]])
    tumour = one_slice([[0, 1, 2, 3, 2]], np.uint8)
    built = build_brain_map(image, tumour, brain=image > 0)
    assert built.ravel().tolist() == [P1, NCR, ED, ET, ED]


def test_what_a_moved_tumour_leaves_becomes_the_third_band() -> None:
    """Old voxels are P3 whatever their intensity, unless the tumour is there again."""
    image = one_slice([[100, 100, 100, 100, 100]])
    old, new = one_slice([[3, 3, 2, 0, 0]], np.uint8), one_slice([[0, 0, 3, 1, 0]], np.uint8)
    built = build_brain_map(image, new, brain=image > 0, moved_from=old)
    assert built.ravel().tolist() == [P3, P3, ET, NCR, P1]


def test_moving_the_tumour_of_a_brain_map_is_the_same_rule() -> None:
    """Channels alone are enough: the old tumour becomes P3, the new one takes its voxels; the rest stays."""
    before = one_slice([[ET, ED, P1, P4, OUT]], np.uint8)
    after = move_tumour(before, one_slice([[0, 0, 3, 2, 0]], np.uint8))
    assert after.ravel().tolist() == [P3, P3, ET, ED, OUT]
    assert tumour_of(after).ravel().tolist() == [0, 0, 3, 2, 0]


def test_channels_are_one_hot_and_come_back() -> None:
    """Eight channels in the order of A.002; exactly one at every voxel."""
    brain_map = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    channels = channels_of(brain_map)
    assert channels.shape == (8, 2, 2, 2)
    assert np.array_equal(channels.reshape(8, 8), np.eye(8, dtype=bool))
    assert np.array_equal(brain_map_of(channels), brain_map)
    for wrong in (channels | channels[:1], np.zeros_like(channels), channels[:7]):
        with pytest.raises(InvalidLabelError) as caught:
            brain_map_of(wrong)
        assert caught.value.reason == "NOT_ONE_HOT"


@given(
    image=hnp.arrays(np.float32, (7, 6, 3), elements=st.integers(0, 20).map(float)),
    tumour=hnp.arrays(np.uint8, (7, 6, 3), elements=st.sampled_from([0, 0, 0, 1, 2, 3])),
    old=hnp.arrays(np.uint8, (7, 6, 3), elements=st.sampled_from([0, 0, 0, 1, 2, 3])),
)
@settings(max_examples=60, deadline=None)
def test_the_fast_path_is_the_plain_reference(image, tumour, old) -> None:
    """Any image, any tumour, any move."""
    brain = image > 0
    brain[3, 3, 1] = True
    assert np.array_equal(
        build_brain_map(image, tumour, brain=brain, moved_from=old), reference(image, tumour, brain, old)
    )


@given(mask=hnp.arrays(np.bool_, (6, 7, 2)))
@settings(max_examples=40, deadline=None)
def test_closing_is_that_of_scipy_in_each_slice(mask) -> None:
    """Padded, so that the border of the array does not count as neighbours."""
    expected = ndimage.binary_closing(np.pad(mask, ((1, 1), (1, 1), (0, 0))), np.ones((3, 3, 1)))[1:-1, 1:-1]
    assert np.array_equal(closed_in_slice(mask, (0, 1)), expected)


def test_what_cannot_be_a_brain_map_is_refused() -> None:
    """Another shape, no brain, a normalised image, no such axis, values that are no channels."""
    image, nothing = np.ones((3, 3, 3), np.float32), np.zeros((3, 3, 3), np.uint8)
    brain = np.ones((3, 3, 3), bool)
    for wrong in ({"tumour": nothing[1:]}, {"brain": brain[1:]}, {"moved_from": nothing[1:]}):
        arguments = {"tumour": nothing, "brain": brain, "moved_from": None} | wrong
        with pytest.raises(InvalidCaseError) as mismatch:
            build_brain_map(image, arguments.pop("tumour"), **arguments)
        assert (mismatch.value.reason, mismatch.value.field) == ("SHAPE_MISMATCH", next(iter(wrong)))
    with pytest.raises(InvalidLabelError, match="no voxel"):
        build_brain_map(image, nothing, brain=~brain)
    with pytest.raises(InvalidParameterError, match="before it was normalised"):
        build_brain_map(image - 2, nothing, brain=brain)
    with pytest.raises(InvalidParameterError) as axis:
        build_brain_map(image, nothing, brain=brain, slice_axis=3)
    assert axis.value.field == "slice_axis"
    with pytest.raises(InvalidLabelError) as values:
        check_brain_map(np.array([0, 8]), name="map")
    assert values.value.reason == "NOT_A_BRAIN_MAP"
