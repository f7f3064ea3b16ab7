"""Steps of image formation that work a plane at a time: smooth fields, blur, exponential of a small field.

Only sums and products that IEEE 754 rounds alike on every machine, or that do not round at all, are used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gliosynth.elementary import exp
from gliosynth.separable import field_matrix

Plane: TypeAlias = NDArray[np.float32]
"""``(Y, Z)`` float32."""

HalfKernel: TypeAlias = NDArray[np.float32]
"""``(R + 1,)`` float32: a symmetric kernel from its centre outwards; with the mirrored part it adds up to 1."""

NODE_UNIT: Final = 2.0**-12
"""White noise on a field's nodes is a multiple of this."""

WEIGHT_UNIT: Final = 2.0**-10
"""A field's interpolation weights are multiples of this: three of them times a node fit into the 53 bits of float64."""

REACH: Final = 2.5
"""Radius of the blur's kernel in sigma."""

CHUNK: Final = 1 << 15
"""Elements that are summed at a time, so that they stay in the second-level cache."""

HALVINGS: Final = 3
"""`exponential` halves its argument this often and squares the result as often."""


@dataclass(frozen=True, eq=False)
class PlaneField:
    """A smooth random field that gives its planes one by one.

    Attributes:
        inner: ``(X, B, C)`` float64: for every plane, the values on its nodes.
        along_y: ``(Y, B)`` float64, multiples of `WEIGHT_UNIT`.
        along_z: ``(C, Z)`` float64, the same.
        amount: Standard deviation of the field.
    """

    inner: NDArray[np.float64]
    along_y: NDArray[np.float64]
    along_z: NDArray[np.float64]
    amount: float

    def plane(self, x: int, out: NDArray[np.float64]) -> None:
        """Writes plane x into ``(Y, Z)`` float64; the products are exact, so their order does not matter."""
        np.matmul(np.matmul(self.along_y, self.inner[x]), self.along_z, out=out)
        out *= self.amount


def draw_field(
    shape: tuple[int, int, int],
    *,
    spacing_mm: tuple[float, float, float],
    sigma_mm: float,
    amount: float,
    rng: np.random.Generator,
) -> PlaneField:
    """Returns a Gaussian random field of mean 0, see `gliosynth.separable.field_matrix` for its autocorrelation.

    Args:
        shape: ``(X, Y, Z)``.
        spacing_mm: Voxel edges in mm.
        sigma_mm: Sigma of the kernel, mm.
        amount: Standard deviation.
        rng: Random generator.
    """
    x, y, z = (
        np.rint(field_matrix(size, edge, sigma_mm).astype(np.float64) / WEIGHT_UNIT) * WEIGHT_UNIT
        for size, edge in zip(shape, spacing_mm, strict=True)
    )
    white = rng.standard_normal((x.shape[1], y.shape[1], z.shape[1]))
    inner = np.tensordot(x, np.rint(white / NODE_UNIT) * NODE_UNIT, axes=1)
    return PlaneField(inner, y, np.ascontiguousarray(z.T), amount)


def exponential(field: Plane, out: Plane) -> None:
    """Writes ``e^field`` into `out` and spoils the field: relative error 4e-6 for fields up to 1, 3e-4 up to 2.5."""
    field *= np.float32(0.5**HALVINGS)
    np.multiply(field, np.float32(1.0 / 24.0), out=out)
    for coefficient in (1.0 / 6.0, 0.5, 1.0):
        out += np.float32(coefficient)
        out *= field
    out += np.float32(1.0)
    for _ in range(HALVINGS):
        out *= out


def blur_kernel(sigma: float) -> HalfKernel:
    """Returns half of a Gaussian kernel cut at `REACH` sigma; below .1 voxels the identity.

    Args:
        sigma: Standard deviation in voxels.
    """
    if sigma < 0.1:
        return np.ones(1, dtype=np.float32)
    positions = np.arange(int(np.ceil(REACH * sigma)) + 1) / sigma
    weights = exp(-0.5 * positions * positions)
    half: HalfKernel = (weights / (2.0 * weights.sum() - weights[0])).astype(np.float32)
    return half


