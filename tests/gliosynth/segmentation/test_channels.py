"""Tests of gliosynth.segmentation.channels: which slices of which contrast a model sees."""

import numpy as np
import pytest

from gliosynth.errors import ModelError
from gliosynth.geometry import Box
from gliosynth.labels import Contrast
from gliosynth.segmentation.channels import Channel, channel_batch, parse_channels

BOX = Box(start=(0, 0, 0), stop=(2, 1, 4))


def volume() -> np.ndarray:
    """Four contrasts of 2x1 voxels and 4 slices; contrast c of slice z is 10 c + z + 1 everywhere."""
    values = 10 * np.arange(4)[:, None] + np.arange(4) + 1
    return np.broadcast_to(values[:, None, None, :], (4, 2, 1, 4)).astype(np.float32)


def test_an_expression_names_contrast_difference_and_offset() -> None:
    """An offset is a number of voxels behind @; none is the slice itself."""
    assert parse_channels(("t1c", "t1c-t1n@-2", " t2f@+1 ")) == (
        Channel(Contrast.T1C),
        Channel(Contrast.T1C, Contrast.T1N, -2),
        Channel(Contrast.T2F, None, 1),
    )


@pytest.mark.parametrize("expression", ["t1c@", "t1c@two", "t1c@1.5", "t1c@1@2", "@2"])
def test_an_offset_that_is_no_whole_number_is_refused(expression: str) -> None:
    """The message names the expression and what may stand there."""
    with pytest.raises(ModelError, match="@-2 behind it"):
        parse_channels((expression,))


def test_neighbours_come_from_beside_and_are_zero_beyond_the_volume() -> None:
    """Slices 0 and 3 of T1c (11 and 14): one below is nothing and 13, two above is 13 and nothing."""
    channels = parse_channels(("t1c@-1", "t1c", "t1c@2"))
    batch = channel_batch(volume(), channels, box=BOX, indices=np.array([0, 3]))
    assert batch[:, :, 0, 0].tolist() == [[0, 11, 13], [13, 14, 0]]
    assert (batch == batch[:, :, :1, :]).all()


def test_a_difference_is_taken_in_the_neighbour_s_own_slice() -> None:
    """T1c - T1 one slice above slice 1: 13 - 3; beyond the volume nothing minus nothing."""
    channels = parse_channels(("t1c-t1n@1",))
    batch = channel_batch(volume(), channels, box=BOX, indices=np.array([1, 3]))
    assert batch[:, 0, 0, 0].tolist() == [10, 0]
