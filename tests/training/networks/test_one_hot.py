"""Tests of training.networks.one_hot: every class of every map has its channel."""

import torch

from training.networks.one_hot import brain_of, class_masks, input_channels, one_hot

MAPS = torch.tensor([[[[0, 1, 2, 7]], [[0, 1, 2, 7]]], [[[3, 4, 5, 6]], [[6, 3, 4, 5]]]], dtype=torch.uint8)
"""Two slices of 1 x 4 pixels in two contrasts: tumour and background, then bands that differ between contrasts."""


def test_each_pixel_lights_tumour_or_background_once() -> None:
    """NCR, ED, ET and background are shared by the contrasts: one channel each."""
    lit = one_hot(MAPS)[0, :, 0].argmax(dim=0).tolist()
    assert lit == [0, 1, 2, 11]
    assert one_hot(MAPS)[0].sum(dim=0).tolist() == [[1, 1, 1, 1]]


def test_bands_of_each_contrast_have_channels_of_their_own() -> None:
    """The bands of the first contrast are channels 3 to 6, those of the second 7 to 10."""
    channels = one_hot(MAPS)[1, :, 0]
    assert [channels[:, x].nonzero().flatten().tolist() for x in range(4)] == [[3, 10], [4, 7], [5, 8], [6, 9]]


def test_one_contrast_has_the_papers_eight_channels_and_four_have_twenty() -> None:
    """3 tumour + 4 bands a contrast + background."""
    assert (input_channels(1), input_channels(4)) == (8, 20)
    assert one_hot(MAPS[:, :1]).shape[1] == 8


def test_class_masks_say_the_same_of_each_map() -> None:
    """Mask p of contrast m is where its map is p."""
    masks = class_masks(MAPS)
    assert masks.argmax(dim=2).tolist() == MAPS.tolist()
    assert (masks.sum(dim=2) == 1).all()


def test_brain_is_everything_but_background() -> None:
    """Value 7 alone is outside."""
    assert brain_of(MAPS)[:, 0, 0].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