class PlaneBlur:
    """A separable blur that takes the planes of a slab in order; all memory is taken at the start."""

    def __init__(self, shape: tuple[int, int, int], kernels: tuple[HalfKernel, HalfKernel, HalfKernel]) -> None:
        """Takes the memory.

        Args:
            shape: ``(X, Y, Z)`` of the whole volume.
            kernels: Along X, Y, Z.
        """
        self._shape, self._kernels = shape, kernels
        reach_x, self._reach_y, self._reach_z = (kernel.size - 1 for kernel in kernels)
        self._width = shape[2] + 2 * self._reach_z
        self._framed = np.empty((shape[1] + 2 * self._reach_y, self._width), dtype=np.float32)
        self._ring = np.zeros((2 * reach_x + 1, shape[1] * self._width), dtype=np.float32)
        self._rows, self._result = (np.empty(shape[1] * self._width, dtype=np.float32) for _ in range(2))
        self._scratch = np.empty(CHUNK, dtype=np.float32)

    def planes(self, make: Callable[[int, Plane], None], slab: range) -> Iterator[tuple[int, Plane]]:
        """Yields index and blurred plane of every x of a slab; a plane is valid until the next one.

        Beyond the volume's border its last voxel continues.

        Args:
            make: Writes plane x before the blur into the ``(Y, Z)`` view that it is given.
            slab: The planes wanted.
        """
        reach, last = self._kernels[0].size - 1, self._shape[0] - 1
        for x in range(max(slab.start - reach, 0), slab.stop + reach):
            if x <= last:
                make(x, self._inner())
                self._blur_in_plane(self._of(x))
            centre = x - reach
            if centre >= slab.start:
                pairs = [(self._of(max(centre - k, 0)), self._of(min(centre + k, last))) for k in range(1, reach + 1)]
                self._add(self._of(centre), pairs, self._kernels[0], self._result)
                yield centre, self._result.reshape(-1, self._width)[:, : self._shape[2]]

    def _of(self, x: int) -> Plane:
        """Returns where plane x lies in the ring."""
        ring: Plane = self._ring[x % self._ring.shape[0]]
        return ring

    def _inner(self) -> Plane:
        """Returns the view of the framed plane without its frame."""
        ry, rz = self._reach_y, self._reach_z
        return self._framed[ry : ry + self._shape[1], rz : rz + self._shape[2]]

    def _blur_in_plane(self, out: Plane) -> None:
        """Blurs the framed plane along both axes, on flat arrays: a shift by a row or by an element."""
        ry, rz, framed = self._reach_y, self._reach_z, self._framed
        framed[:, :rz] = framed[:, rz : rz + 1]
        framed[:, rz + self._shape[2] :] = framed[:, rz + self._shape[2] - 1, None]
        framed[:ry] = framed[ry]
        framed[ry + self._shape[1] :] = framed[ry + self._shape[1] - 1]
        self._shift(framed.reshape(-1), self._kernels[1], self._width, self._rows)
        self._shift(self._rows, self._kernels[2], 1, out[: out.size - 2 * rz])

    def _shift(self, flat: Plane, kernel: HalfKernel, step: int, out: Plane) -> None:
        """Writes ``sum_k kernel[|k|] flat[(k + R) step :]``."""
        reach, size = kernel.size - 1, out.size
        views = [flat[k * step :][:size] for k in range(2 * reach + 1)]
        pairs = [(views[reach - k], views[reach + k]) for k in range(1, reach + 1)]
        self._add(views[reach], pairs, kernel, out)

    def _add(self, centre: Plane, pairs: list[tuple[Plane, Plane]], kernel: HalfKernel, out: Plane) -> None:
        """Writes the sum of a centre and of pairs around it, each weighted by the kernel, chunk by chunk."""
        for start in range(0, out.size, CHUNK):
            part = slice(start, min(start + CHUNK, out.size))
            total, scratch = out[part], self._scratch[: part.stop - start]
            np.multiply(centre[part], kernel[0], out=total)
            for (before, after), weight in zip(pairs, kernel[1:], strict=True):
                np.add(before[part], after[part], out=scratch)
                scratch *= weight
                total += scratch
