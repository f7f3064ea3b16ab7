"""Thin enhancing structures that are no tumour: vessels in sulci and white matter, the falx, the pituitary."""

from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.anatomy import Tissue
from gliosynth.ranges import Range
from gliosynth.separable import Array, random_field

GRADIENT: Final = 1.22
"""Mean slope of a random field per kernel width: sqrt(3) / sqrt(2)."""

SULCUS_FIELD_MM: Final = 5.0
"""Kernel width of the field whose zero surfaces cut the sulci in vessels, mm."""

SULCUS_RADIUS_MM: Final[Range] = (0.3, 0.8)
"""Radius of those vessels, mm."""

REGION_MM: Final = 14.0
"""Kernel width of the field that makes vessels and falx bright here and invisible there, mm."""

VEIN_FIELD_MM: Final = 4.0
"""Kernel width of the two fields whose zero surfaces meet in the veins of white matter, mm."""

VEIN_RADIUS_MM: Final = 0.8
"""Radius of those, mm; thinner than a voxel, they fill a part of it."""

FALX_MM: Final = 0.6
"""Half thickness of the falx, mm."""

GLAND_DROP_MM: Final = 9.0
"""How far the pituitary lies below the optic chiasm, mm."""

GLAND_RADII_MM: Final = (5.5, 4.0, 3.5)
"""Half axes of the pituitary, mm."""


def sheet(
    like: Array,
    *,
    radius_mm: float,
    field_mm: float,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> Array:
    """Returns the zero surfaces of a random field as sheets, ``(X, Y, Z)`` float32 0 to 1, soft at their faces.

    Args:
        like: ``(X, Y, Z)``, for shape and library.
        radius_mm: Half thickness, mm.
        field_mm: Kernel width of the field, mm.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    xp = array_namespace(like)
    field = random_field(rng, like.shape, spacing_mm=spacing_mm, sigma_mm=field_mm, xp=xp)
    width = radius_mm * GRADIENT / field_mm
    return xp.clip(1.5 - xp.abs(field) / width, 0.0, 1.0)


def sulcal_vessels(tissues: Array, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Returns vessels in the sulci, ``(X, Y, Z)`` float32 0 to 1: sheets that cut the sheets of sulcal CSF in lines."""
    xp = array_namespace(tissues)
    sulci = (tissues == int(Tissue.SULCAL_CSF)) | (tissues == int(Tissue.SULCUS_EDGE))
    radius_mm = float(rng.uniform(*SULCUS_RADIUS_MM))
    lines = sheet(tissues, radius_mm=radius_mm, field_mm=SULCUS_FIELD_MM, spacing_mm=spacing_mm, rng=rng)
    return xp.where(sulci, lines * regions(tissues, spacing_mm=spacing_mm, rng=rng), xp.zeros_like(lines))


def regions(like: Array, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Returns where enhancement shows, ``(X, Y, Z)`` float32 0 to 1: full in a third of the volume, none in a third."""
    xp = array_namespace(like)
    field = random_field(rng, like.shape, spacing_mm=spacing_mm, sigma_mm=REGION_MM, xp=xp)
    return xp.clip(0.5 + 1.2 * field, 0.0, 1.0)


def medullary_veins(tissues: Array, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Returns veins and perivascular spaces in white matter, ``(X, Y, Z)`` float32 0 to 1: where two sheets meet."""
    xp = array_namespace(tissues)
    first, second = (
        sheet(tissues, radius_mm=VEIN_RADIUS_MM, field_mm=VEIN_FIELD_MM, spacing_mm=spacing_mm, rng=rng)
        for _ in range(2)
    )
    white = tissues == int(Tissue.WHITE_MATTER)
    return xp.where(white, first * second, xp.zeros_like(first))


def falx(tissues: Array, side_mm: Array) -> Array:
    """Returns the falx, ``(X, Y, Z)`` float32 0 to 1: fluid between the hemispheres.

    Args:
        tissues: ``(X, Y, Z)`` uint8.
        side_mm: ``(X, Y, Z)`` float32: mm from the midline.
    """
    xp = array_namespace(side_mm)
    fluid = (
        (tissues == int(Tissue.SULCAL_CSF)) | (tissues == int(Tissue.SULCUS_EDGE)) | (tissues == int(Tissue.OUTER_CSF))
    )
    plane = xp.clip(1.5 - xp.abs(side_mm) / FALX_MM, 0.0, 1.0)
    return xp.where(fluid, plane, xp.zeros_like(plane))


def pituitary(tissues: Array, spacing_mm: tuple[float, float, float]) -> Array | None:
    """Returns the pituitary and its stalk, ``(X, Y, Z)`` float32 0 to 1, or None where no chiasm is in view.

    Args:
        tissues: ``(X, Y, Z)`` uint8; the chiasm is the rearmost part of `Tissue.OPTIC_NERVE`.
        spacing_mm: Voxel edges in mm.
    """
    xp = array_namespace(tissues)
    nerve = xp.astype(tissues == int(Tissue.OPTIC_NERVE), xp.float32)
    along = [np.asarray(xp.sum(nerve, axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    total = float(along[0].sum())
    if total == 0.0:
        return None
    rear = float(np.flatnonzero(along[1])[0])
    middle = [float((profile * np.arange(profile.size)).sum()) / total for profile in along]
    offsets = [
        xp.asarray(((np.arange(size) - centre) * edge).astype(np.float32))
        for size, centre, edge in zip(tissues.shape, (middle[0], rear, middle[2]), spacing_mm, strict=True)
    ]
    x, y, z = offsets[0][:, None, None], offsets[1][None, :, None], offsets[2][None, None, :]
    a, b, c = GLAND_RADII_MM
    below = z + GLAND_DROP_MM
    gland = xp.clip(2.0 - ((x * x) / (a * a) + (y * y) / (b * b) + (below * below) / (c * c)), 0.0, 1.0)
    stalk = xp.clip(2.0 - (x * x + y * y), 0.0, 1.0) * xp.astype((z < 0.0) & (below > 0.0), xp.float32)
    soft = xp.maximum(gland, stalk)
    bone = (tissues == int(Tissue.CORTICAL_BONE)) | (tissues == int(Tissue.WHITE_MATTER))
    return xp.where(bone, xp.zeros_like(soft), soft)
