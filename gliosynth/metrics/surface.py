"""Surfaces of masks and the distances between them.

What the surface of a mask *is* differs between tools, and with it every distance: on one and the same pair HD95 differs
by up to 29 %. So each definition has a name here, and no function has a silent one.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Mask
from gliosynth.metrics.box import Box, Triple, common_box
from gliosynth.metrics.nearest import nearest_mm
from gliosynth.metrics.overlap import check_mask
from gliosynth.metrics.surfel import FULL_CODE, neighbour_codes, surfel_areas_mm2


class SurfaceDefinition(StrEnum):
    """What the surface of a mask consists of, and how much each element counts."""

    SURFEL = "surfel"
    """Marching-cubes elements at voxel corners, weighted by area: DeepMind surface-distance, the BraTS evaluation."""
    BORDER = "border"
    """Mask voxels with a face towards the background, each counting one: MedPy, MONAI, MetricsReloaded, panoptica."""
    CONTOUR = "contour"
    """From border voxels as above to the nearest mask voxel that touches the background with a face, edge or corner,
    each counting one: SimpleITK's LabelContour read on the absolute SignedMaurerDistanceMap, seg-metrics."""
    VOLUME = "volume"
    """All voxels of the mask, inner ones too, each counting one: ITK's HausdorffDistance."""


@dataclass(frozen=True, eq=False)
class DirectedDistances:
    """From every surface element of one mask to the surface of the other, nearest first.

    Attributes:
        distances_mm: ``(N,)`` float64, ascending; ``inf`` where the other mask is empty.
        weights: ``(N,)`` float64: areas in mm² or ones.
    """

    distances_mm: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def empty(self) -> bool:
        """Whether the mask has no surface."""
        return not self.distances_mm.size


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """The distances between two surfaces, both ways.

    Attributes:
        reference_to_prediction: From each element of the reference's surface.
        prediction_to_reference: From each element of the prediction's surface.
        definition: What the surfaces are.
    """

    reference_to_prediction: DirectedDistances
    prediction_to_reference: DirectedDistances
    definition: SurfaceDefinition


def surface_distances(
    reference: Mask, prediction: Mask, *, spacing_mm: Triple, definition: SurfaceDefinition
) -> SurfaceDistances:
    """Returns the distances between the surfaces of two masks.

    The outside of the array counts as background, so a mask that touches the border of the volume has a surface there.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        spacing_mm: Voxel edges in mm.
        definition: What the surface is.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
        InvalidParameterError: A voxel edge is not positive and finite.
    """
    check_mask(reference, name="reference")
    check_mask(prediction, name="prediction")
    check_spacing(spacing_mm)
    box = common_box(reference, prediction) or Box((0, 0, 0), (1, 1, 1))
    reference = np.ascontiguousarray(reference[box.slices])
    prediction = np.ascontiguousarray(prediction[box.slices])
    if definition is SurfaceDefinition.SURFEL:
        return _surfel_distances(reference, prediction, spacing_mm=spacing_mm)
    first, second = _element_sets(reference, definition), _element_sets(prediction, definition)
    return SurfaceDistances(
        _directed(first.sources, second.targets, spacing_mm=spacing_mm),
        _directed(second.sources, first.targets, spacing_mm=spacing_mm),
        definition,
    )


def border_voxels(mask: Mask) -> Mask:
    """Returns the voxels of a mask with a face towards the background or the outside of the array.

    Args:
        mask: ``(X, Y, Z)``.
    """
    solid = np.pad(mask, 1)
    inner = solid[1:-1, 1:-1, 1:-1].copy()
    inner &= solid[:-2, 1:-1, 1:-1]
    inner &= solid[2:, 1:-1, 1:-1]
    inner &= solid[1:-1, :-2, 1:-1]
    inner &= solid[1:-1, 2:, 1:-1]
    inner &= solid[1:-1, 1:-1, :-2]
    inner &= solid[1:-1, 1:-1, 2:]
    return mask & ~inner


