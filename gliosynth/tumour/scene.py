"""The scene of a case: the deformed head on the simulated grid, and the ground a tumour grows on."""

from dataclasses import dataclass
from types import ModuleType
from typing import Final

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue
from gliosynth.separable import Array, random_field, smooth
from gliosynth.tumour.deformation import CoarseMap
from gliosynth.tumour.midline import midline_bend
from gliosynth.tumour.plan import TumourPlan
from gliosynth.tumour.settings import GridSettings
from gliosynth.tumour.terrain import Terrain

BOX_RADII: Final = 2.2
"""Half edge of the tumour's box in tumour radii; no tumour reaches farther."""

BOX_MARGIN_MM: Final = 6.0
"""Added to the half edge, mm."""

MASK_SIGMA_MM: Final = 2.0
"""Smoothing of the brain mask's border, mm."""

MASK_FIELD_MM: Final = 12.0
"""Correlation length of the brain mask's border error, mm."""

LEVEL_PER_MM: Final = 0.2
"""Change of the smoothed mask per mm across its border: 1 / (sqrt(2 pi) `MASK_SIGMA_MM`)."""

GROUND: Final = (
    Tissue.WHITE_MATTER,
    Tissue.CORTICAL_GREY,
    Tissue.CAUDATE,
    Tissue.PUTAMEN,
    Tissue.PALLIDUM,
    Tissue.THALAMUS,
    Tissue.HIPPOCAMPUS,
    Tissue.WHITE_MATTER_LESION,
    Tissue.SULCUS_EDGE,
)
"""Tissues that a tumour grows in: the cerebrum, without cerebellum and brain-stem."""


@dataclass(frozen=True, eq=False)
class Head:
    """A deformed head on the grid.

    Attributes:
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`.
        inside: ``(X, Y, Z)`` bool: the anatomy's brain mask.
        side_mm: ``(X, Y, Z)`` float32: mm from the midline, which is bent as the head's own is; positive to the right.
    """

    tissues: Array
    inside: Array
    side_mm: Array


@dataclass(frozen=True, eq=False)
class Box:
    """The part of the grid around a tumour.

    Attributes:
        slices: Where it lies in the grid.
        offsets_mm: ``(X, 1, 1)``, ``(1, Y, 1)``, ``(1, 1, Z)`` float32: mm from the tumour's centre.
    """

    slices: tuple[slice, slice, slice]
    offsets_mm: tuple[Array, Array, Array]


def deform(anatomy: Anatomy, coarse: CoarseMap, xp: ModuleType) -> Head:
    """Returns the head under a map, by nearest voxel; beyond the anatomy's border its last voxel continues.

    Args:
        anatomy: The head at rest.
        coarse: Map from the grid to the head.
        xp: Array namespace of the result.
    """
    sources = coarse.dense(xp)
    i, j, k = (
        xp.astype(xp.clip(source + 0.5, 0.0, size - 0.5), xp.int32)
        for source, size in zip(sources, anatomy.tissues.shape, strict=True)
    )
    _, size_y, size_z = anatomy.tissues.shape
    column = j * size_z + k
    flat = xp.reshape(i * (size_y * size_z) + column, (-1,))
    bend = xp.reshape(xp.take(_movable(midline_bend(anatomy), xp), xp.reshape(column, (-1,)), axis=0), i.shape)
    x, y, z = sources
    constant, per_y, per_z = (float(value) for value in anatomy.midline)
    return Head(
        tissues=xp.reshape(xp.take(_movable(anatomy.tissues, xp), flat, axis=0), x.shape),
        inside=xp.reshape(xp.take(_movable(anatomy.brain, xp), flat, axis=0), x.shape),
        side_mm=x - (constant + per_y * y + per_z * z) - bend,
    )


def _movable(array: NDArray[np.generic], xp: ModuleType) -> Array:
    """Returns a read-only array flattened, in another namespace; only NumPy may share its memory."""
    return xp.asarray(array.ravel() if is_numpy_namespace(xp) else array.flatten())


def box_around(centre: NDArray[np.float64], radius_mm: float, grid: GridSettings, xp: ModuleType) -> Box:
    """Returns the box of a tumour, cut at the grid's border.

    Args:
        centre: ``(3,)`` grid voxels.
        radius_mm: Radius of the ball of the tumour's volume.
        grid: The grid.
        xp: Array namespace of the offsets.
    """
    half_mm = BOX_RADII * radius_mm + BOX_MARGIN_MM
    slices, offsets = [], []
    for axis, (size, edge) in enumerate(zip(grid.shape, grid.spacing_mm, strict=True)):
        first = max(int(np.floor(centre[axis] - half_mm / edge)), 0)
        last = min(int(np.ceil(centre[axis] + half_mm / edge)) + 1, size)
        view = [1, 1, 1]
        view[axis] = last - first
        slices.append(slice(first, last))
        positions = ((np.arange(first, last) - centre[axis]) * edge).astype(np.float32)
        offsets.append(xp.reshape(xp.asarray(positions), tuple(view)))
    return Box((slices[0], slices[1], slices[2]), (offsets[0], offsets[1], offsets[2]))


def terrain_of(head: Head, box: Box, plan: TumourPlan, spacing_mm: tuple[float, float, float]) -> Terrain:
    """Returns where a tumour may grow inside its box.

    The falx stops it; a butterfly crosses it, but only through white matter (the corpus callosum).
    """
    local, side_mm = head.tissues[box.slices], head.side_mm[box.slices]
    xp = array_namespace(local)
    x, y, z = box.offsets_mm
    white = (local == int(Tissue.WHITE_MATTER)) | (local == int(Tissue.WHITE_MATTER_LESION))
    centre = tuple(int(xp.argmin(xp.abs(xp.reshape(offset, (-1,))))) for offset in box.offsets_mm)
    sign = 1.0 if float(side_mm[centre]) >= 0.0 else -1.0
    reachable = side_mm * sign > -0.5
    if plan.butterfly:
        reachable = reachable | white
    near = (x * x + y * y) + z * z < (BOX_RADII * plan.radius_mm) ** 2
    return Terrain(
        allowed=_is_ground(local) & reachable & near,
        fluid=local == int(Tissue.VENTRICLE),
        white=smooth(xp.astype(white, xp.float32), 1.5, spacing_mm),
        offsets_mm=box.offsets_mm,
        spacing_mm=spacing_mm,
    )


def _is_ground(tissues: Array) -> Array:
    """Returns ``(X, Y, Z)`` bool: whether each tissue is one of `GROUND`."""
    xp = array_namespace(tissues)
    member = np.zeros(256, dtype=np.bool_)
    member[list(GROUND)] = True
    flat = xp.astype(xp.reshape(tissues, (-1,)), xp.int32)
    return xp.reshape(xp.take(xp.asarray(member), flat, axis=0), tissues.shape)


def stripped_mask(
    inside: Array, *, error_mm: float, spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> Array:
    """Returns the brain mask that a skull stripper leaves, ``(X, Y, Z)`` bool: smooth, with a smooth border error.

    Args:
        inside: ``(X, Y, Z)`` bool, the true mask.
        error_mm: Standard deviation of the border's displacement, mm.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    xp = array_namespace(inside)
    soft = smooth(xp.astype(inside, xp.float32), MASK_SIGMA_MM, spacing_mm)
    field = random_field(rng, inside.shape, spacing_mm=spacing_mm, sigma_mm=MASK_FIELD_MM, xp=xp)
    level = 0.5 + LEVEL_PER_MM * error_mm * (field + 0.6 * float(rng.standard_normal()))
    return soft > xp.clip(level, 0.12, 0.88)
