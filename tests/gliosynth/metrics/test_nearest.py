"""Nearest distances: the fast look-up equals all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from gliosynth.metrics.nearest import nearest_mm


def all_pairs_mm(queries: np.ndarray, targets: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """The plain definition: every query against every target."""
    edges = np.asarray(spacing_mm)
    if not targets.any():
        return np.full(np.count_nonzero(queries), np.inf)
    return cdist(np.argwhere(queries) * edges, np.argwhere(targets) * edges).min(axis=1, initial=np.inf)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 14)] * 3),
    density=st.sampled_from([0.002, 0.05, 0.5]),
    spacing_mm=st.sampled_from([(1.0, 1.0, 1.0), (0.9375, 0.9375, 5.0), (3.0, 0.7, 1.1)]),
)
def test_equals_all_pairs(
    seed: int, shape: tuple[int, int, int], density: float, spacing_mm: tuple[float, float, float]
) -> None:
    """On random sets, near and far, with cubic and flat voxels."""
    rng = np.random.default_rng(seed)
    queries, targets = rng.random(shape) < 0.2, rng.random(shape) < density
    expected = all_pairs_mm(queries, targets, spacing_mm)
    np.testing.assert_allclose(nearest_mm(queries, targets, spacing_mm=spacing_mm), expected, rtol=0, atol=1e-9)


def test_far_target_is_found_by_the_tree() -> None:
    """A target 90 voxels away lies beyond the look-up; the distance is exact."""
    queries = np.zeros((100, 3, 5), dtype=np.bool_)
    targets = queries.copy()
    queries[2, 0, 0] = True
    targets[92, 2, 4] = True
    assert nearest_mm(queries, targets, spacing_mm=(1.0, 2.0, 0.5))[0] == np.sqrt(90.0**2 + 4.0**2 + 2.0**2)


def test_equal_steps_give_equal_distances_near_and_far() -> None:
    """Two steps of 0.7 mm are the same number wherever they start, although 0.7 has no exact binary value."""
    queries = np.zeros((40, 1, 1), dtype=np.bool_)
    targets = queries.copy()
    queries[[2, 31]] = True
    targets[[0, 33]] = True
    first, second = nearest_mm(queries, targets, spacing_mm=(0.7, 1.0, 1.0))
    assert first == second == 2 * 0.7


@pytest.mark.parametrize("empty", ["queries", "targets"])
def test_empty_sets_have_stated_values(empty: str) -> None:
    """No query, no distance; no target, infinite distances."""
    full, none = np.ones((2, 1, 1), dtype=np.bool_), np.zeros((2, 1, 1), dtype=np.bool_)
    queries, targets = (none, full) if empty == "queries" else (full, none)
    expected: list[float] = [] if empty == "queries" else [np.inf, np.inf]
    assert nearest_mm(queries, targets, spacing_mm=(1.0, 1.0, 1.0)).tolist() == expected