def touching_voxels(mask: Mask) -> Mask:
    """Returns the voxels of a mask with any of 26 neighbours in the background or outside the array.

    Args:
        mask: ``(X, Y, Z)``.
    """
    inner = np.pad(mask, 1)
    inner = inner[:-2] & inner[1:-1] & inner[2:]
    inner = inner[:, :-2] & inner[:, 1:-1] & inner[:, 2:]
    inner = inner[:, :, :-2] & inner[:, :, 1:-1] & inner[:, :, 2:]
    return mask & ~inner


def check_spacing(spacing_mm: Triple) -> None:
    """Refuses voxel edges that are not three positive, finite numbers.

    Args:
        spacing_mm: Voxel edges in mm.

    Raises:
        InvalidParameterError: An edge is missing, not positive or not finite.
    """
    if len(spacing_mm) != 3 or not all(np.isfinite(edge) and edge > 0 for edge in spacing_mm):
        raise InvalidParameterError(
            f"spacing_mm must be three positive numbers, got {spacing_mm}; take them from the volume's affine",
            field="spacing_mm",
            got=str(spacing_mm),
            reason="SPACING",
        )


@dataclass(frozen=True, eq=False)
class _ElementSets:
    """Where distances of a mask start, and where those of the other mask may end."""

    sources: Mask
    targets: Mask


def _element_sets(mask: Mask, definition: SurfaceDefinition) -> _ElementSets:
    if definition is SurfaceDefinition.VOLUME:
        return _ElementSets(sources=mask, targets=mask)
    border = border_voxels(mask)
    if definition is SurfaceDefinition.CONTOUR:
        return _ElementSets(sources=border, targets=touching_voxels(mask))
    return _ElementSets(sources=border, targets=border)


def _directed(sources: Mask, targets: Mask, *, spacing_mm: Triple) -> DirectedDistances:
    """Returns the distances of equal elements; those that both sets share have distance 0 and are only counted."""
    apart = np.sort(nearest_mm(sources & ~targets, targets, spacing_mm=spacing_mm))
    count = int(np.count_nonzero(sources))
    distances_mm = np.zeros(count)
    distances_mm[count - len(apart) :] = apart
    return DirectedDistances(distances_mm, np.ones(count))


def _surfel_distances(reference: Mask, prediction: Mask, *, spacing_mm: Triple) -> SurfaceDistances:
    first, second = neighbour_codes(reference), neighbour_codes(prediction)
    areas_mm2 = surfel_areas_mm2(spacing_mm)
    is_first, is_second = _is_surfel(first), _is_surfel(second)
    return SurfaceDistances(
        _directed_surfels(first, is_first, is_second, areas_mm2=areas_mm2, spacing_mm=spacing_mm),
        _directed_surfels(second, is_second, is_first, areas_mm2=areas_mm2, spacing_mm=spacing_mm),
        SurfaceDefinition.SURFEL,
    )


def _is_surfel(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (codes - np.uint8(1)) < np.uint8(FULL_CODE - 1)


def _directed_surfels(
    codes: NDArray[np.uint8],
    sources: NDArray[np.bool_],
    targets: NDArray[np.bool_],
    *,
    areas_mm2: NDArray[np.float64],
    spacing_mm: Triple,
) -> DirectedDistances:
    """Returns area-weighted distances, sorted by distance and then area as the peer sorts them."""
    apart = sources & ~targets
    apart_mm = nearest_mm(apart, targets, spacing_mm=spacing_mm)
    apart_mm2 = areas_mm2[codes.ravel()[np.flatnonzero(apart)]]
    order = np.lexsort((apart_mm2, apart_mm))
    shared_mm2 = np.sort(areas_mm2[codes.ravel()[np.flatnonzero(sources & targets)]])
    return DirectedDistances(
        np.concatenate((np.zeros(len(shared_mm2)), apart_mm[order])),
        np.concatenate((shared_mm2, apart_mm2[order])),
    )
