"""Tests of training.data.manipulation."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.brain_map import BrainChannel, tumour_of
from gliosynth.tumour_map.edits import RandomEdit
from training.data.manipulation import RANGES, manipulate, manipulate_pairs, manipulate_volume
from training.data.pairs import UnitScales, draw_pairs
from training.data.ring import Ring

STILL = RandomEdit(seed=0, rotation_deg=0, shift_mm=0, dz_mm=0, smallest_scale=1, largest_scale=1, flips=False)


def lesion() -> tuple[np.ndarray, np.ndarray]:
    """Returns a 20 x 12 lesion of three nested regions in a slice of brain, and the brain."""
    labels = np.zeros((96, 96), dtype=np.uint8)
    labels[20:40, 30:42] = 2
    labels[24:36, 32:40] = 3
    labels[28:32, 34:38] = 1
    brain = np.zeros(labels.shape, dtype=bool)
    brain[8:88, 8:88] = True
    return labels, brain


def test_nothing_moves_without_ranges() -> None:
    """No turn, no shift, no scale, no flip: the same lesion."""
    labels, brain = lesion()
    moved = manipulate(labels, brain, np.random.default_rng(0), ranges=STILL)
    assert moved is not None
    np.testing.assert_array_equal(moved, labels)


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_scales_change_every_area_by_their_square(factor: float) -> None:
    """240, 96 and 16 pixels times the square, within a pixel's border."""
    labels, brain = lesion()
    ranges = replace(STILL, smallest_scale=factor, largest_scale=factor)
    moved = manipulate(labels, brain, np.random.default_rng(0), ranges=ranges)
    assert moved is not None
    assert np.count_nonzero(moved) == pytest.approx(240 * factor**2, rel=0.12)
    assert np.argwhere(moved).mean(axis=0) == pytest.approx([29.5, 35.5], abs=0.6)


def test_turn_and_shift_both_happen() -> None:
    """The paper's code lost the shift whenever it turned: here the centroid moves, and the long side turns."""
    labels, brain = lesion()
    centroids, angles = [], []
    for seed in range(40):
        moved = manipulate(labels, brain, np.random.default_rng(seed), ranges=replace(RANGES, flips=False))
        assert moved is not None
        points = np.argwhere(moved)
        offsets = points - points.mean(axis=0)
        axis = np.linalg.eigh(offsets.T @ offsets)[1][:, 1]
        centroids.append(points.mean(axis=0) - [29.5, 35.5])
        angles.append(np.degrees(np.arctan2(axis[1], axis[0])) % 180)
    spread = np.std(centroids, axis=0)
    assert (spread > 3).all()
    assert (np.abs(centroids) < 11).all()
    assert np.ptp([(angle + 90) % 180 for angle in angles]) > 90


def test_a_flip_crosses_the_midline() -> None:
    """In half of the draws the lesion is on the other side of the brain's middle at 47.5."""
    labels, brain = lesion()
    sides = []
    for seed in range(30):
        moved = manipulate(labels, brain, np.random.default_rng(seed), ranges=replace(STILL, flips=True))
        assert moved is not None
        sides.append(float(np.argwhere(moved)[:, 0].mean()))
    assert {round(side, 1) for side in sides} == {29.5, 65.5}


def test_the_lesion_stays_inside_the_brain_and_nested() -> None:
    """Nine tenths at least, nothing outside; NCR is never beside brain where it lay inside ET."""
    labels, brain = lesion()
    for seed in range(20):
        moved = manipulate(labels, brain, np.random.default_rng(seed))
        assert moved is not None
        assert not moved[~brain].any()
        grown = np.zeros_like(brain)
        for dx, dy in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            grown |= np.roll(moved == 1, (dx, dy), axis=(0, 1))
        assert not (grown & (moved == 0)).any()


def test_a_lesion_without_room_is_not_moved() -> None:
    """A brain that is the lesion itself has no other place for it at twice the size."""
    labels, _ = lesion()
    ranges = replace(STILL, smallest_scale=2.0, largest_scale=2.0)
    assert manipulate(labels, labels > 0, np.random.default_rng(0), ranges=ranges) is None
    volume = np.zeros((8, 8, 4), dtype=np.uint8)
    volume[3:5, 3:5, 1:3] = 2
    brain = volume > 0
    assert manipulate_volume(volume, brain, np.random.default_rng(0), spacing_mm=(1, 1, 2), ranges=ranges) is None


def test_a_volume_is_moved_as_one_body() -> None:
    """A shift between slices happens too; the volume changes by the cube of the scale alone."""
    plane, brain_plane = lesion()
    labels = np.zeros((*plane.shape, 24), dtype=np.uint8)
    labels[..., 10:14] = plane[..., None]
    brain = np.repeat(brain_plane[..., None], 24, axis=2)
    ranges = replace(RANGES, smallest_scale=1.0, largest_scale=1.0)
    planes = set()
    for seed in range(4):
        moved = manipulate_volume(labels, brain, np.random.default_rng(seed), spacing_mm=(1, 1, 2), ranges=ranges)
        assert moved is not None
        assert np.count_nonzero(moved) == pytest.approx(np.count_nonzero(labels), rel=0.1)
        planes.add(int(np.flatnonzero(moved.any(axis=(0, 1)))[0]))
    assert len(planes) > 1


def test_maps_show_the_lesion_where_it_is_now(ring: Ring) -> None:
    """The place it left is healed, or the paper's band; everything else is as before, in every contrast."""
    rng = np.random.default_rng(0)
    pairs = draw_pairs(ring, UnitScales(), size=(64, 80), channels=(0, 1), count=6, rng=rng)
    healed = manipulate_pairs(pairs, np.random.default_rng(1))
    moved = manipulate_pairs(pairs, np.random.default_rng(1), healed=False)
    np.testing.assert_array_equal(moved.moved, pairs.labels.any(axis=(1, 2, 3)))
    for channel in (0, 1):
        before, after = pairs.brain_maps[:, channel], moved.brain_maps[:, channel]
        np.testing.assert_array_equal(tumour_of(after), moved.labels[:, 0])
        left = (pairs.labels[:, 0] > 0) & (moved.labels[:, 0] == 0)
        assert left.any()
        assert (after[left] == BrainChannel.BAND_3).all()
        assert (healed.brain_maps[:, channel][left] > BrainChannel.ET).all()
        assert (healed.brain_maps[:, channel][left] != BrainChannel.BACKGROUND).all()
        assert (healed.brain_maps[:, channel][left] != BrainChannel.BAND_3).any()
        np.testing.assert_array_equal(healed.brain_maps[:, channel][~left], after[~left])
        neither = (pairs.labels[:, 0] == 0) & (moved.labels[:, 0] == 0)
        np.testing.assert_array_equal(after[neither], before[neither])
