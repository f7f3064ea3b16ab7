"""An anatomy from a label map of the caller's own: turned to RAS, 1 mm, with brain mask and midline.

The steps are those of the anatomies that ship with the library (`training/preparation/anatomies.py`): the brain mask is
parenchyma, ventricles and plexus closed by 4 mm; fluid inside it is sulcal, and next to cortex a sulcus's edge.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.anatomy import PARENCHYMA, Anatomy, Tissue, TissueMap
from gliosynth.cohort.spec.sections import LARGEST_LABEL
from gliosynth.errors import InvalidLabelError, InvalidVolumeError
from gliosynth.geometry import reorient_to_ras
from gliosynth.labels import Mask
from gliosynth.raw import check_finite
from gliosynth.volume import Affine, Volume

Indices = NDArray[np.int64]
"""Voxel indices ``(N,)``."""

BRAIN: Final = (*PARENCHYMA, Tissue.VENTRICLE, Tissue.CHOROID_PLEXUS)
"""Tissues that the brain mask is closed around."""

BONE: Final = (Tissue.CORTICAL_BONE, Tissue.MARROW)
"""The skull."""

CLOSING_MM: Final = 4.0
"""Radius of the closing that makes the brain mask: sulci up to twice this width belong to the brain."""

SMALLEST_BRAIN_ML: Final = 400.0
"""Least volume of the brain mask; adult brains with their fluid have 1000 to 1900 ml."""

LARGEST_BRAIN_ML: Final = 2500.0
"""Largest volume of the brain mask."""

LARGEST_EXTENT_MM: Final = 400.0
"""Largest extent of a label map along an axis that is believed."""

MOST_LISTED: Final = 8
"""Unmapped values that a message lists."""


def anatomy_from_label_map(volume: Volume[np.generic], tissues_by_value: Mapping[int, Tissue], *, name: str) -> Anatomy:
    """Returns the anatomy of a label map.

    Args:
        volume: Whole numbers ``(X, Y, Z)`` of any dtype and orientation.
        tissues_by_value: Tissue of every value that occurs; 0 is background unless it says otherwise. Fluid outside the
            ventricles is `Tissue.OUTER_CSF`.
        name: What the anatomy is called.

    Raises:
        InvalidLabelError: UNMAPPED_LABELS, NOT_WHOLE_NUMBERS, NO_WHITE_MATTER or BRAIN_VOLUME.
        InvalidVolumeError: LARGE_EXTENT.
    """
    turned = reorient_to_ras(volume)
    mapped = map_tissues(turned.data, tissues_by_value, name=name)
    tissues, affine = _to_millimetres(mapped, turned.affine, name=name)
    tissues = fill_sulci(tissues)
    brain = closed_brain_mask(tissues)
    check_brain(tissues, brain, name=name)
    tissues = split_csf(tissues, brain)
    box = ndimage.find_objects(brain.astype(np.uint8))[0]
    centre = np.array([(axis.start + axis.stop - 1) / 2.0 for axis in box])
    midline = fit_midline(tissues)
    for array in (tissues, brain, affine, midline, centre):
        array.setflags(write=False)
    return Anatomy(name, tissues, brain, affine, midline, centre, brain_ml=float(brain.sum()) / 1000.0)


def map_tissues(values: NDArray[np.generic], tissues_by_value: Mapping[int, Tissue], *, name: str) -> TissueMap:
    """Returns the tissue of every voxel, ``(X, Y, Z)`` uint8.

    Args:
        values: Whole numbers ``(X, Y, Z)``.
        tissues_by_value: Tissue of every value; 0 is background where it is left out.
        name: The label map's name, for messages.

    Raises:
        InvalidLabelError: A value is no whole number, or has no tissue.
    """
    check_finite(values, name=name)
    whole = _whole_numbers(values, name=name)
    table = {0: Tissue.BACKGROUND} | dict(tissues_by_value)
    unmapped = np.ones(LARGEST_LABEL + 2, dtype=np.bool_)
    unmapped[list(table)] = False
    # Values that no table can hold share one place behind the largest.
    places = np.where((whole < 0) | (whole > LARGEST_LABEL), LARGEST_LABEL + 1, whole)
    missing = unmapped[places]
    if missing.any():
        raise _unmapped(whole[missing], name=name)
    tissues = np.zeros(LARGEST_LABEL + 2, dtype=np.uint8)
    tissues[list(table)] = list(table.values())
    return tissues[places]


def _whole_numbers(values: NDArray[np.generic], *, name: str) -> Indices:
    """Returns the values as integers, or refuses fractions."""
    if values.dtype.kind in "iub":
        return values.astype(np.int64)
    broken = values[values != np.rint(values)]
    if broken.size:
        raise InvalidLabelError(
            f"{name}: a label map holds whole numbers, this one holds {broken[0]}; resample label maps by nearest"
            " neighbour",
            field=name,
            got=str(broken[0]),
            reason="NOT_WHOLE_NUMBERS",
        )
    whole: Indices = np.clip(values, -1.0, LARGEST_LABEL + 1.0).astype(np.int64)
    return whole


def _unmapped(values: Indices, *, name: str) -> InvalidLabelError:
    """Returns the error of values without a tissue, with the voxels of each."""
    found, counts = np.unique(values, return_counts=True)
    pairs = list(zip(found, counts, strict=True))
    listed = ", ".join(f"{value} ({count} voxels)" for value, count in pairs[:MOST_LISTED])
    more = f" and {len(pairs) - MOST_LISTED} more" if len(pairs) > MOST_LISTED else ""
    return InvalidLabelError(
        f"{name}: label values without a tissue: {listed}{more}; add them to the label table",
        field=f"anatomies.own.{name}.labels",
        got=listed,
        reason="UNMAPPED_LABELS",
    )


def _is_one_of(tissues: TissueMap, kinds: Sequence[Tissue]) -> Mask:
    """Returns the voxels of some tissues; a table is several times faster than `numpy.isin`."""
    member = np.zeros(256, dtype=np.bool_)
    member[list(kinds)] = True
    return member[tissues]


def closed_brain_mask(tissues: TissueMap) -> Mask:
    """Returns parenchyma, ventricles and choroid plexus of a 1 mm map, closed by `CLOSING_MM` and filled."""
    inside = _is_one_of(tissues, BRAIN)
    bone = _is_one_of(tissues, (*BONE, Tissue.BACKGROUND))
    return _closed(inside) & ~bone | inside


def fill_sulci(tissues: TissueMap) -> TissueMap:
    """Returns a map without a skull with the gaps between its gyri turned to OUTER_CSF; with a skull, as it is.

    Many brain label maps leave extraventricular fluid as background; air is told apart by the bone around it.
    """
    if _is_one_of(tissues, BONE).any():
        return tissues
    gaps = _closed(_is_one_of(tissues, BRAIN)) & (tissues == Tissue.BACKGROUND)
    return np.where(gaps, np.uint8(Tissue.OUTER_CSF), tissues)


def _closed(inside: Mask) -> Mask:
    """Returns a mask closed by a ball of `CLOSING_MM` and filled."""
    result = np.zeros_like(inside)
    found = ndimage.find_objects(inside.astype(np.uint8))
    if not found:
        return result
    local = inside[found[0]]
    margin = int(CLOSING_MM) + 1
    grown = ndimage.distance_transform_edt(~np.pad(local, margin)) <= CLOSING_MM
    inner = (slice(margin, -margin),) * 3
    closed = (ndimage.distance_transform_edt(grown) > CLOSING_MM)[inner]
    result[found[0]] = ndimage.binary_fill_holes(closed | local)
    return result


def split_csf(tissues: TissueMap, brain: Mask) -> TissueMap:
    """Returns the map with its OUTER_CSF divided into sulcus edge, sulcal CSF, dura and what stays outside."""
    fluid = tissues == Tissue.OUTER_CSF
    grey = _is_one_of(tissues, (Tissue.CORTICAL_GREY, Tissue.CEREBELLAR_GREY))
    bone = _is_one_of(tissues, BONE)
    result = tissues.copy()
    result[fluid & ~brain & ndimage.binary_dilation(bone)] = Tissue.DURA
    result[fluid & brain] = Tissue.SULCAL_CSF
    result[fluid & brain & ndimage.binary_dilation(grey)] = Tissue.SULCUS_EDGE
    return result


def fit_midline(tissues: TissueMap) -> NDArray[np.float64]:
    """Returns ``(3,)``: the plane ``x = midline @ (1, y, z)`` that halves the cerebrum, in voxels.

    Each row along X of cerebral white and grey matter gives the middle between its outermost voxels; the plane is their
    least-squares fit, once more without the rows that lie far from it (asymmetric gyri). Sums are exact integers, so
    that every machine finds the same plane.
    """
    cerebrum = _is_one_of(tissues, (Tissue.WHITE_MATTER, Tissue.CORTICAL_GREY))
    y, z = (index.astype(np.int64) for index in np.nonzero(cerebrum.any(axis=0)))
    first = cerebrum.argmax(axis=0)[y, z]
    last = cerebrum.shape[0] - 1 - cerebrum[::-1].argmax(axis=0)[y, z]
    plane = _fit_plane(y, z, first + last)
    distance = np.abs((first + last) / 2.0 - (plane[0] + plane[1] * y + plane[2] * z))
    near = distance <= float(np.median(distance)) * 2.0 + 0.5
    return _fit_plane(y[near], z[near], (first + last)[near])


def _fit_plane(y: Indices, z: Indices, twice_x: Indices) -> NDArray[np.float64]:
    """Returns the least-squares plane ``x = p @ (1, y, z)`` through points, ``(3,)``, by Cramer's rule on integers."""
    columns = (np.ones_like(y), y, z)
    matrix = [[int((one * other).sum()) for other in columns] for one in columns]
    right = [int((one * twice_x).sum()) for one in columns]
    whole = _determinant(matrix)
    if whole == 0:
        return np.array([float(twice_x.mean()) / 2.0, 0.0, 0.0])
    replaced = [
        [[right[row] if column == place else matrix[row][column] for column in range(3)] for row in range(3)]
        for place in range(3)
    ]
    return np.array([_determinant(one) / (2 * whole) for one in replaced])


