"""Deformation of an anatomy: affine and two-scale elastic, as one map from the grid to the anatomy."""

from dataclasses import dataclass
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from gliosynth.anatomy import Anatomy
from gliosynth.elementary import cos, power, sin
from gliosynth.separable import Array, apply_separable, linear_matrix, random_field
from gliosynth.tumour.settings import DeformationSettings, GridSettings

TYPICAL_BRAIN_ML: Final = 1420.0
"""Volume that every brain is scaled to before its own scale is drawn, ml: real cases lie in an atlas space."""

NODE_MM: Final = 5.0
"""Distance of the nodes on which the map is kept, mm."""

COARSE_SIGMA_MM: Final = 26.0
"""Correlation length of the wide elastic displacement, mm."""

FINE_SIGMA_MM: Final = 9.0
"""Correlation length of the narrow elastic displacement, mm."""


@dataclass(frozen=True, eq=False)
class CoarseMap:
    """A map from grid positions to anatomy voxels, on coarse nodes.

    Attributes:
        sources: ``(3, A, B, C)`` float32: anatomy voxel index at each node.
        nodes: Three float64 vectors: node positions along X, Y, Z in grid voxels.
        grid: The grid that is mapped.
    """

    sources: NDArray[np.float32]
    nodes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    grid: GridSettings

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the anatomy voxels ``(N, 3)`` of grid voxels ``(N, 3)``, linear between the nodes."""
        index = [points[:, axis] / (self.nodes[axis][1] - self.nodes[axis][0]) for axis in range(3)]
        return np.stack([map_coordinates(source, index, order=1, mode="nearest") for source in self.sources], axis=1)

    def dense(self, xp: ModuleType) -> tuple[Array, Array, Array]:
        """Returns the anatomy voxel of every grid voxel: three ``(X, Y, Z)`` float32 arrays in the namespace `xp`."""
        operators = [
            linear_matrix(np.arange(size, dtype=np.float64), nodes)
            for size, nodes in zip(self.grid.shape, self.nodes, strict=True)
        ]
        x, y, z = (apply_separable(xp.asarray(source), *operators) for source in self.sources)
        return x, y, z


def draw_map(
    anatomy: Anatomy, grid: GridSettings, settings: DeformationSettings, rng: np.random.Generator
) -> CoarseMap:
    """Returns a random affine and elastic map that keeps the brain in the middle of the grid.

    Args:
        anatomy: The head to deform.
        grid: The grid to fill.
        settings: Amounts.
        rng: Random generator.
    """
    extents = [(size - 1) * edge for size, edge in zip(grid.shape, grid.spacing_mm, strict=True)]
    counts = [max(round(extent / NODE_MM) + 1, 2) for extent in extents]
    axes_mm = [np.linspace(-extent / 2, extent / 2, count) for extent, count in zip(extents, counts, strict=True)]
    positions = np.stack(np.meshgrid(*axes_mm, indexing="ij"))
    scale = power(TYPICAL_BRAIN_ML / anatomy.brain_ml, 1.0 / 3.0) * rng.uniform(*settings.scale)
    linear = _rotation(rng.uniform(-1, 1, 3) * settings.rotation_deg) / (scale * rng.uniform(0.97, 1.03, 3))
    sources = np.einsum("ij,jabc->iabc", linear, positions) + anatomy.brain_centre[:, None, None, None]
    spacing = [axis[1] - axis[0] for axis in axes_mm]
    for sigma, amount in ((COARSE_SIGMA_MM, settings.coarse_mm), (FINE_SIGMA_MM, settings.fine_mm)):
        for axis in range(3):
            sources[axis] += amount * random_field(rng, counts, spacing_mm=spacing, sigma_mm=sigma, xp=np)
    x, y, z = (np.linspace(0.0, size - 1.0, count) for size, count in zip(grid.shape, counts, strict=True))
    return CoarseMap(sources.astype(np.float32), (x, y, z), grid)


def _rotation(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the ``(3, 3)`` rotation by angles about X, then Y, then Z."""
    a, b, c = (float(angle) for angle in np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
    about_y = np.array([[cos(b), 0, sin(b)], [0, 1, 0], [-sin(b), 0, cos(b)]])
    about_z = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
    rotation: NDArray[np.float64] = np.einsum("ij,jk->ik", about_z, np.einsum("ij,jk->ik", about_y, about_x))
    return rotation
