"""Products of small matrices with volumes whose bits do not depend on the machine.

A matrix product is a sum, and every processor, BLAS kernel and number of threads adds in another order. Here the
volume is first rounded to 24-bit integers and the matrix to multiples of 2^-28, so that each product and each partial
sum is a multiple of 2^-28 below 2^25: float64 holds them exactly, no addition rounds, and so the order does not matter.
After each axis the result is rounded to integers again.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Volume: TypeAlias = NDArray[np.float32]
"""``(X, Y, Z)`` float32."""

VALUE_BITS: Final = 24
"""A volume's values are integers of at most 2^24, which float32 holds, too."""

WEIGHT_BITS: Final = 28
"""Weights are multiples of 2^-28; the absolute values of a row add up to 1 (and half a unit an entry by rounding)."""

BLOCK_ROWS: Final = 16
"""Rows of a banded matrix that are multiplied at a time; the columns that are 0 in all of them are left out."""

SLAB_VOXELS: Final = 1 << 16
"""Voxels that are multiplied at a time, so that the float64 intermediates stay in the cache."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Some rows of a matrix without their outer zeros."""

    rows: slice
    columns: slice
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Operator:
    """A matrix in blocks of rows.

    Attributes:
        blocks: The rows, in order.
        size: Number of rows.
        growth: Binary orders of magnitude by which the unit of the values grows.
    """

    blocks: tuple[_Block, ...]
    size: int
    growth: int


def apply_exactly(volume: Volume, along_x: Volume, along_y: Volume, along_z: Volume) -> Volume:
    """Returns the volume transformed along each axis; the same bits on every machine.

    The error is at most about 2^-21 of the largest value of the volume for operators whose rows add up to 1.

    Args:
        volume: ``(X, Y, Z)`` float32, finite.
        along_x: ``(X', X)`` float32.
        along_y: ``(Y', Y)`` float32.
        along_z: ``(Z', Z)`` float32.

    Returns:
        ``(X', Y', Z')`` float32.
    """
    x, y, z = _operator(along_x), _operator(along_y), _operator(along_z)
    exponent = _exponent(volume)
    inner = np.empty((volume.shape[0], y.size, z.size), dtype=np.float32)
    planes = max(1, SLAB_VOXELS // (volume.shape[1] * volume.shape[2]))
    for start in range(0, volume.shape[0], planes):
        slab = _integers(volume[start : start + planes], exponent)
        inner[start : start + planes] = _along_y(_along_z(slab, z), y)
    return _along_x(inner, x, math.ldexp(1.0, exponent - VALUE_BITS + x.growth + y.growth + z.growth))


def multiply_exactly(first: Volume, second: Volume) -> Volume:
    """Returns the matrix product ``first @ second``, ``(L, N)`` float32, the same bits on every machine.

    Args:
        first: ``(L, M)`` float32.
        second: ``(M, N)`` float32.
    """
    operator, exponent = _operator(first), _exponent(second)
    integers = _integers(second, exponent).astype(np.float32)[:, :, None]
    return _along_x(integers, operator, math.ldexp(1.0, exponent - VALUE_BITS + operator.growth))[:, :, 0]


def _exponent(values: Volume) -> int:
    """Returns the smallest e with all absolute values at most 2^e."""
    return math.frexp(max(float(values.max(initial=0.0)), -float(values.min(initial=0.0))))[1]


def _integers(values: Volume, exponent: int) -> NDArray[np.float64]:
    """Returns the values in units of ``2^(exponent - 24)``, rounded."""
    scaled = values.astype(np.float64)
    scaled *= math.ldexp(1.0, VALUE_BITS - exponent)
    return np.rint(scaled, out=scaled)


def _operator(matrix: Volume) -> _Operator:
    """Returns the matrix in multiples of 2^-28, scaled so that its rows add up to at most 1."""
    largest = float(np.abs(matrix.astype(np.float64)).sum(axis=1).max())
    growth = math.frexp(largest)[1] - (math.frexp(largest)[0] == 0.5)
    if 1.0 < largest < 1.0 + 1e-4:
        growth = 0  # rows that add up to 1 up to float32 rounding need no other unit: 2^25 has room for them
    unit = math.ldexp(1.0, -WEIGHT_BITS)
    weights = np.rint(matrix.astype(np.float64) * math.ldexp(1.0, WEIGHT_BITS - growth)) * unit
    blocks = []
    for start in range(0, weights.shape[0], BLOCK_ROWS):
        rows = weights[start : start + BLOCK_ROWS]
        used = np.flatnonzero(rows.any(axis=0))
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        block = np.ascontiguousarray(rows[:, first:last])
        blocks.append(_Block(slice(start, start + rows.shape[0]), slice(first, last), block))
    return _Operator(tuple(blocks), weights.shape[0], growth)


def _along_z(slab: NDArray[np.float64], operator: _Operator) -> NDArray[np.float64]:
    """Returns the product along the last axis in integers."""
    rows = slab.reshape(-1, slab.shape[2])
    result = np.empty((rows.shape[0], operator.size))
    for block in operator.blocks:
        np.matmul(rows[:, block.columns], block.weights.T, out=result[:, block.rows])
    return np.rint(result, out=result).reshape(*slab.shape[:2], operator.size)


def _along_y(slab: NDArray[np.float64], operator: _Operator) -> NDArray[np.float64]:
    """Returns the product along the second axis in integers."""
    result = np.empty((slab.shape[0], operator.size, slab.shape[2]))
    for block in operator.blocks:
        np.matmul(block.weights, slab[:, block.columns], out=result[:, block.rows])
    return np.rint(result, out=result)


def _along_x(volume: Volume, operator: _Operator, unit: float) -> Volume:
    """Returns the product of integers along the first axis, times the unit (a power of two)."""
    columns = volume.reshape(volume.shape[0], -1)
    result = np.empty((operator.size, columns.shape[1]), dtype=np.float32)
    weights = [block.weights * unit for block in operator.blocks]
    width = max(1, SLAB_VOXELS // max(operator.size, volume.shape[0]))
    for start in range(0, columns.shape[1], width):
        part = columns[:, start : start + width].astype(np.float64)
        for block, weight in zip(operator.blocks, weights, strict=True):
            result[block.rows, start : start + width] = np.matmul(weight, part[block.columns])
    return result.reshape(operator.size, *volume.shape[1:])
