"""Tests of training.losses.diversity: the best candidate of each class is what counts."""

import pytest
import torch

from training.losses.diversity import best_candidates, diversity_loss


def test_loss_is_999_parts_of_the_best_and_one_of_the_mean_in_each_class() -> None:
    """Candidates (.1, .4) and (.3, .2): minima .1 and .2, means .2 and .3."""
    errors = torch.tensor([[0.1, 0.4], [0.3, 0.2]]).view(1, 2, 1, 2)
    assert float(diversity_loss(errors)) == pytest.approx(0.999 * (0.1 + 0.2) + 0.001 * (0.2 + 0.3))


def test_one_candidate_pays_its_plain_error() -> None:
    """The sum over classes, the mean over samples and contrasts."""
    errors = torch.tensor([0.1, 0.2, 0.3, 0.4]).view(2, 1, 1, 2)
    assert float(diversity_loss(errors)) == pytest.approx((0.3 + 0.7) / 2)


def test_best_candidate_is_chosen_per_sample() -> None:
    """The first sample's second candidate and the second sample's first."""
    candidates = torch.arange(4.0).view(2, 2, 1, 1, 1)
    errors = torch.tensor([[0.5, 0.1], [0.2, 0.3]]).view(2, 2, 1, 1)
    assert best_candidates(candidates, errors).flatten().tolist() == [1.0, 2.0]
