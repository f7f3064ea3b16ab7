"""Distances of one quantity's distributions, by hand."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity import kolmogorov_smirnov, wasserstein


def test_kolmogorov_smirnov_by_hand() -> None:
    """{1, 2, 3, 4} and {3, 4, 5, 6}: at 2 one side has half of its values, the other none."""
    assert kolmogorov_smirnov(np.arange(1.0, 5.0), np.arange(3.0, 7.0)) == pytest.approx(0.5)


def test_kolmogorov_smirnov_ends() -> None:
    """0 for the same values in another order, 1 without any overlap."""
    assert kolmogorov_smirnov(np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, 2.0])) == 0.0
    assert kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([5.0])) == 1.0


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    """All mass is carried 2.5 units."""
    values = np.array([1.0, 4.0, 9.0])
    assert wasserstein(values, values + 2.5) == pytest.approx(2.5)


def test_wasserstein_of_unequal_counts_by_hand() -> None:
    """{0} and {0, 0, 3}: a third of the mass is carried 3 units."""
    assert wasserstein(np.array([0.0]), np.array([0.0, 0.0, 3.0])) == pytest.approx(1.0)


@pytest.mark.parametrize("values", [np.array([]), np.array([1.0, np.nan]), np.zeros((2, 2))])
def test_no_values_and_no_numbers_are_refused(values: np.ndarray) -> None:
    """An empty side, NaN and a table have no distribution."""
    for measure in (kolmogorov_smirnov, wasserstein):
        with pytest.raises(InvalidParameterError):
            measure(np.array([1.0]), values)
