"""Tests of training.generation.pictures: what stands where, and which way up."""

import numpy as np

from gliosynth.brain_map import BrainChannel
from training.data.pairs import Pairs
from training.generation.pictures import CLASS_COLOURS, GAP_PX, TITLE_PX, sheet

SIZE = (40, 24)
"""Pixels along X (left to right) and Y (posterior to anterior)."""


def test_sheet_shows_map_truth_generated_and_difference_anterior_up() -> None:
    """A bright pixel at the patient's front left lands top right, in its own column and row."""
    maps = np.full((1, 2, *SIZE), BrainChannel.BAND_4, dtype=np.uint8)
    truth = np.zeros((1, 2, *SIZE), dtype=np.float32)
    maps[0, 1, 38, 22], truth[0, 1, 38, 22] = BrainChannel.ET, 1.0
    brain, labels = np.ones((1, 1, *SIZE), dtype=np.bool_), np.zeros((1, 1, *SIZE), dtype=np.uint8)
    made = np.full((1, 2, *SIZE), 0.5, dtype=np.float32)
    picture = sheet(Pairs(maps, truth, brain, labels), made, names=("t1n", "t1c"))
    wide, high = SIZE[0] + GAP_PX, SIZE[1] + GAP_PX + TITLE_PX
    assert picture.shape == (2 * high, 4 * wide, 3)
    row, column = high + TITLE_PX + (SIZE[1] - 1 - 22), 38
    assert tuple(picture[row, column]) == CLASS_COLOURS[BrainChannel.ET]
    assert picture[row, wide + column].tolist() == [255] * 3
    assert picture[row, 2 * wide + column].tolist() == [128] * 3
    assert picture[row, 3 * wide + column].tolist() == [0] * 3
    assert picture[row, 3 * wide + column - 5].tolist() == [255] * 3
    assert tuple(picture[row - high, column]) == CLASS_COLOURS[BrainChannel.BAND_4]
