"""Tests of movements: exact on the grid, exact in volume off it, and back where they began."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import apply_affine, bounding_box, grid_of
from gliosynth.labels import REGIONS, Label, Region, region_mask
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import Deform, Mirror, Rotate, Scale, Translate
from gliosynth.tumour_map.places import MirrorPlane
from gliosynth.volume import Volume


def shifted(labels: np.ndarray, *steps: int) -> np.ndarray:
    return np.roll(labels, steps, axis=(0, 1, 2))


def counts(labels: np.ndarray) -> list[int]:
    return [int(np.count_nonzero(region_mask(labels, region))) for region in REGIONS]


def test_a_shift_by_whole_voxels_moves_every_label(tumour) -> None:
    """3 mm right, 2 back, 4 up on a 1 mm RAS grid is a roll by 3, -2, 4."""
    edited = edit_tumour_map(tumour, [Translate(3, -2, 4)])
    assert np.array_equal(edited.labels.data, shifted(tumour.data, 3, -2, 4))
    assert np.array_equal(edited.labels.affine, tumour.affine)
    assert edited.clipped_ml == 0.0


def test_directions_are_the_patients_on_any_grid(blocks) -> None:
    """On axes I, L, A with 2 x 1 x 3 mm: 6 mm right is -6 along Y, 6 mm anterior +2 along Z, 4 mm up -2 along X."""
    affine = np.array([[0.0, -1, 0, 50], [0, 0, 3, -20], [-2, 0, 0, 70], [0, 0, 0, 1]])
    tumour = Volume(blocks(), affine, "tumour_map")
    edited = edit_tumour_map(tumour, [Translate(6, 6, 4)])
    assert np.array_equal(edited.labels.data, shifted(tumour.data, -2, -6, 2))
    moved = np.subtract(edited.after[0].centroid_mm, edited.before[0].centroid_mm)
    assert moved == pytest.approx([6, 6, 4])


def test_a_quarter_turn_is_exact(blocks) -> None:
    """90 degrees upwards by the right-hand rule take right to anterior: +x to +y, +y to -x, about the centroid."""
    cube = np.zeros((31, 31, 9), np.uint8)
    cube[8:17, 8:17, 3:6] = Label.ED
    cube[14:16, 10:14, 3:6] = Label.NCR
    tumour = Volume(cube, np.diag([1.0, 1.0, 5.0, 1.0]), "tumour_map")
    turned = edit_tumour_map(tumour, [Rotate(90)]).labels.data
    # Centre (12, 12): the voxel (12 + a, 12 + b) goes to (12 - b, 12 + a), as np.rot90 does on axes (0, 1).
    expected = np.zeros_like(cube)
    expected[8:17, 8:17] = np.rot90(cube[8:17, 8:17], axes=(0, 1))
    assert np.array_equal(turned, expected)


@pytest.mark.parametrize("plane", [MirrorPlane.SAGITTAL, MirrorPlane.CORONAL, MirrorPlane.AXIAL])
def test_mirroring_in_place_flips_the_voxels_about_the_centroid(plane: MirrorPlane) -> None:
    """An L of 5 x 3 x 3 voxels with its mark at one end: the mark changes ends along one axis only."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:10, 6:9, 7:10] = Label.ED
    labels[5, 6, 7] = Label.ET
    tumour = Volume(labels, np.eye(4), "tumour_map")
    axis = [MirrorPlane.SAGITTAL, MirrorPlane.CORONAL, MirrorPlane.AXIAL].index(plane)
    expected = np.zeros_like(labels)
    expected[5:10, 6:9, 7:10] = np.flip(labels[5:10, 6:9, 7:10], axis=axis)
    assert np.array_equal(edit_tumour_map(tumour, [Mirror(plane)]).labels.data, expected)


def test_mirroring_across_the_midline_changes_sides(ellipsoid_head) -> None:
    """The head is symmetric about x = 0, between voxels 35 and 36 of 72: voxel i becomes 71 - i."""
    labels = np.zeros(ellipsoid_head.grid.shape, np.uint8)
    labels[44:50, 40:45, 30:36] = Label.ED
    labels[44, 40, 30] = Label.ET
    tumour = Volume(labels, ellipsoid_head.grid.affine, "tumour_map")
    edited = edit_tumour_map(tumour, [Mirror()], around=ellipsoid_head)
    assert np.array_equal(edited.labels.data, labels[::-1])


