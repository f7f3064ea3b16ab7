"""Tests of training.segmentation.samples and training.augment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Region
from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, feed
from training.segmentation.augment import augment
from training.segmentation.presets import PRESETS, Variation
from training.segmentation.samples import Stacks, draw_views, read_stacks

WT = replace(PRESETS[Region.WT], crop=(48, 64))
WHOLE = replace(WT, variation=replace(WT.variation, channel_dropout=0))
ET = replace(PRESETS[Region.ET], crop=(32, 32), jitter_px=2)


def test_same_seed_draws_the_same_batch(ring: Ring) -> None:
    """A batch is a function of its seed and of the ring."""
    one, two = (
        augment(draw_views(ring, WT, count=4, rng=rng), WT, rng=rng)
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    )
    assert np.array_equal(one.contrasts, two.contrasts)
    assert np.array_equal(one.labels, two.labels)


def test_share_of_slices_with_the_region_is_as_asked(ring: Ring) -> None:
    """With share 1 every WT slice shows tumour, with share 0 none does."""
    for share in (0.0, 1.0):
        views = draw_views(ring, replace(WT, region_share=share), count=20, rng=np.random.default_rng(0))
        assert (views.slices.labels[:, 0].any(axis=(1, 2)) == bool(share)).all()


def test_core_samples_are_centred_on_the_tumour_s_box(ring: Ring) -> None:
    """Within the jitter, except for stray boxes on slices without tumour."""
    views = draw_views(ring, ET, count=30, rng=np.random.default_rng(1))
    for labels, centre in zip(views.slices.labels[:, 0], views.centres, strict=True):
        if labels.any():
            used = np.argwhere(labels)
            assert np.abs(centre - (used.min(0) + used.max(0)) / 2).max() <= ET.jitter_px


def test_augmented_samples_are_valid(ring: Ring) -> None:
    """z-scores stay clipped, labels stay labels, and no tumour lies where the contrasts were cut away."""
    rng = np.random.default_rng(2)
    batch = augment(draw_views(ring, WHOLE, count=32, rng=rng), WHOLE, rng=rng)
    assert batch.contrasts.shape == (32, 4, 48, 64)
    assert batch.labels.shape == (32, 1, 48, 64)
    assert float(batch.contrasts.abs().max()) <= 5.0
    assert set(np.unique(batch.labels)) <= {0, 1, 2, 3}
    blank = (batch.contrasts == 0).all(dim=1, keepdim=True)
    assert not bool((blank & (batch.labels > 0)).any())


def test_labels_follow_the_image(ring: Ring) -> None:
    """FLAIR shows the ball of tumour at +2: after any pose the labelled pixels are the bright ones."""
    rng = np.random.default_rng(4)
    batch = augment(draw_views(ring, WT, count=32, rng=rng), WHOLE, rng=rng)
    bright = batch.contrasts[:, 3:4] > 1
    tumour = batch.labels > 0
    overlap = 2 * float((bright & tumour).sum()) / float(bright.sum() + tumour.sum())
    assert overlap > 0.9


def test_repainting_fades_the_core_below_its_oedema_in_some_samples(ring: Ring) -> None:
    """The balls' core and oedema are equally bright in FLAIR; with every sample repainted the core is darker."""
    preset = replace(WHOLE, variation=replace(WHOLE.variation, repaint=1.0))
    rng = np.random.default_rng(6)
    batch = augment(draw_views(ring, preset, count=32, rng=rng), preset, rng=rng)
    flair, labels = batch.contrasts[:, 3], batch.labels[:, 0]
    assert float(flair[labels == 1].mean()) < float(flair[labels == 2].mean()) - 0.3


def test_dropout_blanks_one_contrast_and_never_all(ring: Ring) -> None:
    """With chance 1 every sample loses exactly one of its four contrasts."""
    rng = np.random.default_rng(5)
    preset = replace(WT, variation=replace(WT.variation, channel_dropout=1.0), region_share=1.0)
    batch = augment(draw_views(ring, preset, count=16, rng=rng), preset, rng=rng)
    blank = (batch.contrasts == 0).all(dim=3).all(dim=2).sum(dim=1)
    assert blank.tolist() == [1] * 16


def test_an_empty_ring_is_an_error(tmp_path: Path) -> None:
    """Training never starts on zeros."""
    with pytest.raises(InvalidInputError, match="let the worker fill"):
        draw_views(Ring.create(tmp_path / "empty", RingShape(3, 12, 64, 80)), WT, count=1, rng=np.random.default_rng(0))


