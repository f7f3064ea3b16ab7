"""Hausdorff distances and surface Dice: by hand, against a plain reference, and against SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, gaussian_filter, generate_binary_structure
from scipy.spatial.distance import cdist

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics import HD95Definition, SurfaceDefinition, hausdorff95, surface_dice, surface_distances
from gliosynth.metrics.distance import hausdorff95_of
from gliosynth.metrics.surfel import surfel_areas_mm2

UNIT = (1.0, 1.0, 1.0)
Spacing = tuple[float, float, float]


def line(length: int, *, of: int = 24) -> np.ndarray:
    """Mask of a row of voxels along X, away from the border."""
    mask = np.zeros((of, 3, 3), dtype=np.bool_)
    mask[2 : 2 + length, 1, 1] = True
    return mask


def plain_elements(mask: np.ndarray, definition: SurfaceDefinition, spacing_mm: Spacing) -> tuple[np.ndarray, ...]:
    """Plain reference: (sources (N, 3), their weights (N,), targets (M, 3)), voxel by voxel on the padded grid."""
    solid = np.pad(mask, 1)
    if definition is SurfaceDefinition.SURFEL:
        codes = np.zeros([edge - 1 for edge in solid.shape], dtype=np.int64)
        for bit, (i, j, k) in enumerate(np.ndindex(2, 2, 2)):
            x, y, z = codes.shape
            codes += (1 << (7 - bit)) * solid[i : i + x, j : j + y, k : k + z]
        places = np.argwhere((codes != 0) & (codes != 255))
        return places, surfel_areas_mm2(spacing_mm)[codes[tuple(places.T)]], places
    border = solid & ~binary_erosion(solid, generate_binary_structure(3, 1))
    touching = solid & ~binary_erosion(solid, generate_binary_structure(3, 3))
    sources = solid if definition is SurfaceDefinition.VOLUME else border
    targets = {SurfaceDefinition.VOLUME: solid, SurfaceDefinition.CONTOUR: touching}.get(definition, border)
    return np.argwhere(sources), np.ones(np.count_nonzero(sources)), np.argwhere(targets)


def plain_directed(
    reference: np.ndarray, prediction: np.ndarray, definition: SurfaceDefinition, spacing_mm: Spacing
) -> tuple[np.ndarray, np.ndarray]:
    """Plain reference: distances and weights of all sources, by all pairs."""
    sources, weights, _ = plain_elements(reference, definition, spacing_mm)
    targets = plain_elements(prediction, definition, spacing_mm)[2]
    edges = np.asarray(spacing_mm)
    return cdist(sources * edges, targets * edges).min(axis=1), weights


def plain_hd95(reference: np.ndarray, prediction: np.ndarray, definition: HD95Definition, spacing_mm: Spacing) -> float:
    """Plain reference of the 95th percentile under each definition; both masks hold voxels."""
    there, areas = plain_directed(reference, prediction, definition.surface, spacing_mm)
    back, back_areas = plain_directed(prediction, reference, definition.surface, spacing_mm)
    if definition is HD95Definition.SURFEL_MAX:
        return max(plain_weighted_percentile(there, areas), plain_weighted_percentile(back, back_areas))
    if definition in (HD95Definition.BORDER_POOLED, HD95Definition.CONTOUR_POOLED):
        return float(np.percentile(np.concatenate((there, back)), 95))
    if definition is HD95Definition.BORDER_MAXIMUM:
        return float(max(there.max(), back.max()))
    both = float(np.percentile(there, 95)), float(np.percentile(back, 95))
    return sum(both) / 2 if definition is HD95Definition.BORDER_MEAN else max(both)


def plain_weighted_percentile(distances_mm: np.ndarray, weights: np.ndarray) -> float:
    """Plain reference: walk outwards until 95 % of the area is passed."""
    passed, total = 0.0, float(np.sum(weights[np.lexsort((weights, distances_mm))]))
    for index in np.lexsort((weights, distances_mm)):
        passed += float(weights[index])
        if passed / total >= 0.95:
            return float(distances_mm[index])
    return float(distances_mm.max())


def random_pair(seed: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping blobs, or speckle, often touching the border of the volume; neither is empty."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal(shape), rng.uniform(0.0, 2.0))
    shifted = smooth + rng.uniform(0.0, 0.8) * smooth.std() * rng.standard_normal(shape)
    level = np.quantile(smooth, rng.uniform(0.3, 0.95))
    reference, prediction = smooth > level, shifted > level
    reference[tuple(rng.integers(0, shape))] = True
    prediction[tuple(rng.integers(0, shape))] = True
    return reference, prediction


@pytest.mark.parametrize(
    ("definition", "expected_mm"),
    [
        (HD95Definition.BORDER_MAX, 1.05),
        (HD95Definition.BORDER_MEAN, 0.525),
        (HD95Definition.BORDER_POOLED, 0.15),
        (HD95Definition.CONTOUR_POOLED, 0.15),
        (HD95Definition.VOLUME_MAX, 1.05),
        (HD95Definition.BORDER_MAXIMUM, 2.0),
    ],
)
def test_each_definition_by_hand(definition: HD95Definition, expected_mm: float) -> None:
    """A row of 20 voxels found but for its last two: directed distances 18 x 0, 1, 2 and 18 x 0.

    95 % of 20 sorted values is at position 18.05, between 1 and 2; of the 38 pooled ones at 35.15, between 0 and 1.
    """
    found = hausdorff95(line(20), line(18), spacing_mm=UNIT, definition=definition)
    assert found == pytest.approx(expected_mm)
    doubled = hausdorff95(line(20), line(18), spacing_mm=(2.0, 1.0, 1.0), definition=definition)
    assert doubled == pytest.approx(2 * expected_mm)


def test_surfel_percentile_by_hand() -> None:
    """Rows of 3 and 1 voxels from one start: the long one has four corners each at 0, 0, 1 and 2 mm from the short one.

    A corner at an end weighs sqrt(3)/8 mm², one between two voxels sqrt(1/2) mm²: the far end holds 11.7 % of the area,
    more than 5 %, so the percentile lies on it. All corners of the short row are shared.
    """
    found = hausdorff95(line(3), line(1), spacing_mm=UNIT, definition=HD95Definition.SURFEL_MAX)
    assert found == 2.0


@pytest.mark.parametrize(
    ("definition", "expected"),
    [(SurfaceDefinition.BORDER, 37 / 38), (SurfaceDefinition.VOLUME, 37 / 38), (SurfaceDefinition.CONTOUR, 37 / 38)],
)
def test_surface_dice_by_hand(definition: SurfaceDefinition, expected: float) -> None:
    """Of 20 + 18 border voxels one is more than 1 mm away."""
    found = surface_dice(line(20), line(18), spacing_mm=UNIT, tolerance_mm=1.0, definition=definition)
    assert found == pytest.approx(expected)


def test_surface_dice_weighs_surfels_by_area() -> None:
    """Two voxels three apart: the facing half of each surface is 2 mm away, the other half 3 mm."""
    reference, prediction = np.zeros((2, 6, 3, 3), dtype=np.bool_)
    reference[1, 1, 1], prediction[4, 1, 1] = True, True
    at = [
        surface_dice(
            reference, prediction, spacing_mm=UNIT, tolerance_mm=tolerance_mm, definition=SurfaceDefinition.SURFEL
        )
        for tolerance_mm in (1.9, 2.0, 3.0)
    ]
    assert at == pytest.approx([0.0, 0.5, 1.0])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    spacing_mm=st.sampled_from([UNIT, (0.9375, 0.9375, 5.0), (3.0, 0.7, 1.1)]),
)
def test_fast_path_equals_the_plain_reference(seed: int, shape: tuple[int, int, int], spacing_mm: Spacing) -> None:
    """Every definition, on blobs and speckle with cubic and flat voxels."""
    reference, prediction = random_pair(seed, shape)
    for definition in HD95Definition:
        found = hausdorff95(reference, prediction, spacing_mm=spacing_mm, definition=definition)
        assert found == pytest.approx(plain_hd95(reference, prediction, definition, spacing_mm), abs=1e-9), definition
    for surface in SurfaceDefinition:
        there, areas = plain_directed(reference, prediction, surface, spacing_mm)
        back, back_areas = plain_directed(prediction, reference, surface, spacing_mm)
        # 1.5 mm is no multiple of any edge: no distance lies on the tolerance.
        close = areas[there <= 1.5].sum() + back_areas[back <= 1.5].sum()
        expected = close / (areas.sum() + back_areas.sum())
        found = surface_dice(reference, prediction, spacing_mm=spacing_mm, tolerance_mm=1.5, definition=surface)
        assert found == pytest.approx(expected, abs=1e-12), surface


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spacing_mm=st.sampled_from([UNIT, (0.9375, 1.25, 5.0)]))
def test_contour_definition_equals_simpleitk(seed: int, spacing_mm: Spacing) -> None:
    """LabelContour read on the absolute signed Maurer map, pooled: the recipe of SimpleITK users, inside the volume."""
    pair = [np.pad(mask, 2) for mask in random_pair(seed, (9, 8, 7))]
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in pair]
    for image in images:
        image.SetSpacing(spacing_mm[::-1])
    pooled = []
    for one, other in (images, images[::-1]):
        distance = sitk.Abs(sitk.SignedMaurerDistanceMap(other, squaredDistance=False, useImageSpacing=True))
        contour = sitk.LabelContour(one, fullyConnected=False)
        pooled.append(sitk.GetArrayFromImage(distance)[sitk.GetArrayFromImage(contour) > 0])
    expected = np.percentile(np.concatenate(pooled), 95)
    found = hausdorff95(*pair, spacing_mm=spacing_mm, definition=HD95Definition.CONTOUR_POOLED)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("definition", list(HD95Definition))
def test_hausdorff_of_empty_masks_is_stated(definition: HD95Definition) -> None:
    """Both empty 0, one empty 374 mm or what the caller asks for, identical 0."""
    empty, full = line(0), line(5)

    def hd95(reference: np.ndarray, prediction: np.ndarray, one_empty_mm: float = 374.0) -> float:
        return hausdorff95(reference, prediction, spacing_mm=UNIT, definition=definition, one_empty_mm=one_empty_mm)

    assert hausdorff95(full, empty, spacing_mm=UNIT, definition=definition) == 374.0
    assert (hd95(empty, empty), hd95(empty, full), hd95(full, full)) == (0.0, 374.0, 0.0)
    assert hd95(full, empty, one_empty_mm=float("inf")) == float("inf")
    assert np.isnan(hd95(empty, full, one_empty_mm=float("nan")))


@pytest.mark.parametrize("definition", list(SurfaceDefinition))
def test_surface_dice_of_empty_masks_is_stated(definition: SurfaceDefinition) -> None:
    """Both empty 1, one empty 0, identical 1."""

    def nsd(reference: np.ndarray, prediction: np.ndarray) -> float:
        return surface_dice(reference, prediction, spacing_mm=UNIT, tolerance_mm=1.0, definition=definition)

    empty, full = line(0), line(5)
    assert (nsd(empty, empty), nsd(empty, full), nsd(full, empty), nsd(full, full)) == (1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("definition", list(HD95Definition))
def test_exchanging_the_masks_changes_nothing(definition: HD95Definition) -> None:
    """Every definition is symmetric."""
    first, second = random_pair(5, (9, 9, 9))
    there = hausdorff95(first, second, spacing_mm=(1.0, 2.0, 3.0), definition=definition)
    back = hausdorff95(second, first, spacing_mm=(1.0, 2.0, 3.0), definition=definition)
    assert there == back > 0.0


def test_position_in_the_volume_does_not_matter() -> None:
    """At the border of the volume the surface closes as it does inside."""
    first, second = random_pair(8, (7, 8, 9))
    for definition in HD95Definition:
        at_border = hausdorff95(first, second, spacing_mm=UNIT, definition=definition)
        inside = hausdorff95(np.pad(first, 5), np.pad(second, 5), spacing_mm=UNIT, definition=definition)
        assert at_border == inside, definition


def test_distances_of_another_surface_are_refused() -> None:
    """A surfel percentile of border distances would be a number without a name."""
    distances = surface_distances(line(3), line(2), spacing_mm=UNIT, definition=SurfaceDefinition.BORDER)
    with pytest.raises(InvalidParameterError, match="surfel-max reads surfel distances, got border"):
        hausdorff95_of(distances, definition=HD95Definition.SURFEL_MAX)


@pytest.mark.parametrize("tolerance_mm", [-0.1, float("nan"), float("inf")])
def test_impossible_tolerance_is_refused(tolerance_mm: float) -> None:
    """A negative, infinite or undefined tolerance names the field."""
    with pytest.raises(InvalidParameterError, match="tolerance_mm"):
        surface_dice(line(3), line(2), spacing_mm=UNIT, tolerance_mm=tolerance_mm, definition=SurfaceDefinition.BORDER)