def test_scaling_by_two_multiplies_volumes_by_eight(tumour) -> None:
    """Each region has exactly 8 times its voxels.

    The block of 9 x 7 x 7 about (18, 15, 13) becomes one of about 18 x 14 x 14, whose middle lies between two voxels:
    it may be half a voxel off, and its edges are rounded.
    """
    edited = edit_tumour_map(tumour, [Scale(2)])
    assert counts(edited.labels.data) == [8 * 441, 8 * 125, 8 * 98]
    assert np.abs(np.subtract(edited.after[0].centroid_mm, edited.before[0].centroid_mm)).max() < 0.55
    assert np.abs(np.subtract(bounding_box(edited.labels.data != 0).shape, (18, 14, 14))).max() <= 1


def test_turns_and_bends_keep_every_volume(tumour) -> None:
    """An oblique turn and a bend change no region's number of voxels."""
    for edits in ([Rotate(33, 1, 2, 3)], [Deform(1.5, seed=4, scale_mm=6)], [Rotate(10), Deform(1, 2), Rotate(5)]):
        edited = edit_tumour_map(tumour, edits)
        assert counts(edited.labels.data) == counts(tumour.data)
        assert not np.array_equal(edited.labels.data, tumour.data)


def test_a_bend_depends_on_its_seed_alone(tumour) -> None:
    """The same seed bends alike, another one does not, and both move voxels in all directions."""
    first, again, other = (edit_tumour_map(tumour, [Deform(1.5, seed, 6)]).labels.data for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_bend_is_the_same_in_mm_on_a_finer_grid(ball) -> None:
    """A ball bent on 2 mm and on 1 mm voxels: the centroids agree within half a mm, and nine tenths of the volume."""
    coarse = Volume(ball((30, 30, 30), (14.5, 14.5, 14.5), 8).astype(np.uint8) * 2, np.diag([2.0, 2, 2, 1]), "coarse")
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = -0.5
    fine = Volume(coarse.data.repeat(2, 0).repeat(2, 1).repeat(2, 2), affine, "fine")
    bent = [edit_tumour_map(volume, [Deform(4, 7, 15)]) for volume in (coarse, fine)]
    assert bent[0].after[0].centroid_mm == pytest.approx(bent[1].after[0].centroid_mm, abs=0.5)
    overlap = (bent[0].labels.data.repeat(2, 0).repeat(2, 1).repeat(2, 2) != 0) & (bent[1].labels.data != 0)
    assert overlap.sum() / np.count_nonzero(bent[1].labels.data) > 0.9


def test_movements_in_a_row_are_resampled_once(tumour) -> None:
    """Thirty-six turns of 10 degrees are a full turn: every voxel is where it was."""
    edited = edit_tumour_map(tumour, [Rotate(10)] * 36)
    assert np.array_equal(edited.labels.data, tumour.data)


def test_what_leaves_the_brain_in_between_comes_back(tumour, wide_head) -> None:
    """20 mm to the left cut most of it off; 20 mm back bring it back, and both are in the report."""
    edited = edit_tumour_map(tumour, [Translate(-20, 0, 0), Translate(20, 0, 0)], around=wide_head)
    assert np.array_equal(edited.labels.data, tumour.data)
    # Voxels 14 to 22 go to -6 to 2; the brain begins at 1, so 7 of 9 slabs of 49 voxels are cut off.
    assert edited.steps[0].clipped_ml == pytest.approx(7 * 49 / 1000)
    assert (edited.steps[1].clipped_ml, edited.clipped_ml) == (0.0, 0.0)
    assert edited.steps[0].lost == (Region.TC, Region.ET)


def test_what_falls_outside_the_brain_is_cut_off_and_said(tumour, wide_head) -> None:
    """15 mm left: voxels 14 to 22 go to -1 to 7, two slabs of 49 voxels fall outside the brain, which begins at 1."""
    edited = edit_tumour_map(tumour, [Translate(-15, 0, 0)], around=wide_head)
    assert edited.clipped_ml == pytest.approx(2 * 49 / 1000)
    expected = shifted(tumour.data, -15, 0, 0)
    expected[~wide_head.brain] = 0
    assert np.array_equal(edited.labels.data, expected)


def test_a_tumour_that_leaves_the_brain_altogether_is_an_error(tumour, wide_head) -> None:
    """The error names the edit in the list."""
    with pytest.raises(InvalidParameterError, match="outside the brain") as caught:
        edit_tumour_map(tumour, [Translate(0, 0, 1), Translate(-100, 0, 0)], around=wide_head)
    assert (caught.value.field, caught.value.reason) == ("edits[1].edit", "OUTSIDE_BRAIN")


def test_a_tumour_scaled_to_less_than_a_voxel_is_an_error(blocks) -> None:
    """A tenth of 8 voxels is less than one hundredth of a voxel."""
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[4:6, 4:6, 4:6] = Label.ET
    with pytest.raises(InvalidParameterError, match="smaller than a voxel") as caught:
        edit_tumour_map(Volume(labels, np.eye(4), "tumour_map"), [Scale(0.1)])
    assert caught.value.reason == "NOTHING_LEFT"


def test_a_tumour_larger_than_any_head_is_refused_before_memory_is_taken(tumour) -> None:
    """9 x 7 x 7 mm scaled by 5 and by 5 again are 225 x 175 x 175 mm, and half a metre with the rim around them."""
    with pytest.raises(InvalidParameterError, match="larger than a head") as caught:
        edit_tumour_map(tumour, [Scale(5), Scale(5)])
    assert (caught.value.reason, caught.value.field) == ("TUMOUR_TOO_LARGE", "edits[1].factor")


def test_thick_slices_are_interpolated_between_their_surfaces() -> None:
    """A cone of 5 mm slices turned by 90 degrees about x keeps its volume and stands along y, tip to the front."""
    labels = np.zeros((40, 40, 12), np.uint8)
    x, y = np.meshgrid(np.arange(40) - 19.5, np.arange(40) - 19.5, indexing="ij")
    for slice_index, radius in enumerate((10, 8, 6, 4), start=4):
        labels[..., slice_index][np.hypot(x, y) <= radius] = Label.ED
    tumour = Volume(labels, np.diag([1.0, 1.0, 5.0, 1.0]), "tumour_map")
    turned = edit_tumour_map(tumour, [Rotate(-90, 1, 0, 0)])
    assert np.count_nonzero(turned.labels.data) == np.count_nonzero(labels)
    widths = [np.count_nonzero(turned.labels.data[:, row].any(axis=1)) for row in (14, 19, 24, 29)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1] >= 4


movements = st.one_of(
    st.builds(Translate, *[st.floats(-6, 6)] * 3),
    st.builds(Rotate, st.floats(-180, 180), st.floats(0.1, 1), st.floats(-1, 1), st.floats(-1, 1)),
    st.builds(Scale, st.floats(0.6, 1.4)),
    st.builds(Mirror, st.sampled_from(MirrorPlane)),
    st.builds(Deform, st.floats(0.2, 2), st.integers(0, 99), st.just(6.0)),
)

orientations = st.permutations([0, 1, 2]).flatmap(
    lambda order: st.tuples(st.just(order), st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
)


@given(edits=st.lists(movements, min_size=1, max_size=4), orientation=orientations)
@settings(max_examples=25, deadline=None)
def test_edited_tumours_stay_nested_and_inside_on_any_grid(edits, orientation) -> None:
    """Whatever moves: labels stay labels, all of them inside the brain, and the grid stays the grid."""
    order, signs = orientation
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] * np.array(signs) * np.array([1.0, 1.5, 3.0])
    labels = np.zeros((30, 24, 14), np.uint8)
    labels[10:20, 8:16, 4:10] = Label.ED
    labels[12:18, 10:15, 5:9] = Label.ET
    labels[14:16, 11:14, 6:8] = Label.NCR
    tumour = Volume(labels, affine, "tumour_map")
    brain = np.zeros(labels.shape, np.bool_)
    brain[3:-3, 3:-3, 1:-1] = True
    edited = edit_tumour_map(tumour, edits, around=Surroundings.of_mask(Volume(brain, affine, "brain")))
    assert set(np.unique(edited.labels.data)) <= {0, 1, 2, 3}
    assert not (edited.labels.data[~brain] != 0).any()
    assert grid_of(edited.labels).matches(grid_of(tumour))
    whole_ml = np.count_nonzero(edited.labels.data) * tumour.voxel_volume_ml
    assert edited.after[0].volume_ml == pytest.approx(whole_ml)


@given(shift=st.tuples(*[st.integers(-5, 5)] * 3))
@settings(max_examples=20, deadline=None)
def test_moving_there_and_back_in_two_requests_changes_nothing(shift) -> None:
    """Whole voxels have an exact inverse, even when the map is written in between."""
    labels = np.zeros((24, 24, 24), np.uint8)
    labels[8:15, 9:14, 7:16] = Label.ED
    labels[10:13, 10:13, 9:13] = Label.ET
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    right, anterior, superior = (float(value) for value in apply_affine(affine, shift))
    there = edit_tumour_map(Volume(labels, affine, "t"), [Translate(right, anterior, superior)]).labels
    back = edit_tumour_map(there, [Translate(-right, -anterior, -superior)]).labels
    assert np.array_equal(there.data, shifted(labels, *shift))
    assert np.array_equal(back.data, labels)
