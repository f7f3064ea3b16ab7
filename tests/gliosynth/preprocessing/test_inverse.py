"""The way back to the native grid: exact where nothing was interpolated, true to place and size where it was."""

import numpy as np
import pytest

from gliosynth.errors import InvalidLabelError
from gliosynth.geometry import Box, Grid, apply_affine, bounding_box, centroid_mm, isotropic_grid, ras_grid
from gliosynth.labels import Label, LabelMap
from gliosynth.preprocessing.inverse import resample_labels, to_native
from gliosynth.preprocessing.record import BrainSource, CaseRecord, SkullStripRecord

CENTRE_MM = np.array([17.0, -12.0, 9.0])
RADII_MM = {Label.ED: 22.0, Label.ET: 14.0, Label.NCR: 8.0}


def ball(grid: Grid) -> LabelMap:
    """Returns nested balls in the world, voxelised at the centres of a grid."""
    points = apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
    distance = np.linalg.norm(points - CENTRE_MM, axis=-1)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    for label, radius in RADII_MM.items():
        labels[distance < radius] = label
    return labels


def record(native: Grid, working: Grid, crop: Box) -> CaseRecord:
    return CaseRecord(native, working, crop, (), (), SkullStripRecord(BrainSource.USER_MASK, 1000.0, 0.0, 0.0))


def whole(grid: Grid) -> Box:
    return Box((0, 0, 0), grid.shape)


def test_an_unresampled_case_comes_back_voxel_by_voxel() -> None:
    """LPS at 1 mm was only reordered: any label map returns exactly, with shape and affine as given."""
    native = Grid.of((12, 10, 8), np.array([[-1.0, 0, 0, 3], [0, 0, 1.0, -5], [0, -1.0, 0, 7], [0, 0, 0, 1]]))
    working = isotropic_grid(native, 1.0)
    given = np.random.default_rng(0).integers(0, 4, native.shape).astype(np.uint8)
    # The world position of each native voxel finds its place in the working grid.
    index = np.moveaxis(np.indices(native.shape), 0, -1)
    place = np.rint(apply_affine(np.linalg.inv(working.affine) @ native.affine, index)).astype(int)
    labels = np.zeros(working.shape, dtype=np.uint8)
    labels[tuple(np.moveaxis(place, -1, 0))] = given
    back = to_native(labels, record(native, working, whole(working)))
    np.testing.assert_array_equal(back.data, given)
    np.testing.assert_array_equal(back.affine, native.affine)


def test_an_oblique_anisotropic_flipped_scan_gets_its_own_grid_back(oblique_grid: Grid) -> None:
    """Shape and affine are the scan's; centroids agree within a quarter of a voxel, volumes within 3 %."""
    working = isotropic_grid(oblique_grid, 2.0)
    labels = ball(working)
    back = to_native(labels, record(oblique_grid, working, whole(working)))
    assert back.shape == oblique_grid.shape
    np.testing.assert_array_equal(back.affine, oblique_grid.affine)
    for label in RADII_MM:
        moved = centroid_mm(back.data == label, back.affine) - centroid_mm(labels == label, working.affine)
        shift = np.linalg.solve(oblique_grid.affine[:3, :3], moved)
        assert np.abs(shift).max() < 0.25
    working_ml = np.count_nonzero(labels) * 8 / 1000
    assert np.count_nonzero(back.data) * back.voxel_volume_ml == pytest.approx(working_ml, rel=0.03)


def test_the_way_there_and_back_keeps_the_centroid(oblique_grid: Grid) -> None:
    """Native labels taken to 1 mm and back keep each centroid within half a voxel, and almost every voxel."""
    working = isotropic_grid(oblique_grid, 2.0)
    native = ball(oblique_grid)
    there = resample_labels(native, oblique_grid, working)
    back = to_native(there, record(oblique_grid, working, whole(working))).data
    for label in RADII_MM:
        start = centroid_mm(native == label, oblique_grid.affine)
        for found in (centroid_mm(there == label, working.affine), centroid_mm(back == label, oblique_grid.affine)):
            shift = np.linalg.solve(oblique_grid.affine[:3, :3], found - start)
            assert np.abs(shift).max() < 0.5
    overlap = 2 * np.count_nonzero((back > 0) & (native > 0)) / (np.count_nonzero(back) + np.count_nonzero(native))
    assert overlap > 0.97


def test_a_crop_is_undone(oblique_grid: Grid) -> None:
    """Cropped to the tumour, the result is that of the whole grid."""
    working = isotropic_grid(oblique_grid, 2.0)
    labels = ball(working)
    box = bounding_box(labels > 0, margin=(3, 3, 3))
    part = labels[tuple(slice(a, b) for a, b in zip(box.start, box.stop, strict=True))]
    cropped = to_native(part, record(oblique_grid, working, box))
    np.testing.assert_array_equal(cropped.data, to_native(labels, record(oblique_grid, working, whole(working))).data)


def test_no_tumour_gives_an_empty_map(oblique_grid: Grid) -> None:
    """An all-zero map comes back all zero on the native grid."""
    working = isotropic_grid(oblique_grid, 2.0)
    back = to_native(np.zeros(working.shape, np.uint8), record(oblique_grid, working, whole(working)))
    assert back.shape == oblique_grid.shape
    assert not back.data.any()


def test_a_thick_voxel_is_tumour_where_tumour_fills_half_of_it() -> None:
    """Of two 4 mm slices, 3 mm and 1 mm are filled: only the first is tumour, with the label of its larger part."""
    working = Grid.of((1, 1, 8), np.eye(4))
    thick = np.diag([1.0, 1.0, 4.0, 1.0])
    thick[2, 3] = 1.5
    labels = np.array([0, 2, 3, 3, 3, 0, 0, 0], dtype=np.uint8).reshape(1, 1, 8)
    assert resample_labels(labels, working, Grid.of((1, 1, 2), thick)).ravel().tolist() == [3, 0]


def test_tumour_is_decided_before_its_label() -> None:
    """A voxel of 40 % brain, 30 % oedema and 30 % enhancing tumour stays tumour, though brain is the largest share."""
    working = Grid.of((1, 1, 10), np.eye(4))
    thick = np.diag([1.0, 1.0, 10.0, 1.0])
    thick[2, 3] = 4.5
    labels = np.array([0, 0, 2, 2, 2, 3, 3, 3, 0, 0], dtype=np.uint8).reshape(1, 1, 10)
    assert resample_labels(labels, working, Grid.of((1, 1, 1), thick)).item() in (2, 3)


def test_labels_of_another_case_are_refused() -> None:
    """The shape must be that of the crop."""
    grid = Grid.of((4, 4, 4), np.eye(4))
    with pytest.raises(InvalidLabelError) as caught:
        to_native(np.zeros((4, 4, 5), np.uint8), record(grid, ras_grid(grid), whole(grid)))
    assert caught.value.reason == "WRONG_GRID"
