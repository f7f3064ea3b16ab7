"""Tests of training.losses.adversarial: the equations of both games, by hand."""

import numpy as np
import pytest
import torch

from training.losses.adversarial import (
    AdversarialRule,
    Judgement,
    discriminator_loss,
    feature_matching,
    generator_loss,
)


def judged(*logits: float, features: tuple[torch.Tensor, ...] = ()) -> list[Judgement]:
    """Returns one scale's judgement of one image per logit."""
    return [Judgement(torch.tensor(logits).view(-1, 1, 1, 1), features)]


def test_least_squares_with_smoothed_labels() -> None:
    """((D(real) - b)^2 + D(fake)^2) / 2 with b drawn per image from .9 to 1."""
    drawn = np.random.default_rng(3).uniform(0.9, 1.0, size=2)
    expected = (((0.5 - drawn[0]) ** 2 + (2.0 - drawn[1]) ** 2) / 2 + (0.3**2 + 0.1**2) / 2) / 2
    rngs = [np.random.default_rng(3)]
    found = discriminator_loss(judged(0.5, 2.0), judged(0.3, -0.1), rule=AdversarialRule.LEAST_SQUARES, rngs=rngs)
    assert float(found) == pytest.approx(expected)
    assert (drawn >= 0.9).all()


def test_labels_do_not_depend_on_how_a_batch_is_shared_out() -> None:
    """Two generators label the two halves of a batch as they would on two devices."""
    rule = AdversarialRule.LEAST_SQUARES
    whole = discriminator_loss(
        judged(0.5, 2.0), judged(0.0, 0.0), rule=rule, rngs=[np.random.default_rng(seed) for seed in (1, 2)]
    )
    halves = [
        discriminator_loss(judged(logit), judged(0.0), rule=rule, rngs=[np.random.default_rng(seed)])
        for logit, seed in ((0.5, 1), (2.0, 2))
    ]
    assert float(whole) == pytest.approx(float(sum(halves)) / 2)


def test_hinge_by_hand() -> None:
    """max(0, 1 - D(real)): .5 and 0; max(0, 1 + D(fake)): 1.3 and 0."""
    found = discriminator_loss(
        judged(0.5, 2.0), judged(0.3, -1.5), rule=AdversarialRule.HINGE, rngs=[np.random.default_rng(0)]
    )
    assert float(found) == pytest.approx(0.5 / 2 + 1.3 / 2)


@pytest.mark.parametrize(("rule", "expected"), [("least_squares", (0.25 + 1.0) / 4), ("hinge", -0.25)])
def test_generator_wants_to_pass_for_real(rule: str, expected: float) -> None:
    """Least squares: (D - 1)^2 / 2 of .5 and 0; hinge: -D."""
    assert float(generator_loss(judged(0.5, 0.0), rule=AdversarialRule(rule))) == pytest.approx(expected)


def test_scales_count_alike() -> None:
    """The loss of two scales is their mean."""
    both = generator_loss(judged(0.5) + judged(-1.5), rule=AdversarialRule.HINGE)
    assert float(both) == pytest.approx(0.5)


def test_features_are_matched_and_only_the_generated_ones_moved() -> None:
    """Layers off by 1 and by 3: 2; the real image's features get no gradient."""
    fake, real = torch.ones(1, 1, 2, 2, requires_grad=True), torch.zeros(1, 1, 2, 2, requires_grad=True)
    loss = feature_matching(judged(0.0, features=(fake, 3 * fake)), judged(0.0, features=(real, real)))
    assert float(loss.detach()) == pytest.approx(2.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert fake.grad is not None
    assert real.grad is None
