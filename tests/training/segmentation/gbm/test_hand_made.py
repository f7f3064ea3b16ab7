"""Tests of training.segmentation.gbm: hand-made tumours are nested, stay in the brain, and change nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Label
from training.data.fakes import BALL_SHAPE, simulate_ball
from training.data.ring import Ring, RingShape
from training.segmentation.gbm.painting import paint
from training.segmentation.gbm.shapes import draw_outline, draw_tumour
from training.segmentation.gbm.views import draw_placed_views
from training.segmentation.presets import segmenter

BRAIN = np.hypot(*np.meshgrid(np.linspace(-1, 1, 120), np.linspace(-1, 1, 140), indexing="ij")) < 0.95


@pytest.fixture
def hosts(tmp_path: Path) -> Ring:
    """A ring of one tumour-free volume (slot 0) and one with a tumour."""
    ring = Ring.create(tmp_path / "hosts", RingShape(2, 12, 64, 80))
    volumes = [simulate_ball(np.random.default_rng(seed)) for seed in (0, 1)]
    ring.put(0, replace(volumes[0], labels=np.zeros(BALL_SHAPE, dtype=np.uint8)))
    ring.put(1, volumes[1])
    return ring


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_nested_inside_the_brain(seed: int) -> None:
    """Necrosis touches no oedema, nothing leaves the brain, and every part is there in most tumours."""
    labels = draw_tumour(BRAIN, np.random.default_rng(seed))
    assert not (labels[~BRAIN]).any()
    assert (labels == Label.ED).any()
    necrosis = np.argwhere(labels == Label.NCR)
    for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        beside = labels[tuple((necrosis + step).T)]
        assert np.isin(beside, (Label.NCR, Label.ET)).mean() > 0.95
    assert np.array_equal(labels, draw_tumour(BRAIN, np.random.default_rng(seed)))


def test_an_outline_without_spread_is_a_circle() -> None:
    """Every radius is 1; with spread the radius goes round without a jump at pi."""
    angles = np.linspace(-np.pi, np.pi, 101)
    assert np.array_equal(draw_outline(angles, 0.0, np.random.default_rng(0)), np.ones(101))
    bent = draw_outline(angles, 0.4, np.random.default_rng(0))
    assert bent[0] == pytest.approx(bent[-1])
    assert np.ptp(bent) > 0.2


def test_a_brain_without_depth_takes_no_tumour() -> None:
    """A strip of four pixels has none that is five deep."""
    strip = np.zeros((64, 64), dtype=bool)
    strip[:4] = True
    with pytest.raises(InvalidInputError, match="more brain"):
        draw_tumour(strip, np.random.default_rng(0))


def test_painting_shows_each_part_and_leaves_the_rest() -> None:
    """The rim is bright in T1c and the oedema in FLAIR; far from the tumour and outside the brain nothing changes."""
    rng = np.random.default_rng(3)
    labels = np.zeros(BRAIN.shape, dtype=np.uint8)
    for radius, label in ((24, Label.ED), (14, Label.ET), (8, Label.NCR)):
        labels[np.hypot(*np.ogrid[-60:60, -70:70]) < radius] = label
    host = (rng.normal(0, 0.2, (4, *BRAIN.shape)) * BRAIN).astype(np.float32)
    painted = paint(host, labels, rng)
    far = np.hypot(*np.ogrid[-60:60, -70:70]) > 34
    assert np.array_equal(painted[:, far], host[:, far])
    assert float(painted[1][labels == Label.ET].mean()) > float(painted[1][labels == Label.NCR].mean()) + 0.5
    assert float(painted[3][labels == Label.ED].mean()) > 0.5
    assert host is not painted


def test_views_come_from_tumour_free_volumes_alone(hosts: Ring) -> None:
    """With share 0 every slice is one of slot 0 as it is; with share 1 each has a tumour."""
    preset = replace(segmenter("gbm"), crop=(48, 64), region_share=0.0)
    free = hosts.read(0, np.arange(12))
    assert free is not None
    views = draw_placed_views(hosts, preset, count=6, rng=np.random.default_rng(0))
    assert all(any(np.array_equal(one[0], plane) for plane in free.contrasts) for one in views.slices.contrasts)
    views = draw_placed_views(hosts, replace(preset, region_share=1.0), count=6, rng=np.random.default_rng(0))
    assert views.slices.labels.any(axis=(1, 2, 3)).all()
    again = draw_placed_views(hosts, replace(preset, region_share=1.0), count=6, rng=np.random.default_rng(0))
    assert np.array_equal(views.slices.contrasts, again.slices.contrasts)


def test_a_ring_without_a_tumour_free_volume_is_refused(ring: Ring) -> None:
    """A hand-made tumour beside a simulated one would be labelled wrongly."""
    with pytest.raises(InvalidInputError, match="no tumour-free volume"):
        draw_placed_views(ring, segmenter("gbm"), count=1, rng=np.random.default_rng(0))
