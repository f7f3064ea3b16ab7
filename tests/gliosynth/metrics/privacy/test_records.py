"""Distances to records, by hand."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.privacy import closest_distances, neighbour_ratios, overfit_share

RECORDS = np.array([[0.0, 0.0], [3.0, 4.0], [10.0, 0.0]])


def test_closest_distance_by_hand() -> None:
    """(3, 0) is 3 from the origin; (3, 4) is a record; (10, 2) is 2 from the third."""
    found = closest_distances(np.array([[3.0, 0.0], [3.0, 4.0], [10.0, 2.0]]), RECORDS)
    assert found == pytest.approx([3.0, 0.0, 2.0])


def test_overfit_share_counts_ties_as_half() -> None:
    """Nearer, equal, farther, nearer: (1 + 0.5 + 0 + 1) / 4."""
    found = overfit_share(np.array([1.0, 2.0, 3.0, 0.0]), np.array([2.0, 2.0, 1.0, 5.0]))
    assert found == pytest.approx(0.625)


def test_overfit_share_of_copies_is_one() -> None:
    """Copies of the training records are always nearer to them."""
    rng = np.random.default_rng(1)
    training, holdout = rng.normal(size=(2, 20, 3))
    found = overfit_share(closest_distances(training, training), closest_distances(training, holdout))
    assert found == 1.0


def test_overfit_share_of_strangers_is_about_a_half() -> None:
    """Cases of the same distribution are as often nearer to either set of the same size."""
    rng = np.random.default_rng(2)
    training, holdout = rng.normal(size=(2, 50, 3))
    sample = rng.normal(size=(2000, 3))
    found = overfit_share(closest_distances(sample, training), closest_distances(sample, holdout))
    assert 0.4 < found < 0.6


def test_neighbour_ratio_by_hand() -> None:
    """(3, 0): 3 to the first and 4 to the second record. (3, 4): a copy, so 0. Between two records: 1."""
    found = neighbour_ratios(np.array([[3.0, 0.0], [3.0, 4.0], [5.0, -1e6]]), RECORDS)
    assert found[:2] == pytest.approx([0.75, 0.0])
    assert found[2] == pytest.approx(1.0, abs=1e-4)


def test_neighbour_ratio_of_repeated_records_is_one() -> None:
    """A copy of a record that is there twice tells neither apart."""
    assert neighbour_ratios(np.zeros((1, 2)), np.zeros((2, 2))).tolist() == [1.0]


def test_one_record_has_no_ratio() -> None:
    """A second record is needed."""
    with pytest.raises(InvalidParameterError):
        neighbour_ratios(np.zeros((1, 2)), np.zeros((1, 2)))


def test_sides_must_be_of_one_length() -> None:
    """A case has one distance to either set."""
    with pytest.raises(InvalidParameterError):
        overfit_share(np.zeros(3), np.zeros(2))
