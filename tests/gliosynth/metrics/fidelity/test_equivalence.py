"""Equivalence is shown by a narrow interval, never by a lack of evidence."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity import (
    Verdict,
    bootstrap_interval,
    equivalence,
    equivalence_of_interval,
    equivalence_to_norm,
)


def test_the_interval_by_hand() -> None:
    """{-1, 1}, mean 0, sd sqrt(2): error 1, t(0.95; 1) = 6.3138, so the interval is -6.3138 to 6.3138."""
    found = equivalence_to_norm(np.array([-1.0, 1.0]), mean=0.0, sd=1.0, margin=0.5)
    assert (found.low, found.high) == (pytest.approx(-6.3138, abs=1e-4), pytest.approx(6.3138, abs=1e-4))


def test_two_cases_show_nothing() -> None:
    """A mean that fits exactly is not shown to be equivalent by two cases."""
    assert equivalence_to_norm(np.array([-1.0, 1.0]), mean=0.0, sd=1.0, margin=0.5).verdict is Verdict.NOT_SHOWN


def test_many_cases_show_equivalence() -> None:
    """The same values two hundred times: the interval shrinks into the margin."""
    found = equivalence_to_norm(np.tile([-1.0, 1.0], 200), mean=0.1, sd=1.0, margin=0.5)
    assert found.verdict is Verdict.EQUIVALENT
    assert found.difference == pytest.approx(-0.1)


def test_a_shift_beyond_the_margin_is_different() -> None:
    """An interval wholly beyond the margin shows a difference, on either side."""
    for shift in (-2.0, 2.0):
        found = equivalence_to_norm(np.tile([-1.0, 1.0], 200) + shift, mean=0.0, sd=1.0, margin=0.5)
        assert found.verdict is Verdict.DIFFERENT


def test_differences_are_counted_in_standard_deviations_of_the_reference() -> None:
    """A shift of 5 units is half a standard deviation of 10."""
    found = equivalence_to_norm(np.array([4.0, 5.0, 6.0]), mean=0.0, sd=10.0, margin=1.0)
    assert found.difference == pytest.approx(0.5)


def test_two_samples_by_hand() -> None:
    """{0, 2} and {1, 3}: sd sqrt(2), so 1 / sqrt(2) apart; errors 1 + 1, two degrees: t 2.9200, reach 2.92."""
    found = equivalence(np.array([0.0, 2.0]), np.array([1.0, 3.0]), margin=0.5)
    assert found.difference == pytest.approx(1 / np.sqrt(2))
    assert found.high - found.difference == pytest.approx(2.9200, abs=1e-4)
    assert found.verdict is Verdict.NOT_SHOWN


def test_a_constant_reference_has_no_margin() -> None:
    """Without a standard deviation there is no unit."""
    with pytest.raises(InvalidParameterError):
        equivalence(np.ones(4), np.arange(4.0), margin=0.5)


def test_bootstrap_of_the_mean_finds_the_standard_error() -> None:
    """90 % of the resampled means of 400 values of sd 1 lie within 1.645 / 20 of the mean."""
    values = np.tile([-1.0, 1.0], 200)
    low, high = bootstrap_interval(
        values, lambda sample: float(sample.mean()), rounds=2000, rng=np.random.default_rng(1)
    )
    assert low == pytest.approx(-1.645 / 20, abs=0.01)
    assert high == pytest.approx(1.645 / 20, abs=0.01)


def test_bootstrap_refuses_one_case() -> None:
    """One case can be drawn again, but says nothing of another."""
    with pytest.raises(InvalidParameterError):
        bootstrap_interval(np.ones(1), lambda sample: float(sample.mean()), rounds=10, rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.4, 0.4), Verdict.EQUIVALENT),
        ((0.6, 0.9), Verdict.DIFFERENT),
        ((-0.9, -0.6), Verdict.DIFFERENT),
        ((0.4, 0.6), Verdict.NOT_SHOWN),
        ((-0.5, 0.0), Verdict.NOT_SHOWN),
    ],
)
def test_what_an_interval_shows(interval: tuple[float, float], verdict: Verdict) -> None:
    """Inside the margin of 0.5, wholly outside on either side, across its border, and touching it."""
    assert equivalence_of_interval(sum(interval) / 2, interval, margin=0.5).verdict is verdict
