"""Tests of training.losses.overlap: values by hand on a handful of pixels."""

import math

import pytest
import torch

from training.losses.overlap import (
    OverlapWeights,
    deep_loss,
    logit_loss,
    region_loss,
    regions_loss,
    tversky_loss,
)


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


def test_the_paper_s_loss_has_no_cross_entropy() -> None:
    """At logits 0 only the Dice part is left: 1 - (2 * .5 + .01) / (1 + 1 + .01)."""
    loss = region_loss(image(0, 0), image(1, 0), OverlapWeights(cross_entropy=0.0))
    assert float(loss) == pytest.approx(1 - 1.01 / 2.01)


def test_regions_are_averaged_each_with_its_own_prices() -> None:
    """Two regions with the same logits and reference, priced differently: the mean of their losses."""
    logits, reference = image(2, -1, 0.5), image(1, 1, 0)
    prices = OverlapWeights(0.75, 0.25), OverlapWeights()
    both = regions_loss(logits.repeat(1, 2, 1, 1), reference.repeat(1, 2, 1, 1), prices)
    each = [float(region_loss(logits, reference, one)) for one in prices]
    assert float(both) == pytest.approx(sum(each) / 2)


def test_a_coarser_scale_counts_half() -> None:
    """(1 L_0 + 1/2 L_1 + 1/4 L_2) / 1.75 for three scales of one region; one scale alone is the plain loss."""
    reference, scales = image(1, 0), [image(3, -3), image(0, 0), image(-3, 3)]
    each = [float(region_loss(one, reference, OverlapWeights())) for one in scales]
    loss = deep_loss(torch.cat(scales, dim=1), reference, [OverlapWeights()])
    assert float(loss) == pytest.approx((each[0] + each[1] / 2 + each[2] / 4) / 1.75)
    assert float(deep_loss(scales[0], reference, [OverlapWeights()])) == pytest.approx(each[0])


def test_the_warm_up_pulls_logits_to_five() -> None:
    """Logits 5 and -5 cost nothing; 0 and 0 cost 25; two scales are averaged."""
    right, nothing, reference = image(5, -5), image(0, 0), image(1, 0)
    assert float(logit_loss(right, reference)) == 0.0
    assert float(logit_loss(nothing, reference)) == 25.0
    assert float(logit_loss(torch.cat([right, nothing], dim=1), reference)) == 12.5
