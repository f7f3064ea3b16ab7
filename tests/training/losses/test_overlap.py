"""Tests of training.losses.overlap: values by hand on a handful of pixels."""

import math

import pytest
import torch

from training.losses.overlap import OverlapWeights, region_loss, tversky_loss


def image(*pixels: float) -> torch.Tensor:
    return torch.tensor(pixels, dtype=torch.float32).reshape(1, 1, 1, -1)


def test_equal_weights_give_the_paper_s_soft_dice() -> None:
    """1 - (2 * 1.25 + .01) / (1.75 + 2 + .01) for p = (.75, .5, .5, 0), g = (1, 1, 0, 0)."""
    loss = tversky_loss(image(0.75, 0.5, 0.5, 0.0), image(1, 1, 0, 0), OverlapWeights())
    assert float(loss) == pytest.approx(1 - 2.51 / 3.76)


def test_tversky_prices_a_missed_pixel_three_times_a_false_one() -> None:
    """One hit and one miss: 1 - 1.005 / 1.755; one hit and one false alarm: 1 - 1.005 / 1.255."""
    weights = OverlapWeights(false_negative=0.75, false_positive=0.25)
    missed = tversky_loss(image(1, 0), image(1, 1), weights)
    false = tversky_loss(image(1, 1), image(1, 0), weights)
    assert float(missed) == pytest.approx(1 - 1.005 / 1.755)
    assert float(false) == pytest.approx(1 - 1.005 / 1.255)


def test_empty_reference_and_empty_prediction_cost_nothing() -> None:
    """0/0 is kept at 1 by the smoothing constant."""
    assert float(tversky_loss(image(0, 0), image(0, 0), OverlapWeights())) == 0.0


def test_sums_run_over_the_batch_not_over_slices() -> None:
    """A slice without tumour and without prediction changes nothing."""
    alone = tversky_loss(image(0.6, 0.2), image(1, 0), OverlapWeights())
    pair = torch.cat([image(0.6, 0.2), image(0, 0)]), torch.cat([image(1, 0), image(0, 0)])
    assert float(tversky_loss(*pair, OverlapWeights())) == pytest.approx(float(alone))


def test_region_loss_adds_mean_cross_entropy() -> None:
    """At logits 0 the cross entropy is ln 2 and the Dice part 1 - (2 * .5 + .01) / (1 + 1 + .01)."""
    loss = region_loss(image(0, 0).bfloat16(), image(1, 0), OverlapWeights())
    assert float(loss) == pytest.approx(math.log(2) + 1 - 1.01 / 2.01, rel=1e-5)
