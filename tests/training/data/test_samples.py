"""Tests of training.data.samples and training.augment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Region
from training.data.augment import augment
from training.data.ring import Ring, RingShape
from training.data.samples import draw_views
from training.segmentation.presets import PRESETS

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
