"""Tests of training.skull_strip.head_simulator: reproducible heads of human size."""

import numpy as np
import pytest

from gliosynth.anatomy import Tissue, load_anatomy
from training.skull_strip.head_simulator import (
    POOLED_SHAPE,
    SHAPE,
    STORED_PER_UNIT,
    TISSUE_COUNT,
    SimulatedHead,
    add_tumour,
    class_table,
    cut,
    pooled,
    simulate_head,
)


@pytest.fixture(scope="module")
def head() -> SimulatedHead:
    """One simulated head."""
    return simulate_head(load_anatomy("head_01"), rng=np.random.default_rng(3))


def test_same_seed_gives_the_same_head(head: SimulatedHead) -> None:
    """The generator decides everything."""
    again = simulate_head(load_anatomy("head_01"), rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again.contrasts, head.contrasts)
    np.testing.assert_array_equal(again.brain, head.brain)


def test_a_head_has_a_brain_of_human_size_and_four_scaled_images(head: SimulatedHead) -> None:
    """600 to 2500 ml at 2 mm; intensities 0 to 1.5 in the ring's unit; each image shows something."""
    assert head.contrasts.shape == (4, *POOLED_SHAPE)
    assert 600 < head.brain.sum() * 8 / 1000 < 2500
    assert head.contrasts.min() == 0.0
    assert head.contrasts.max() <= 1.5 * STORED_PER_UNIT + 1e-5
    assert (head.contrasts.std(axis=(1, 2, 3)) > 0.1).all()


def test_pooling_averages_pixels_two_by_two() -> None:
    """Pixels 1, 2, 3, 6 of one slice become 3."""
    image = np.zeros(SHAPE, dtype=np.float32)
    image[0:2, 0:2, 5] = [[1, 2], [3, 6]]
    assert pooled(image)[0, 0, 5] == 3.0
    assert pooled(image).sum() == 3.0


def test_air_is_dark_and_tumour_has_classes_of_its_own() -> None:
    """Background has no signal in any drawn contrast; the table covers both tumour parts."""
    for seed in range(20):
        table = class_table(np.ones(TISSUE_COUNT, dtype=np.float32), np.random.default_rng(seed))
        assert table.shape == (TISSUE_COUNT + 2,)
        assert table[Tissue.BACKGROUND] == 0.0
        assert table.min() >= 0.0


def test_a_tumour_stays_inside_the_brain() -> None:
    """Nothing outside the mask changes its class."""
    brain = np.zeros(SHAPE, dtype=np.bool_)
    brain[40:150, 40:180, 20:80] = True
    tissues = np.full(SHAPE, int(Tissue.WHITE_MATTER), dtype=np.uint8)
    found = [add_tumour(tissues, brain, np.random.default_rng(seed)) for seed in range(4)]
    assert any((classes >= TISSUE_COUNT).any() for classes in found)
    assert not any((classes[~brain] >= TISSUE_COUNT).any() for classes in found)


def test_cutting_only_sets_voxels_to_zero() -> None:
    """De-facing, stripping and fields of view change no intensity, and some cut something."""
    rng = np.random.default_rng(0)
    image = rng.uniform(1, 2, SHAPE).astype(np.float32)
    brain = np.zeros(SHAPE, dtype=np.bool_)
    brain[60:130, 60:160, 30:70] = True
    distance_mm = np.where(brain, 0.0, 20.0).astype(np.float32)
    shares = []
    for seed in range(5):
        seen = cut(image, brain, distance_mm, np.random.default_rng(seed))
        assert ((seen == image) | (seen == 0)).all()
        shares.append(float((seen == 0).mean()))
    assert max(shares) > 0.05
