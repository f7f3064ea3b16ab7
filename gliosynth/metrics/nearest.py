"""Exact distances from voxels to the nearest voxel of a set, without a distance map.

Two segmentations of one lesion share most of their surface and miss each other by a voxel or two elsewhere. So the
neighbours within a few voxels are looked up directly, nearest first, and only what is still without a partner asks a
k-d tree. A distance map would compute millions of distances to read some thousands.
"""

from functools import lru_cache
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gliosynth.metrics.box import Triple

Distances = NDArray[np.float64]
"""``(N,)`` float64 in mm."""

STENCIL_RADIUS: Final = 5.0
"""Reach of the direct look-up, in units of the finest voxel edge: 514 neighbours for cubic voxels."""

LOOKUPS_PER_QUERY: Final = 40
"""Mean number of look-ups per query after which the tree is cheaper (a prediction in the wrong place)."""

TREE_LEAF_SIZE: Final = 32
"""Points in a leaf of the tree: on surfaces larger leaves than scipy's 10 are faster."""


def nearest_mm(queries: NDArray[np.bool_], targets: NDArray[np.bool_], *, spacing_mm: Triple) -> Distances:
    """Returns the distance from each query voxel to the nearest target voxel.

    Args:
        queries: ``(X, Y, Z)``, True at the voxels (or voxel corners) to start from.
        targets: ``(X, Y, Z)``, True at those to reach.
        spacing_mm: Edges in mm.

    Returns:
        ``(N,)`` in mm, N the number of queries, in C order of the grid; zero where a query is a target; ``inf``
        everywhere if there is no target.
    """
    reach_mm = STENCIL_RADIUS * min(spacing_mm)
    margin = [int(reach_mm / edge) for edge in spacing_mm]
    padded = np.pad(targets, [(width, width) for width in margin])
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    index = _indices(queries)
    place, reachable = (index + margin) @ strides, padded.ravel()
    distances = np.full(len(place), np.inf)
    left = np.arange(len(place))
    budget = LOOKUPS_PER_QUERY * len(place)
    for distance_mm, offsets in _shells(spacing_mm, reach_mm=reach_mm):
        budget -= len(left) * len(offsets)
        if budget < 0 or not left.size:
            break
        found = reachable.take((offsets @ strides)[:, None] + place[left]).any(axis=0)
        distances[left[found]] = distance_mm
        left = left[~found]
    if left.size:
        distances[left] = _tree_mm(index[left], _indices(targets), spacing_mm=spacing_mm)
    return distances


def _indices(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Returns what ``np.argwhere`` does, some times faster in 3D."""
    return np.stack(np.unravel_index(np.flatnonzero(mask), mask.shape), axis=1)


@lru_cache(maxsize=8)
def _shells(spacing_mm: Triple, *, reach_mm: float) -> list[tuple[float, NDArray[np.int64]]]:
    """Returns the voxel offsets within reach, grouped by distance, nearest first."""
    edges = np.asarray(spacing_mm)
    width = (reach_mm / edges).astype(int)
    offsets = np.stack(np.meshgrid(*(np.arange(-w, w + 1) for w in width), indexing="ij"), axis=-1).reshape(-1, 3)
    distance_mm = np.sqrt(((offsets * edges) ** 2).sum(axis=1))
    order = np.argsort(distance_mm, kind="stable")
    order = order[distance_mm[order] <= reach_mm]
    return [(mm, offsets[list(members)]) for mm, members in groupby(order, key=lambda i: float(distance_mm[i]))]


def _tree_mm(queries: NDArray[np.int64], targets: NDArray[np.int64], *, spacing_mm: Triple) -> Distances:
    """Returns the distances from ``(N, 3)`` to the nearest of ``(M, 3)`` voxel indices.

    They are computed from the indices of the pair, so that equal steps give equal distances to the last bit.
    """
    if not len(targets):
        return np.full(len(queries), np.inf)
    edges = np.asarray(spacing_mm)
    tree = cKDTree(targets * edges, balanced_tree=False, leafsize=TREE_LEAF_SIZE)
    _, partner = tree.query(queries * edges)
    steps: NDArray[np.float64] = (queries - targets[partner]) * edges
    distances: Distances = np.sqrt((steps**2).sum(axis=1))
    return distances
