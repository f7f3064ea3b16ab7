"""Tests of training.generation.scoring: whose mean the score is."""

import numpy as np
import pytest

from gliosynth.metrics.image import ssim
from training.data.pairs import Pairs
from training.generation.scoring import SliceScores, evaluation_of, score_slices


def pairs_of_noise(seed: int) -> Pairs:
    """Returns two slices of two contrasts, brain in the middle."""
    rng = np.random.default_rng(seed)
    brain = np.zeros((2, 1, 24, 24), dtype=np.bool_)
    brain[..., 6:18, 6:18] = True
    contrasts = (rng.random((2, 2, 24, 24)) * brain).astype(np.float32)
    maps = np.where(brain, 4, 7).astype(np.uint8).repeat(2, axis=1)
    return Pairs(maps, contrasts, brain, np.zeros((2, 1, 24, 24), dtype=np.uint8))


def test_perfect_images_score_one() -> None:
    """SSIM 1 in the brain and over the slice, no error, infinite PSNR."""
    pairs = pairs_of_noise(0)
    for one in score_slices({"a": (pairs, pairs.contrasts)}, ("t1n", "t2f")):
        assert (one.ssim, one.ssim_slice, one.mae) == (pytest.approx(1), pytest.approx(1), 0.0)
        assert one.psnr_db == np.inf


def test_brain_is_judged_apart_from_the_black_around_it() -> None:
    """In the brain it is the library's masked SSIM; over the slice it is higher, for black is easy."""
    pairs = pairs_of_noise(1)
    made = np.where(pairs.brain, np.float32(0.5), np.float32(0.0)) * np.ones((1, 2, 1, 1), dtype=np.float32)
    one = score_slices({"a": (pairs, made)}, ("t1n", "t2f"))[1]
    truth, image = pairs.contrasts[:, 1].transpose(1, 2, 0), made[:, 1].transpose(1, 2, 0)
    inside = ssim(truth, image, data_range=1.0, mask=pairs.brain[:, 0].transpose(1, 2, 0))
    assert one.ssim == pytest.approx(inside)
    assert one.ssim_slice > one.ssim + 0.1


def test_score_is_the_mean_over_rings_and_contrasts() -> None:
    """Each ring and contrast counts alike; figures hold their means."""
    scores = tuple(
        SliceScores(ring, contrast, value, 0.9, 0.1, 20.0)
        for ring, contrast, value in (("a", "t1n", 0.6), ("a", "t2f", 0.8), ("b", "t1n", 0.2), ("b", "t2f", 0.4))
    )
    found = evaluation_of(scores)
    assert found.score == pytest.approx(0.5)
    assert found.figures["ssim a"] == pytest.approx(0.7)
    assert found.figures["ssim t2f"] == pytest.approx(0.6)
    assert found.figures["ssim of slices"] == pytest.approx(0.9)
