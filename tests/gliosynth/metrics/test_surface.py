"""Surfaces: which voxels belong to them, and what is refused."""

import numpy as np
import pytest

from gliosynth.errors import InvalidLabelError, InvalidParameterError
from gliosynth.metrics import SurfaceDefinition, surface_distances
from gliosynth.metrics.surface import border_voxels, touching_voxels

UNIT = (1.0, 1.0, 1.0)


def block(*size: int) -> np.ndarray:
    """Mask that is full everywhere."""
    return np.ones(size, dtype=np.bool_)


def test_border_of_a_cube_is_its_hull() -> None:
    """Of 5x5x5 voxels all but the inner 3x3x3 have a free face; the edge of the array is outside."""
    assert np.count_nonzero(border_voxels(block(5, 5, 5))) == 125 - 27
    assert np.count_nonzero(touching_voxels(block(5, 5, 5))) == 125 - 27


def test_voxel_in_a_concave_edge_touches_but_is_no_border() -> None:
    """Without one edge of 5x5x5, the voxel below the missing edge keeps all six faces covered."""
    mask = block(5, 5, 5)
    mask[0, 0, :] = False
    assert not border_voxels(mask)[1, 1, 2]
    assert touching_voxels(mask)[1, 1, 2]


def test_distances_are_sorted_and_carry_areas() -> None:
    """Two single voxels three apart: of eight corners four are 2 mm and four 3 mm away, each of sqrt(3)/8 mm²."""
    reference, prediction = np.zeros((2, 6, 3, 3), dtype=np.bool_)
    reference[1, 1, 1], prediction[4, 1, 1] = True, True
    distances = surface_distances(
        reference, prediction, spacing_mm=UNIT, definition=SurfaceDefinition.SURFEL
    ).reference_to_prediction
    assert distances.distances_mm.tolist() == [2.0] * 4 + [3.0] * 4
    assert distances.weights == pytest.approx([np.sqrt(3) / 8] * 8)


def test_volume_counts_inner_voxels_too() -> None:
    """From 27 voxels to their middle one: 0, six faces at 1, twelve edges and eight corners."""
    middle = np.zeros((3, 3, 3), dtype=np.bool_)
    middle[1, 1, 1] = True
    distances = surface_distances(
        block(3, 3, 3), middle, spacing_mm=UNIT, definition=SurfaceDefinition.VOLUME
    ).reference_to_prediction
    expected = [0.0] + [1.0] * 6 + [np.sqrt(2)] * 12 + [np.sqrt(3)] * 8
    assert distances.distances_mm == pytest.approx(expected)


@pytest.mark.parametrize("definition", list(SurfaceDefinition))
def test_empty_prediction_is_infinitely_far(definition: SurfaceDefinition) -> None:
    """Every element of the other surface is at infinity, the empty one has none."""
    empty = np.zeros((3, 3, 3), dtype=np.bool_)
    distances = surface_distances(block(3, 3, 3), empty, spacing_mm=UNIT, definition=definition)
    assert np.isinf(distances.reference_to_prediction.distances_mm).all()
    assert distances.prediction_to_reference.empty
    assert not distances.reference_to_prediction.empty


@pytest.mark.parametrize("spacing_mm", [(1.0, 0.0, 1.0), (1.0, -1.0, 1.0), (1.0, float("nan"), 1.0), (1.0, 1.0)])
def test_impossible_spacing_is_refused(spacing_mm: tuple[float, float, float]) -> None:
    """Zero, negative, missing and NaN edges name the field."""
    with pytest.raises(InvalidParameterError, match="spacing_mm") as caught:
        surface_distances(block(2, 2, 2), block(2, 2, 2), spacing_mm=spacing_mm, definition=SurfaceDefinition.BORDER)
    assert caught.value.field == "spacing_mm"


def test_two_dimensional_mask_is_refused() -> None:
    """Slices need a third axis."""
    with pytest.raises(InvalidLabelError, match="3D"):
        surface_distances(block(2, 2), block(2, 2), spacing_mm=UNIT, definition=SurfaceDefinition.BORDER)