def _determinant(matrix: list[list[int]]) -> int:
    """Returns the determinant of a 3 x 3 matrix of integers."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def check_brain(tissues: TissueMap, brain: Mask, *, name: str) -> None:
    """Refuses a map that is no head.

    Raises:
        InvalidLabelError: No white matter, or a brain mask outside `SMALLEST_BRAIN_ML` to `LARGEST_BRAIN_ML`.
    """
    if not (tissues == Tissue.WHITE_MATTER).any():
        raise InvalidLabelError(
            f"{name}: no label is mapped to white-matter, in which tumours start; map one",
            field=f"anatomies.own.{name}.labels",
            got="0 voxels",
            reason="NO_WHITE_MATTER",
        )
    brain_ml = float(brain.sum()) / 1000.0
    if not SMALLEST_BRAIN_ML <= brain_ml <= LARGEST_BRAIN_ML:
        raise InvalidLabelError(
            f"{name}: the brain holds {brain_ml:.0f} ml, believable are {SMALLEST_BRAIN_ML:.0f} to"
            f" {LARGEST_BRAIN_ML:.0f} ml; check the voxel size and the label table",
            field=name,
            got=f"{brain_ml:.0f} ml",
            reason="BRAIN_VOLUME",
        )


def _to_millimetres(tissues: TissueMap, affine: Affine, *, name: str) -> tuple[TissueMap, Affine]:
    """Returns the map and its affine at 1 mm isotropic, by nearest voxel along each axis."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    sizes = np.maximum(np.rint(np.array(tissues.shape) * spacing), 1.0).astype(int)
    if sizes.max() > LARGEST_EXTENT_MM:
        raise InvalidVolumeError(
            f"{name}: the label map is {', '.join(map(str, sizes))} mm wide, at most {LARGEST_EXTENT_MM:.0f} mm are"
            " believed; check the voxel size",
            field=name,
            got=str(tuple(sizes)),
            reason="LARGE_EXTENT",
        )
    picks = [
        np.clip(np.rint((np.arange(size) + 0.5) / edge - 0.5).astype(int), 0, count - 1)
        for size, edge, count in zip(sizes, spacing, tissues.shape, strict=True)
    ]
    fine = affine.copy()
    fine[:3, :3] /= spacing
    fine[:3, 3] += (affine[:3, :3] * (0.5 / spacing - 0.5)).sum(axis=1)
    return np.ascontiguousarray(tissues[np.ix_(*picks)]), fine
