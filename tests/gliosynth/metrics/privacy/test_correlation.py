"""The correlation scan finds copies, also mirrored and turned ones."""

import numpy as np
import pytest
from scipy import ndimage

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.privacy import closest_by_correlation


def _images(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(count, 2, 12, 14, 10))
    return ndimage.gaussian_filter(white, (0, 0, 1.5, 1.5, 1.5)).astype(np.float32)


def test_a_copy_of_other_brightness_is_found() -> None:
    """Gain and offset do not hide a copy: correlation 1 with its record."""
    records = _images(1, 5)
    found = closest_by_correlation(3.0 * records[[3]] + 2.0, records)
    assert found.index.tolist() == [3]
    assert found.similarity[0] == pytest.approx(1.0)


def test_a_mirrored_copy_is_found() -> None:
    """Left and right exchanged: the correlation is 1 all the same."""
    records = _images(2, 5)
    found = closest_by_correlation(records[[2]][:, :, ::-1], records)
    assert found.index.tolist() == [2]
    assert found.similarity[0] == pytest.approx(1.0)


def test_a_turned_copy_is_nearer_with_turns() -> None:
    """A record turned by 10 degrees is found again by the turn of 10, and hardly without it."""
    records = _images(3, 5)
    turned = ndimage.rotate(records[[1]], 10.0, axes=(2, 3), reshape=False, order=1, mode="nearest")
    with_turns = closest_by_correlation(turned, records)
    without = closest_by_correlation(turned, records, turns_deg=(0.0,))
    assert with_turns.index.tolist() == [1]
    assert with_turns.similarity[0] > 0.99 > without.similarity[0]


def test_other_images_stay_far() -> None:
    """Independent images correlate weakly with every record."""
    assert closest_by_correlation(_images(4, 6), _images(5, 6)).similarity.max() < 0.5


def test_within_one_set_nobody_is_his_own_copy() -> None:
    """An image is not compared with itself, but with its twin."""
    images = _images(6, 4)
    images[3] = images[0]
    found = closest_by_correlation(images, images, same_set=True)
    assert found.index[[0, 3]].tolist() == [3, 0]
    assert found.similarity[[0, 3]] == pytest.approx([1.0, 1.0])
    assert found.similarity[[1, 2]].max() < 0.6


def test_a_constant_image_correlates_with_nothing() -> None:
    """Where nothing varies, nothing goes together."""
    assert closest_by_correlation(np.ones((1, 2, 12, 14, 10), np.float32), _images(7, 3)).similarity[0] == 0.0


def test_more_images_than_a_block_get_the_same_answer() -> None:
    """Comparing in blocks changes no result."""
    images = np.random.default_rng(8).normal(size=(600, 1, 2, 3, 2)).astype(np.float32)
    whole = closest_by_correlation(images, images, same_set=True, turns_deg=(0.0,))
    last = closest_by_correlation(images[590:], images[:590], turns_deg=(0.0,))
    outside = whole.index[590:] < 590
    assert np.allclose(whole.similarity[590:][outside], last.similarity[outside])


def test_grids_must_agree() -> None:
    """Images of another grid are refused, and so is a scan without records."""
    with pytest.raises(InvalidParameterError):
        closest_by_correlation(_images(1, 2), _images(1, 2)[:, :, 1:])
    with pytest.raises(InvalidParameterError):
        closest_by_correlation(_images(1, 1), _images(1, 1), same_set=True)
