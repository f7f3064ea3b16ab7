"""Tests of training.data.pairs."""

from pathlib import Path

import numpy as np
import pytest

from gliosynth.brain_map import BrainChannel, build_brain_map, tumour_of
from gliosynth.errors import InvalidInputError
from gliosynth.preprocessing.intensity import unit_intensities
from training.data.fakes import BallVolume, simulate_ball
from training.data.mixture import Mixture
from training.data.pairs import Pairs, UnitScales, draw_pairs, fitted, pairs_of_volume, tumour_planes, volumes_of_pairs
from training.data.ring import Ring, RingShape

ALL = (0, 1, 2, 3)


def draw(ring: Ring, seed: int = 0, *, count: int = 8, size: tuple[int, int] = (64, 80)) -> Pairs:
    """Returns pairs of all contrasts."""
    return draw_pairs(ring, UnitScales(), size=size, channels=ALL, count=count, rng=np.random.default_rng(seed))


def test_slices_of_a_volume_are_what_the_library_makes_of_the_volume(ring: Ring) -> None:
    """Unit intensities and brain maps, made slice by slice, equal those of the whole volume."""
    pairs = pairs_of_volume(ring, UnitScales(), slot=1, size=(64, 80), channels=ALL)
    held = ring.read(1, tumour_planes(ring, 1))
    whole = ring.read(1, np.arange(12))
    assert pairs is not None
    assert held is not None
    assert whole is not None
    brain, labels = np.moveaxis(whole.brain, 0, 2), np.moveaxis(whole.labels, 0, 2)
    for channel in ALL:
        units = unit_intensities(np.moveaxis(whole.contrasts[:, channel], 0, 2), brain)
        made = build_brain_map(units, labels, brain=brain)
        planes = tumour_planes(ring, 1)
        np.testing.assert_allclose(pairs.contrasts[:, channel], np.moveaxis(units, 2, 0)[planes], atol=1e-6)
        np.testing.assert_array_equal(pairs.brain_maps[:, channel], np.moveaxis(made, 2, 0)[planes])
    np.testing.assert_array_equal(pairs.labels[:, 0], held.labels)


def test_the_map_holds_the_labels_and_background_outside_the_brain(ring: Ring) -> None:
    """The tumour is the same in all maps; where there is no brain the map is background and the image 0."""
    pairs = draw(ring)
    for channel in ALL:
        np.testing.assert_array_equal(tumour_of(pairs.brain_maps[:, channel]), pairs.labels[:, 0])
    outside = np.broadcast_to(~pairs.brain, pairs.brain_maps.shape)
    assert (pairs.brain_maps[outside] == BrainChannel.BACKGROUND).all()
    assert not pairs.contrasts[outside].any()
    assert pairs.contrasts.min() >= 0
    assert pairs.contrasts.max() <= 1


def test_half_the_slices_are_mirrored(ring: Ring) -> None:
    """Every drawn slice is one of its volume or its left-right mirror image; each happens about as often."""
    pairs, scales = draw(ring, count=60), UnitScales()
    known = np.concatenate([one.brain_maps for _, one in volumes_of_pairs(ring, scales, size=(64, 80), channels=ALL)])
    plain = [bool((known == one).all(axis=(1, 2, 3)).any()) for one in pairs.brain_maps]
    mirrored = [bool((known == one[:, ::-1]).all(axis=(1, 2, 3)).any()) for one in pairs.brain_maps]
    assert all(np.logical_or(plain, mirrored))
    assert 15 < sum(plain) < 45


def test_the_same_seed_draws_the_same_pairs_whatever_was_measured_before(ring: Ring) -> None:
    """What `UnitScales` remembers changes nothing but the time it takes."""
    scales, one = UnitScales(), draw(ring, seed=3)
    for seed in (1, 3):
        rng = np.random.default_rng(seed)
        again = draw_pairs(ring, scales, size=(64, 80), channels=ALL, count=8, rng=rng)
    np.testing.assert_array_equal(again.contrasts, one.contrasts)
    np.testing.assert_array_equal(again.brain_maps, one.brain_maps)


def test_a_renewed_volume_is_measured_again(tmp_path: Path) -> None:
    """The scale belongs to the volume, not to the slot."""
    ring, scales = Ring.create(tmp_path / "ring", RingShape(1, 12, 64, 80)), UnitScales()
    made = simulate_ball(np.random.default_rng(0))
    ring.put(0, made)
    before = scales.of(ring, 0)
    ring.put(1, BallVolume(made.contrasts * np.float32(0.5), made.labels, made.brain))
    after = scales.of(ring, 0)
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(after, before / 2, atol=0.03)


def test_the_window_is_64_mm_around_the_tumour_inside_the_volume(tmp_path: Path) -> None:
    """At 2 mm it has 32 slices; a tumour near the end shifts it back into the volume."""
    brain = np.ones((32, 32, 60), dtype=bool)
    labels = np.zeros(brain.shape, dtype=np.uint8)
    rng = np.random.default_rng(0)
    contrasts = rng.normal(size=(4, *brain.shape)).astype(np.float32)
    ring = Ring.create(tmp_path / "ring", RingShape(2, 60, 32, 32, slice_mm=2.0))
    labels[10, 10, 20:24] = 1
    ring.put(0, BallVolume(contrasts, labels, brain))
    labels = np.zeros_like(labels)
    labels[10, 10, 57] = 1
    ring.put(1, BallVolume(contrasts, labels, brain))
    assert tumour_planes(ring, 0).tolist() == list(range(6, 38))
    assert tumour_planes(ring, 1).tolist() == list(range(28, 60))


def test_a_volume_that_misses_a_contrast_is_not_drawn_for_it(tmp_path: Path) -> None:
    """Zeros are no image; the contrasts that are there can be drawn."""
    made = simulate_ball(np.random.default_rng(0))
    made.contrasts[2] = 0
    ring = Ring.create(tmp_path / "ring", RingShape(1, 12, 64, 80))
    ring.put(0, made)
    rng = np.random.default_rng(0)
    assert draw_pairs(ring, UnitScales(), size=(64, 80), channels=(0, 3), count=1, rng=rng).contrasts.any()
    with pytest.raises(InvalidInputError, match="no slice to draw"):
        draw_pairs(ring, UnitScales(), size=(64, 80), channels=(2,), count=1, rng=rng)


def test_a_mixture_is_drawn_from_like_a_ring(ring: Ring) -> None:
    """Two shares of one ring give what the ring has."""
    mixture = Mixture((ring, ring), (1.0, 3.0))
    pairs = draw_pairs(mixture, UnitScales(), size=(64, 80), channels=(1,), count=3, rng=np.random.default_rng(0))
    assert pairs.brain_maps.shape == (3, 1, 64, 80)
    assert pairs.brain.any(axis=(1, 2, 3)).all()


def test_images_are_padded_and_cut_around_their_middle() -> None:
    """A 4 x 2 image in a 2 x 4 frame keeps its middle rows and stands in the middle columns."""
    image = np.arange(8).reshape(1, 4, 2)
    assert fitted(image, (2, 4), outside=9).tolist() == [[[9, 2, 3, 9], [9, 4, 5, 9]]]
