"""Separable linear operators on volumes: smooth, resample, shift, blur by thick slices, draw random fields.

Each operator is three small matrices, one per axis, so a whole acquisition (point spread, slice profile, resampling,
sub-voxel shift) costs three matrix products. The functions take arrays of any array-API library (NumPy, torch): the
matrices are built in NumPy and moved to the volume's library and device. NumPy volumes get the same bits on every
machine (`gliosynth.exact_product`, `gliosynth.elementary`), those of other libraries the same values up to rounding.
"""

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array, is_numpy_namespace
from numpy.typing import NDArray

from gliosynth.elementary import exp
from gliosynth.exact_product import apply_exactly, multiply_exactly

Array: TypeAlias = Any
"""An array of any library that follows the Python array API; its shape and dtype stand in the docstring."""

Matrix: TypeAlias = NDArray[np.float32]
"""``(outputs, inputs)`` float32: one axis of a separable operator."""

FWHM_PER_SIGMA: Final = 2.3548
"""Full width at half maximum of a Gaussian in units of its sigma: 2 sqrt(2 ln 2)."""


def apply_separable(volume: Array, along_x: Matrix, along_y: Matrix, along_z: Matrix) -> Array:
    """Returns the volume transformed along each axis.

    Args:
        volume: ``(X, Y, Z)`` float32.
        along_x: ``(X', X)``.
        along_y: ``(Y', Y)``.
        along_z: ``(Z', Z)``.

    Returns:
        ``(X', Y', Z')`` float32, in the library and on the device of `volume`.
    """
    if is_numpy_array(volume):
        return apply_exactly(volume, along_x, along_y, along_z)
    xp = array_namespace(volume)
    where = device(volume)
    result = xp.matmul(volume, xp.asarray(along_z.T.copy(), device=where))
    result = xp.matmul(xp.asarray(along_y, device=where), result)
    flat = xp.reshape(result, (result.shape[0], -1))
    flat = xp.matmul(xp.asarray(along_x, device=where), flat)
    return xp.reshape(flat, (along_x.shape[0], along_y.shape[0], along_z.shape[0]))


def smooth(volume: Array, sigma_mm: float, spacing_mm: Sequence[float]) -> Array:
    """Returns the volume smoothed by a Gaussian; at the border the kernel is cut and renormalised.

    Args:
        volume: ``(X, Y, Z)`` float32.
        sigma_mm: Standard deviation of the Gaussian in mm, above 0.
        spacing_mm: Voxel edges in mm.
    """
    x, y, z = (gaussian_matrix(size, sigma_mm / edge) for size, edge in zip(volume.shape, spacing_mm, strict=True))
    return apply_separable(volume, x, y, z)


