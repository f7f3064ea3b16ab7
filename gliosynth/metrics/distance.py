"""Numbers made of surface distances: Hausdorff distances and surface Dice, each under a named definition."""

from enum import StrEnum
from typing import Final

import numpy as np

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Mask
from gliosynth.metrics.box import Triple
from gliosynth.metrics.surface import DirectedDistances, SurfaceDefinition, SurfaceDistances, surface_distances

BRATS_WORST_HD95_MM: Final = 374.0
"""Distance in mm that the BraTS 2023 evaluation writes where one mask is empty: about the diagonal of its grid."""

BRATS_DIAGONAL_MM: Final = float(np.sqrt(240.0**2 + 240.0**2 + 155.0**2))
"""373.13 mm: the diagonal of a BraTS volume, written for the same case in tables before 2023."""

ROBUST_PERCENT: Final = 95.0
"""Percentile of the robust Hausdorff distance."""


class HD95Definition(StrEnum):
    """The ways in which tools compute "the" 95th percentile Hausdorff distance; the value is the definition's id."""

    SURFEL_MAX = "surfel-max"
    """Larger of the two directed area-weighted percentiles over surfels: DeepMind surface-distance, BraTS."""
    BORDER_MAX = "border-max"
    """Larger of the two directed percentiles over border voxels: MONAI, MetricsReloaded."""
    BORDER_POOLED = "border-pooled"
    """One percentile over the border voxels' distances of both directions together: MedPy, panoptica."""
    BORDER_MEAN = "border-mean"
    """Mean of the two directed percentiles over border voxels."""
    CONTOUR_POOLED = "contour-pooled"
    """One percentile over both directions, contour voxels on the absolute signed Maurer map: SimpleITK, seg-metrics."""
    VOLUME_MAX = "volume-max"
    """Larger of the two directed percentiles over all voxels of the masks, shared ones (distance 0) included."""
    BORDER_MAXIMUM = "border-maximum"
    """The plain Hausdorff distance over border voxels, 100 instead of 95 percent: MedPy ``hd``."""

    @property
    def surface(self) -> SurfaceDefinition:
        """The surface whose distances the definition reads."""
        return SurfaceDefinition(self.value.partition("-")[0])


def hausdorff95(
    reference: Mask,
    prediction: Mask,
    *,
    spacing_mm: Triple,
    definition: HD95Definition,
    one_empty_mm: float = BRATS_WORST_HD95_MM,
) -> float:
    """Returns the 95th percentile Hausdorff distance under one definition.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        spacing_mm: Voxel edges in mm.
        definition: Which of the definitions.
        one_empty_mm: Value where exactly one mask is empty: BraTS 2023's 374 mm, or ``inf``, or ``nan``.

    Returns:
        In mm, at least 0; both empty 0, one empty ``one_empty_mm``.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
        InvalidParameterError: A voxel edge is not positive and finite.
    """
    distances = surface_distances(reference, prediction, spacing_mm=spacing_mm, definition=definition.surface)
    return hausdorff95_of(distances, definition=definition, one_empty_mm=one_empty_mm)


def hausdorff95_of(
    distances: SurfaceDistances, *, definition: HD95Definition, one_empty_mm: float = BRATS_WORST_HD95_MM
) -> float:
    """Returns what `hausdorff95` does, from distances already at hand.

    Args:
        distances: Between the two surfaces, of the definition's own kind.
        definition: Which of the definitions.
        one_empty_mm: Value where exactly one mask is empty.

    Raises:
        InvalidParameterError: The distances are of another kind of surface than the definition's.
    """
    if distances.definition is not definition.surface:
        raise InvalidParameterError(
            f"{definition.value} reads {definition.surface.value} distances, got {distances.definition.value};"
            " compute the distances with definition.surface",
            field="definition",
            got=distances.definition.value,
            reason="SURFACE_MISMATCH",
        )
    there, back = distances.reference_to_prediction, distances.prediction_to_reference
    if there.empty or back.empty:
        return 0.0 if there.empty and back.empty else one_empty_mm
    match definition:
        case HD95Definition.BORDER_POOLED | HD95Definition.CONTOUR_POOLED:
            return float(np.percentile(np.concatenate((there.distances_mm, back.distances_mm)), ROBUST_PERCENT))
        case HD95Definition.BORDER_MEAN:
            return (_percentile(there) + _percentile(back)) / 2
        case HD95Definition.BORDER_MAXIMUM:
            return float(max(there.distances_mm[-1], back.distances_mm[-1]))
        case HD95Definition.SURFEL_MAX:
            return max(_weighted_percentile(there), _weighted_percentile(back))
        case HD95Definition.BORDER_MAX | HD95Definition.VOLUME_MAX:
            return max(_percentile(there), _percentile(back))


def surface_dice(
    reference: Mask,
    prediction: Mask,
    *,
    spacing_mm: Triple,
    tolerance_mm: float,
    definition: SurfaceDefinition,
) -> float:
    """Returns the normalised surface Dice: the share of both surfaces within a tolerance of the other one.

    ``(|A within tau of B| + |B within tau of A|) / (|A| + |B|)``, sizes being areas (surfels) or counts (voxels).

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        spacing_mm: Voxel edges in mm.
        tolerance_mm: Distance that still counts as on the surface, at least 0.
        definition: What the surface is: `SURFEL` equals DeepMind's, `BORDER` MONAI's and MetricsReloaded's.

    Returns:
        In [0, 1]; both empty 1, one empty 0.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
        InvalidParameterError: The tolerance or a voxel edge is out of range.
    """
    distances = surface_distances(reference, prediction, spacing_mm=spacing_mm, definition=definition)
    return surface_dice_of(distances, tolerance_mm=tolerance_mm)


def surface_dice_of(distances: SurfaceDistances, *, tolerance_mm: float) -> float:
    """Returns what `surface_dice` does, from distances already at hand.

    Args:
        distances: Between the two surfaces.
        tolerance_mm: Distance that still counts as on the surface, at least 0.

    Raises:
        InvalidParameterError: The tolerance is negative or not finite.
    """
    if not (np.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise InvalidParameterError(
            f"tolerance_mm must be a finite number of at least 0, got {tolerance_mm}; 1 and 2 mm are usual",
            field="tolerance_mm",
            got=str(tolerance_mm),
            reason="TOLERANCE",
        )
    both = (distances.reference_to_prediction, distances.prediction_to_reference)
    area = sum(float(directed.weights.sum()) for directed in both)
    close = sum(_weight_within(directed, tolerance_mm=tolerance_mm) for directed in both)
    return close / area if area else 1.0


def _percentile(directed: DirectedDistances) -> float:
    return float(np.percentile(directed.distances_mm, ROBUST_PERCENT))


def _weighted_percentile(directed: DirectedDistances) -> float:
    """Returns the first distance at which 95 % of the area is reached (Nikolov et al. 2021)."""
    reached = np.cumsum(directed.weights) / directed.weights.sum()
    first = int(np.searchsorted(reached, ROBUST_PERCENT / 100))
    return float(directed.distances_mm[min(first, len(reached) - 1)])


def _weight_within(directed: DirectedDistances, *, tolerance_mm: float) -> float:
    last = int(np.searchsorted(directed.distances_mm, tolerance_mm, side="right"))
    return float(directed.weights[:last].sum())
