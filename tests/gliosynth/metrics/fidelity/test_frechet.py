"""The Fréchet distance against values worked out by hand."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity import frechet_distance


def test_a_shift_costs_its_square() -> None:
    """Equal covariances leave the squared distance of the means: 3² + 4² = 25."""
    reference = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 5.0], [3.0, 2.0]])
    assert frechet_distance(reference, reference + np.array([3.0, 4.0])) == pytest.approx(25.0)


def test_a_spread_costs_the_difference_of_the_standard_deviations() -> None:
    """In one dimension the distance is (mu_1 - mu_2)² + (sd_1 - sd_2)²: sds sqrt(2) and 3 sqrt(2), so 8."""
    reference, sample = np.array([[-1.0], [1.0]]), np.array([[-3.0], [3.0]])
    assert frechet_distance(reference, sample) == pytest.approx((3 * np.sqrt(2) - np.sqrt(2)) ** 2)


def test_it_is_zero_for_itself_and_symmetric() -> None:
    """Distance of a set from itself is 0, and the order of the sides does not matter."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(30, 5)), rng.normal(1.0, 2.0, size=(40, 5))
    assert frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first))


def test_turning_both_sets_changes_nothing() -> None:
    """The distance knows no axes."""
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(30, 3)) * [1.0, 2.0, 3.0], rng.normal(size=(30, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert frechet_distance(first @ turn, second @ turn) == pytest.approx(frechet_distance(first, second))


def test_fewer_rows_than_features_are_allowed() -> None:
    """Covariances without full rank are taken as they are: two rows each, one apart along x, give 1."""
    reference = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert frechet_distance(reference, reference + np.array([1.0, 0.0, 0.0])) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("reference", "sample", "reason"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2)), "TOO_FEW_SAMPLES"),
        (np.zeros((3, 2)), np.zeros((3, 3)), "ENCODERS_DIFFER"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), "NOT_FINITE"),
    ],
)
def test_what_has_no_distance_is_refused(reference: np.ndarray, sample: np.ndarray, reason: str) -> None:
    """One row, other features and NaN are named."""
    with pytest.raises(InvalidParameterError) as caught:
        frechet_distance(reference, sample)
    assert caught.value.reason == reason