def gaussian_matrix(size: int, sigma: float) -> Matrix:
    """Returns the ``(size, size)`` Gaussian smoothing matrix; its rows sum to 1.

    Args:
        size: Number of voxels along the axis.
        sigma: Standard deviation in voxels; below .1 the identity results.
    """
    if sigma < 0.1:
        return np.eye(size, dtype=np.float32)
    positions = np.arange(size)
    weights = exp(-0.5 * ((positions[:, None] - positions[None, :]) / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def linear_matrix(outputs: NDArray[np.float64], inputs: NDArray[np.float64]) -> Matrix:
    """Returns the linear interpolation matrix from values at `inputs` to values at `outputs`, held constant outside.

    Args:
        outputs: ``(M,)`` positions wanted.
        inputs: ``(N,)`` increasing, evenly spaced positions given, N >= 2.

    Returns:
        ``(M, N)`` float32; rows sum to 1.
    """
    step = inputs[1] - inputs[0]
    index = np.clip((outputs - inputs[0]) / step, 0.0, inputs.size - 1.0)
    weights = np.maximum(1.0 - np.abs(index[:, None] - np.arange(inputs.size)[None, :]), 0.0)
    return np.asarray(weights, dtype=np.float32)


def acquisition_matrix(size: int, edge_mm: float, *, psf_mm: float, slice_mm: float, shift_mm: float) -> Matrix:
    """Returns the ``(size, size)`` matrix of one axis of an acquisition, resampled back to the volume's own grid.

    Args:
        size: Number of voxels along the axis.
        edge_mm: Voxel edge in mm.
        psf_mm: Sigma of the point spread in mm, 0 for none.
        slice_mm: Spacing of the acquired samples in mm; up to `edge_mm` nothing is lost, above it the profile is a
            Gaussian whose full width is the slice thickness, and the slices are interpolated linearly.
        shift_mm: Displacement of the content towards higher indices, mm.
    """
    positions = np.arange(size, dtype=np.float64) * edge_mm
    thick = slice_mm > edge_mm * 1.01
    count = max(round(size * edge_mm / slice_mm), 2) if thick else size
    samples: NDArray[np.float64] = np.linspace(0.0, (size - 1) * edge_mm, count) if thick else positions
    profile_mm = slice_mm / FWHM_PER_SIGMA if thick else 0.0
    sigma = math.sqrt(psf_mm * psf_mm + profile_mm * profile_mm)
    if sigma < 0.1 * edge_mm:
        profile = linear_matrix(samples - shift_mm, positions)
    else:
        distance = samples[:, None] - shift_mm - positions[None, :]
        weights = exp(-0.5 * (distance / sigma) ** 2) + 1e-12
        profile = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return multiply_exactly(linear_matrix(positions, samples), profile) if thick else profile


def noise_gain(matrix: Matrix) -> float:
    """Returns the factor by which the matrix shrinks the standard deviation of white noise, mean over its rows."""
    return float(np.sqrt((matrix.astype(np.float64) ** 2).sum(axis=1)).mean())


def field_matrix(size: int, edge_mm: float, sigma_mm: float) -> Matrix:
    """Returns the ``(size, nodes)`` matrix that turns white noise on coarse nodes into one axis of a Gaussian field.

    Each row has unit Euclidean norm, so that the field has variance 1; nodes are `sigma_mm` apart and reach three sigma
    beyond the volume. The field's autocorrelation at distance d is ``exp(-d^2 / (4 sigma^2))``.

    Args:
        size: Number of voxels along the axis.
        edge_mm: Voxel edge in mm.
        sigma_mm: Sigma of the smoothing kernel, mm.
    """
    step = max(sigma_mm, edge_mm)
    length = (size - 1) * edge_mm
    nodes = np.arange(-3.0 * step, length + 3.0 * step + 1e-6, step)
    weights = exp(-0.5 * ((np.arange(size)[:, None] * edge_mm - nodes[None, :]) / sigma_mm) ** 2)
    norm = np.sqrt((weights * weights).sum(axis=1, keepdims=True))
    return np.asarray(weights / norm, dtype=np.float32)


@runtime_checkable
class DrawsVolumes(Protocol):
    """A random generator that draws white noise where the volumes are, as an option for streams on a GPU."""

    def white_volume(self, shape: Sequence[int]) -> Array:
        """Returns independent normal numbers, float32, in the library and on the device of the volumes."""


def white_noise(rng: np.random.Generator, shape: Sequence[int], *, xp: ModuleType) -> Array:
    """Returns independent normal numbers.

    Args:
        rng: NumPy's generator draws them, so that all libraries give the same volume, unless it is one of
            `DrawsVolumes` and the library is another one.
        shape: ``(X, Y, Z)``.
        xp: Array namespace of the result.

    Returns:
        ``(X, Y, Z)`` float32.
    """
    if isinstance(rng, DrawsVolumes) and not is_numpy_namespace(xp):
        return rng.white_volume(shape)
    return xp.asarray(rng.standard_normal(tuple(shape), dtype=np.float32))


def random_field(
    rng: np.random.Generator, shape: Sequence[int], *, spacing_mm: Sequence[float], sigma_mm: float, xp: ModuleType
) -> Array:
    """Returns a Gaussian random field of mean 0 and variance 1.

    Args:
        rng: Source of the white noise, see `white_noise`.
        shape: ``(X, Y, Z)``.
        spacing_mm: Voxel edges in mm.
        sigma_mm: Sigma of the Gaussian kernel in mm; see `field_matrix` for the autocorrelation.
        xp: Array namespace of the result.

    Returns:
        ``(X, Y, Z)`` float32.
    """
    x, y, z = (field_matrix(size, edge, sigma_mm) for size, edge in zip(shape, spacing_mm, strict=True))
    return apply_separable(white_noise(rng, (x.shape[1], y.shape[1], z.shape[1]), xp=xp), x, y, z)
