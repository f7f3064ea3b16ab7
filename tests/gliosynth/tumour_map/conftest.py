"""Small tumours and heads whose every voxel is known."""

from collections.abc import Callable

import numpy as np
import pytest

from gliosynth.geometry import Grid
from gliosynth.labels import Label
from gliosynth.tumour_map import Surroundings
from gliosynth.volume import Volume

Shape = tuple[int, int, int]


def _blocks(shape: Shape = (40, 36, 32), at: Shape = (14, 12, 10)) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    x, y, z = at
    labels[x : x + 9, y : y + 7, z : z + 7] = Label.ED
    labels[x + 1 : x + 6, y + 1 : y + 6, z + 1 : z + 6] = Label.ET
    labels[x + 2 : x + 5, y + 2 : y + 5, z + 2 : z + 5] = Label.NCR
    return labels


def _ball(shape: Shape, centre: tuple[float, float, float], radius: float) -> np.ndarray:
    offsets = np.meshgrid(*(np.arange(size) - at for size, at in zip(shape, centre, strict=True)), indexing="ij")
    return np.sqrt(sum(offset**2 for offset in offsets)) <= radius


@pytest.fixture
def blocks() -> Callable[..., np.ndarray]:
    """ED of 9 x 7 x 7 voxels around ET of 5 x 5 x 5 around NCR of 3 x 3 x 3, at any place of any grid."""
    return _blocks


@pytest.fixture
def ball() -> Callable[..., np.ndarray]:
    """A ball of voxels: shape, centre, radius."""
    return _ball


@pytest.fixture
def tumour() -> Volume[np.uint8]:
    """The blocks on a 1 mm RAS grid: 441 voxels of WT, 125 of TC, 98 of ET."""
    return Volume(_blocks(), np.eye(4), "tumour_map")


@pytest.fixture
def wide_head(tumour: Volume[np.uint8]) -> Surroundings:
    """A brain that fills the grid but for a voxel on every side."""
    brain = np.zeros(tumour.shape, np.bool_)
    brain[1:-1, 1:-1, 1:-1] = True
    return Surroundings.of_mask(Volume(brain, tumour.affine, "brain"))


@pytest.fixture
def ellipsoid_head() -> Surroundings:
    """A brain of 136 x 172 x 140 mm in the middle of a 2 mm RAS grid, its centre at the origin."""
    shape, halves = (72, 90, 74), (68.0, 86.0, 70.0)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1.0)
    axes = [(np.arange(size) - (size - 1) / 2) * 2.0 / half for size, half in zip(shape, halves, strict=True)]
    brain = sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")) <= 1.0
    return Surroundings(Grid.of(shape, affine), brain, brain)
