"""Kernel distances against values worked out by hand."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity import cubic_discrepancy, gaussian_discrepancy, kernel_distance


def test_cubic_discrepancy_by_hand() -> None:
    """D = 1, sets {0, 0} and {1, 1}: within 1 and (1 + 1)³ = 8, across 1, so 1 + 8 - 2 = 7."""
    assert cubic_discrepancy(np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]])) == pytest.approx(7.0)


def test_cubic_discrepancy_leaves_a_vector_with_itself_out() -> None:
    """Sets {0, 1} and {0, 1}: within 1 each, across (1 + 1 + 1 + 8) / 4, so 2 - 5.5 = -3.5: unbiased, and below 0."""
    values = np.array([[0.0], [1.0]])
    assert cubic_discrepancy(values, values.copy()) == pytest.approx(-3.5)


def test_cubic_discrepancy_does_not_grow_in_small_samples() -> None:
    """Its mean over many pairs of one distribution is 0 at 5 as at 50 vectors, which a Fréchet distance's is not."""
    rng = np.random.default_rng(3)
    for count in (5, 50):
        found = [cubic_discrepancy(*rng.normal(size=(2, count, 4))) for _ in range(400)]
        assert abs(np.mean(found)) < 4 * np.std(found) / 20


def test_kernel_distance_of_whole_sets_is_the_discrepancy() -> None:
    """A subset as large as both sets is always the same: mean as without subsets, no spread."""
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(6, 3)), rng.normal(2.0, size=(6, 3))
    found = kernel_distance(first, second, subset=6, rounds=3, rng=rng)
    assert found.mean == pytest.approx(cubic_discrepancy(first, second))
    assert found.sd == pytest.approx(0.0, abs=1e-9)


def test_kernel_distance_repeats_with_its_generator() -> None:
    """The same generator draws the same subsets."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    once, again = (kernel_distance(first, second, subset=5, rounds=10, rng=np.random.default_rng(1)) for _ in range(2))
    assert once == again
    assert once.sd > 0


def test_kernel_distance_refuses_a_subset_that_is_too_large() -> None:
    """More vectors than there are cannot be drawn."""
    with pytest.raises(InvalidParameterError):
        kernel_distance(np.zeros((3, 1)), np.zeros((9, 1)), subset=4, rounds=1, rng=np.random.default_rng(1))


def test_gaussian_discrepancy_by_hand() -> None:
    """{0, 0} and {1, 1}: squared distances of six pairs 0, 0, 1, 1, 1, 1, median 1; 1 + 1 - 2 exp(-1/2)."""
    found = gaussian_discrepancy(np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]]))
    assert found == pytest.approx(2 - 2 * np.exp(-0.5))


def test_gaussian_discrepancy_knows_no_unit() -> None:
    """The width follows the data: metres and millimetres give the same."""
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(10, 2)), rng.normal(1.0, size=(12, 2))
    assert gaussian_discrepancy(first, second) == pytest.approx(gaussian_discrepancy(1000 * first, 1000 * second))


def test_gaussian_discrepancy_of_equal_vectors_is_zero() -> None:
    """Where no two vectors differ there is no width, and no distance either."""
    assert gaussian_discrepancy(np.ones((3, 2)), np.ones((4, 2))) == 0.0