def test_a_stack_holds_the_slices_beside_and_zeros_beyond(ring: Ring) -> None:
    """Slice 0 has nothing below; slice 5's neighbours are slices 4 and 6, each with labels and brain of its own."""
    stacks = read_stacks(ring, 1, np.array([0, 5]), neighbours=1)
    apart = ring.read(1, np.array([0, 1, 4, 5, 6]))
    assert stacks is not None
    assert apart is not None
    assert not stacks.contrasts[0, 0].any()
    assert not stacks.brain[0, 0].any()
    assert np.array_equal(stacks.contrasts[0, 1:], apart.contrasts[:2])
    assert np.array_equal(stacks.contrasts[1], apart.contrasts[2:])
    assert np.array_equal(stacks.labels[1], apart.labels[2:])


def test_neighbours_keep_their_distance_in_mm(tmp_path: Path) -> None:
    """At slices of 1 mm the neighbours are the second next ones, at 2 mm the next."""
    for slice_mm, below in ((1.0, 3), (2.0, 4), (5.0, 4)):
        ring = Ring.create(tmp_path / str(slice_mm), RingShape(1, 12, 64, 80, slice_mm))
        feed(ring, simulate_ball, seed=1, numbers=range(1))
        stacks, alone = read_stacks(ring, 0, np.array([5]), neighbours=1), ring.read(0, np.array([below]))
        assert stacks is not None
        assert alone is not None
        assert np.array_equal(stacks.contrasts[0, 0], alone.contrasts[0])


def test_neighbours_are_varied_like_their_slice(ring: Ring) -> None:
    """With noise off, a sample whose three slices are equal stays equal in all three, and the middle's labels count."""
    preset = replace(WT, neighbours=1, variation=replace(WT.variation, noise=0, channel_dropout=0.5))
    views = draw_views(ring, preset, count=16, rng=np.random.default_rng(7))
    middle = views.slices.middle
    same = Stacks(
        *(np.repeat(getattr(views.slices, f)[:, [middle]], 3, axis=1) for f in ("contrasts", "labels", "brain"))
    )
    batch = augment(replace(views, slices=same), preset, rng=np.random.default_rng(8))
    assert batch.contrasts.shape == (16, 12, 48, 64)
    for other in (0, 8):
        assert np.array_equal(batch.contrasts[:, other : other + 4], batch.contrasts[:, 4:8])
    alone = Stacks(same.contrasts[:, :1], same.labels[:, :1], same.brain[:, :1])
    plain = augment(replace(views, slices=alone), preset, rng=np.random.default_rng(8))
    assert np.array_equal(plain.contrasts, batch.contrasts[:, :4])
    assert np.array_equal(plain.labels, batch.labels)


def test_a_missing_contrast_stays_missing(ring: Ring) -> None:
    """All zeros stay zeros through gain, offset, noise and repainting; the only contrast there is never lost."""
    preset = replace(WT, region_share=1.0, variation=replace(WT.variation, channel_dropout=1.0, noise=1.0, repaint=1.0))
    views = draw_views(ring, preset, count=8, rng=np.random.default_rng(9))
    views.slices.contrasts[:, :, :3] = 0
    batch = augment(views, preset, rng=np.random.default_rng(10))
    assert not batch.contrasts[:, :3].any()
    assert batch.contrasts[:, 3].flatten(1).any(dim=1).all()


def test_only_the_first_volumes_are_drawn_from_where_the_preset_says_so(ring: Ring) -> None:
    """With one volume of three every slice is one of its."""
    views = draw_views(ring, replace(WT, volumes=1), count=12, rng=np.random.default_rng(11))
    held = ring.read(0, np.arange(12))
    assert held is not None
    assert all(any(np.array_equal(one[0], plane) for plane in held.contrasts) for one in views.slices.contrasts)


def test_each_step_can_be_switched_off(ring: Ring) -> None:
    """Without pose and intensities a sample is the slice itself, moved by no more than its sampling grid."""
    still = Variation(0, 0, 0, 0, 0, 0, intensity=False, pose=False)
    preset = replace(WT, variation=still, jitter_px=0, crop=(64, 80))
    views = draw_views(ring, preset, count=4, rng=np.random.default_rng(12))
    views = replace(views, centres=np.full((4, 2), (31.5, 39.5), dtype=np.float32))
    batch = augment(views, preset, rng=np.random.default_rng(13))
    assert np.allclose(batch.contrasts, views.slices.contrasts[:, 0] * views.slices.brain[:, [0]], atol=1e-4)
    assert np.array_equal(batch.labels[:, 0], views.slices.labels[:, 0])
