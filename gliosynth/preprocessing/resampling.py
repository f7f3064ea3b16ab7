"""Resampling an image onto a grid: one linear interpolation from the scan's own voxels.

Linear, because it never overshoots and keeps an exact zero background exactly zero, which later tells that a skull was
stripped; and once, because each interpolation blurs.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.geometry import Grid, Shape
from gliosynth.labels import Mask
from gliosynth.preprocessing.intensity import FloatVolume
from gliosynth.volume import Affine, Volume, spacing_of

FINER_THAN: Final = 0.8
"""Axes finer than this share of the new spacing are smoothed first, so that detail does not fold into noise."""

SIGMA_PER_FWHM: Final = 0.4247
"""Standard deviation of a Gaussian whose full width at half maximum is 1."""

AXIS_ALIGNED_VOXELS: Final = 1e-3
"""Off-diagonal parts that move no voxel by more than this are rounding errors of single-precision headers."""


def resample(volume: Volume[np.generic], grid: Grid, *, transform: Affine | None = None) -> FloatVolume:
    """Returns the image on another grid by linear interpolation.

    Args:
        volume: Image to sample.
        grid: Grid of the result.
        transform: ``(4, 4)``, world mm of the grid to world mm of the volume; none means that both worlds are one.

    Returns:
        ``(X, Y, Z)`` float32 of the grid's shape; 0 where the volume has no voxel.
    """
    matrix = voxel_mapping(grid, volume.affine, transform=transform)
    image = _smoothed_for(volume, grid)
    result = np.empty(grid.shape, dtype=np.float32)
    linear = np.diag(matrix) if _is_axis_aligned(matrix, grid.shape) else matrix[:3, :3]
    ndimage.affine_transform(image, linear[:3], matrix[:3, 3], output=result, order=1, mode="nearest", prefilter=False)
    result[~covered(matrix, grid.shape, volume.shape)] = 0.0
    return result


def voxel_mapping(grid: Grid, affine: Affine, *, transform: Affine | None = None) -> Affine:
    """Returns ``(4, 4)``: voxel index of the grid to voxel index of the volume that has the affine."""
    world_to_world = np.eye(4) if transform is None else transform
    return np.asarray(np.linalg.solve(affine, world_to_world @ grid.affine))


def covered(matrix: Affine, shape: Shape, source_shape: Shape) -> Mask:
    """Returns where a grid lies inside a source volume, to the outer faces of its voxels.

    Args:
        matrix: ``(4, 4)``, voxel index of the grid to voxel index of the source.
        shape: Shape of the grid.
        source_shape: Shape of the source.

    Returns:
        Boolean mask of the grid's shape.
    """
    inside = np.ones(shape, dtype=np.bool_)
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    for row, size in zip(matrix[:3], source_shape, strict=True):
        index = (row[0] * i + (row[1] * j + row[3])) + row[2] * k
        inside &= (index >= -0.5 - AXIS_ALIGNED_VOXELS) & (index <= size - 0.5 + AXIS_ALIGNED_VOXELS)
    return inside


def _is_axis_aligned(matrix: Affine, shape: Shape) -> bool:
    off_diagonal = matrix[:3, :3] - np.diag(np.diag(matrix)[:3])
    return bool((np.abs(off_diagonal) @ np.asarray(shape) < AXIS_ALIGNED_VOXELS).all())


def _smoothed_for(volume: Volume[np.generic], grid: Grid) -> NDArray[np.float32]:
    """Returns the voxels as float32, smoothed along axes that are clearly finer than the grid (METHODS.md C.6)."""
    image = np.ascontiguousarray(volume.data, dtype=np.float32)
    target_mm = min(spacing_of(grid.affine))
    sigmas = [
        SIGMA_PER_FWHM * np.sqrt((target_mm / edge_mm) ** 2 - 1) if edge_mm < FINER_THAN * target_mm else 0.0
        for edge_mm in volume.spacing_mm
    ]
    return ndimage.gaussian_filter(image, sigmas, truncate=3.0) if any(sigmas) else image
