"""Precision, recall, density and coverage on a line."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.fidelity import manifold_scores

REFERENCE = np.array([[0.0], [1.0], [2.0], [10.0]])
"""Reach to the first neighbour: 1, 1, 1 and 8."""


def test_all_four_by_hand() -> None:
    """Sample {0.5, 0.6, 30}, k = 1.

    Balls of the reference: [-1, 1], [0, 2], [1, 3], [2, 18]. 0.5 and 0.6 lie in two each, 30 in none: precision 2/3,
    density (2 + 2 + 0) / 3. The first two balls hold a sample: coverage 2/4. Reach of the sample: 0.1, 0.1 and 29.4;
    only the ball of 30, from 0.6, holds 1, 2 and 10: recall 3/4.
    """
    found = manifold_scores(REFERENCE, np.array([[0.5], [0.6], [30.0]]), neighbours=1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(3 / 4)
    assert found.density == pytest.approx(4 / 3)
    assert found.coverage == pytest.approx(1 / 2)


def test_a_set_covers_itself() -> None:
    """Precision, recall and coverage of a set with itself are 1."""
    found = manifold_scores(REFERENCE, REFERENCE, neighbours=2)
    assert (found.precision, found.recall, found.coverage) == (1.0, 1.0, 1.0)


def test_far_apart_sets_cover_nothing() -> None:
    """All four are 0 for sets beyond each other's reach."""
    found = manifold_scores(REFERENCE, REFERENCE + 1000.0, neighbours=3)
    assert (found.precision, found.recall, found.density, found.coverage) == (0.0, 0.0, 0.0, 0.0)


def test_one_point_repeated_is_precise_but_recalls_nothing() -> None:
    """A sample that repeats one real vector has precision 1 and misses the others: it is seen by recall alone."""
    found = manifold_scores(REFERENCE, np.zeros((5, 1)), neighbours=1)
    assert found.precision == 1.0
    assert found.recall == pytest.approx(1 / 4)


@pytest.mark.parametrize("neighbours", [0, 4])
def test_a_neighbour_that_does_not_exist_is_refused(neighbours: int) -> None:
    """The k-th neighbour is at least the first and below the number of vectors."""
    with pytest.raises(InvalidParameterError):
        manifold_scores(REFERENCE, REFERENCE, neighbours=neighbours)
