"""Tests of training.losses.balance: the rule by hand, its limit, and that it resumes."""

import pytest
import torch

from gliosynth.errors import InvalidParameterError
from training.losses.balance import Balance


def terms(image: float, features: float) -> dict[str, torch.Tensor]:
    """Returns the two terms of a step."""
    return {"image": torch.tensor(image), "features": torch.tensor(features)}


def step(balance: Balance, given: dict[str, torch.Tensor]) -> float:
    """Notes the sizes of a step's terms and returns their weighted sum."""
    balance.note({name: abs(float(term)) for name, term in given.items()})
    return float(balance.total(given))


def test_first_step_gives_the_units() -> None:
    """Share 2 of an image term of .1: features of 40 get 2 x .1 / 40, and the sum is .1 + .2."""
    balance = Balance({"image": 1.0, "features": 2.0}, every=10)
    assert step(balance, terms(0.1, 40.0)) == pytest.approx(0.3)
    assert balance.weights == {"image": 1.0, "features": pytest.approx(0.005)}


def test_weights_stay_within_a_window_and_follow_its_means_at_the_end() -> None:
    """Over two steps the image's mean is .1 and the features' 50: the weight goes from .005 to 2 x .1 / 50."""
    balance = Balance({"image": 1.0, "features": 2.0}, every=2)
    step(balance, terms(0.1, 40.0))
    step(balance, terms(0.15, 60.0))
    assert balance.weights["features"] == pytest.approx(0.005)
    step(balance, terms(0.05, 40.0))
    assert balance.weights["features"] == pytest.approx(0.004)


def test_a_weight_at_most_doubles_or_halves_at_once() -> None:
    """Features that vanish would get 100 times the weight; they get twice."""
    balance = Balance({"image": 1.0, "features": 1.0}, every=1)
    step(balance, terms(1.0, 1.0))
    step(balance, terms(1.0, 0.01))
    assert balance.weights["features"] == pytest.approx(2.0)
    step(balance, terms(1.0, 100.0))
    assert balance.weights["features"] == pytest.approx(1.0)


def test_a_negative_term_counts_by_its_size_and_a_missing_one_keeps_its_weight() -> None:
    """-.5 is as large as .5; 0 says nothing about units."""
    balance = Balance({"image": 1.0, "features": 1.0}, every=1)
    step(balance, terms(1.0, -0.5))
    assert balance.weights["features"] == pytest.approx(2.0)
    step(balance, terms(1.0, 0.0))
    assert balance.weights["features"] == pytest.approx(2.0)


def test_without_a_window_the_shares_are_the_weights() -> None:
    """SPADE's published weights are fixed."""
    balance = Balance({"image": 0.0, "features": 10.0}, every=0)
    assert step(balance, terms(5.0, 0.3)) == pytest.approx(3.0)
    assert balance.weights == {"image": 0.0, "features": 10.0}


def test_resumed_in_the_middle_of_a_window_it_goes_on_as_if_nothing_happened() -> None:
    """State after step 2 of 3, loaded into a new one: the same weights from step 3 on."""
    shares = {"image": 1.0, "features": 2.0}
    whole, resumed = Balance(shares, every=2), Balance(shares, every=2)
    steps = [terms(0.1, 40.0), terms(0.3, 70.0), terms(0.2, 30.0), terms(0.2, 10.0)]
    for given in steps[:2]:
        step(whole, given)
    resumed.load_state(whole.state())
    for given in steps[2:]:
        assert step(whole, given) == step(resumed, given)
    assert whole.weights == resumed.weights


@pytest.mark.parametrize(("shares", "every"), [({}, 1), ({"image": -1.0}, 1), ({"image": 1.0}, -1)])
def test_impossible_balances_are_refused(shares: dict[str, float], every: int) -> None:
    """No terms, a negative share, a negative window."""
    with pytest.raises(InvalidParameterError, match="shares"):
        Balance(shares, every=every)
