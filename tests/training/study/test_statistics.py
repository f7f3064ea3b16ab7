"""Tests of training.study.statistics against hand-made values and scipy."""

import numpy as np
import pytest
from scipy import stats

from gliosynth.errors import InvalidInputError
from training.study.statistics import bootstrap_mean, holm, wilcoxon_p


def test_wilcoxon_of_six_gains_is_two_in_sixty_four() -> None:
    """All six differences positive: 2 of 2^6 sign patterns are as extreme."""
    assert wilcoxon_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])) == pytest.approx(2 / 64)


def test_wilcoxon_drops_cases_without_a_difference() -> None:
    """Two zeros change nothing; nothing but zeros is no evidence at all."""
    gains = np.array([0.1, 0.2, 0.3, -0.4, 0.5, 0.6])
    assert wilcoxon_p(np.append(gains, [0.0, 0.0])) == wilcoxon_p(gains) == stats.wilcoxon(gains).pvalue
    assert wilcoxon_p(np.zeros(4)) == 1.0


def test_holm_steps_down() -> None:
    """Of .01 .04 .03: 3 x .01, 2 x .03, and .04 raised to the one before it."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == ()


def test_bootstrap_repeats_with_its_seed_and_holds_the_mean() -> None:
    """The same generator gives the same interval, around the mean."""
    values = np.array([0.1, 0.3, 0.2, 0.5, 0.4])
    first = bootstrap_mean(values, rng=np.random.default_rng(1))
    assert first == bootstrap_mean(values, rng=np.random.default_rng(1))
    assert first.low < 0.3 < first.high
    assert not first.excludes(0.3)
    assert first.excludes(0.6)


def test_bootstrap_of_two_values_takes_the_ends_it_must() -> None:
    """Means of two draws from 0 and 1 are 0, 1/2 and 1, chances 1/4, 1/2 and 1/4: 95 % spans all, 40 % the middle."""
    values = np.array([0.0, 1.0])
    wide = bootstrap_mean(values, rng=np.random.default_rng(2))
    assert (wide.low, wide.high) == (0.0, 1.0)
    narrow = bootstrap_mean(values, rng=np.random.default_rng(2), level=0.4)
    assert (narrow.low, narrow.high) == (0.5, 0.5)


def test_bootstrap_agrees_with_scipy() -> None:
    """The percentile interval of forty values, ends equal to a hundredth of a standard error's width."""
    values = np.random.default_rng(5).normal(1.0, 2.0, 40)
    ours = bootstrap_mean(values, rng=np.random.default_rng(6), draws=40_000)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=40_000, rng=np.random.default_rng(7)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_bootstrap_needs_a_case() -> None:
    """Nothing has no interval."""
    with pytest.raises(InvalidInputError, match="one a case"):
        bootstrap_mean(np.empty(0), rng=np.random.default_rng(1))
