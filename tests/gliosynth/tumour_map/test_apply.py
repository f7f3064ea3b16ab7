"""Tests of whole recipes: what is reported, what is refused, what is the same twice."""

import numpy as np
import pytest

from gliosynth.errors import CancelledError, InvalidCaseError, InvalidLabelError, InvalidParameterError
from gliosynth.geometry import Grid, grid_of
from gliosynth.labels import Region
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import (
    AddSatellite,
    Deform,
    Grow,
    Mirror,
    RandomEdit,
    Rotate,
    Scale,
    Shrink,
    ThickenRim,
    Translate,
    Transplant,
)
from gliosynth.tumour_map.places import MirrorPlane
from gliosynth.tumour_map.remarks import remarks_on
from gliosynth.volume import Volume


def test_a_recipe_gives_the_same_bytes_twice(tumour, wide_head) -> None:
    """Everything that is drawn is drawn from the recipe's own seeds."""
    recipe = [
        Rotate(20, 1, 1, 0),
        Deform(0.8, 3, 5),
        Grow(Region.TC, 1),
        AddSatellite(0.03, 2),
        RandomEdit(5, 40, 3, 3),
    ]
    first, second = (edit_tumour_map(tumour, recipe, around=wide_head) for _ in range(2))
    assert first.labels.data.tobytes() == second.labels.data.tobytes()
    assert (first.steps, first.after) == (second.steps, second.after)


def test_the_report_says_what_each_edit_did(tumour, wide_head) -> None:
    """Volumes and centroids before and after every edit; one edit's after is the next one's before."""
    edited = edit_tumour_map(tumour, [Translate(2, 0, 0), ThickenRim(1), Shrink(Region.WT, 1)], around=wide_head)
    before, after = edited.before, edited.after
    assert [item.volume_ml for item in before] == pytest.approx([0.441, 0.125, 0.098])
    assert before[0].centroid_mm == pytest.approx((18, 15, 13))
    assert edited.steps[0].after[0].centroid_mm == pytest.approx((20, 15, 13))
    # The rim takes the 3 x 3 x 3 of NCR but its middle; shrunk by 1 mm, WT keeps 7 x 5 x 5 and TC's own 5 x 5 x 5.
    assert [item.volume_ml for item in edited.steps[1].after] == pytest.approx([0.441, 0.125, 0.124])
    assert [item.volume_ml for item in after] == pytest.approx([0.175, 0.125, 0.124])
    assert [step.before for step in edited.steps[1:]] == [step.after for step in edited.steps[:-1]]
    assert [step.edit for step in edited.steps] == [step.done[0] for step in edited.steps]


def test_a_tumour_partly_outside_the_brain_is_cut_off_first(tumour) -> None:
    """A brain that begins in the middle of the tumour: 4 of 9 slabs of 49 voxels are outside, and reported."""
    brain = np.zeros(tumour.shape, np.bool_)
    brain[18:] = True
    head = Surroundings.of_mask(Volume(brain, tumour.affine, "brain"))
    edited = edit_tumour_map(tumour, [Grow(Region.WT, 1)], around=head)
    assert edited.clipped_ml == pytest.approx(4 * 49 / 1000)
    assert not edited.labels.data[:18].any()


def test_an_edit_after_a_cut_is_made_on_what_is_left(tumour, wide_head) -> None:
    """Growth writes the map, so what was cut off before it does not come back; the total is what was lost for good."""
    edited = edit_tumour_map(tumour, [Translate(-15, 0, 0), Grow(Region.WT, 1), Translate(15, 0, 0)], around=wide_head)
    assert edited.clipped_ml == pytest.approx(2 * 49 / 1000)
    assert not (edited.labels.data[:15] != 0).any()


def test_much_that_is_cut_off_and_a_lost_region_are_remarked(tumour, wide_head) -> None:
    """20 mm to the left leave two slabs of oedema."""
    edited = edit_tumour_map(tumour, [Translate(-20, 0, 0)], around=wide_head)
    assert [remark.id for remark in remarks_on(edited)] == ["REGION_LOST", "REGION_LOST", "MUCH_CLIPPED"]
    assert [remark.id for remark in remarks_on(edit_tumour_map(tumour, [Scale(0.9)]))] == ["BRAIN_UNKNOWN"]


def test_a_head_that_was_not_stripped_is_remarked(tumour) -> None:
    """An image that is nowhere 0: 46 080 voxels of 64 mm3 are 2949 ml, more than any brain has."""
    coarse = Volume(tumour.data, np.diag([4.0, 4.0, 4.0, 1.0]), "tumour_map")
    image = Volume(np.ones(tumour.shape, np.float32), coarse.affine, "image")
    edited = edit_tumour_map(coarse, [Scale(0.9)], around=Surroundings.of_image(image))
    assert [remark.id for remark in remarks_on(edited)] == ["BRAIN_VOLUME_HIGH"]


def test_what_is_no_tumour_map_or_no_recipe_is_refused(tumour, wide_head) -> None:
    """An empty map, no edits, too many, another grid, a tumour of another head."""
    empty = Volume(np.zeros(tumour.shape, np.uint8), tumour.affine, "tumour_map")
    with pytest.raises(InvalidLabelError, match="no tumour") as label_error:
        edit_tumour_map(empty, [Scale(1.1)])
    assert label_error.value.reason == "EMPTY_TUMOUR_MAP"
    for edits in ([], [Scale(1.0)] * 101):
        with pytest.raises(InvalidParameterError, match="give 1 to 100"):
            edit_tumour_map(tumour, edits)
    moved = Surroundings(Grid.of(tumour.shape, np.diag([1, 1, 2, 1.0])), wide_head.brain, wide_head.room)
    with pytest.raises(InvalidCaseError) as case_error:
        edit_tumour_map(tumour, [Scale(1.1)], around=moved)
    assert case_error.value.reason == "GRID_MISMATCH"
    elsewhere = Surroundings.of_mask(Volume(np.roll(tumour.data != 0, 15, axis=0), tumour.affine, "brain"))
    with pytest.raises(InvalidCaseError, match="outside the brain") as outside_error:
        edit_tumour_map(tumour, [Scale(1.1)], around=elsewhere)
    assert outside_error.value.reason == "OUTSIDE_BRAIN"


def test_the_caller_hears_of_every_edit_and_may_stop(tumour) -> None:
    """The hook comes before the edit; what it raises ends the work."""
    heard: list[int] = []
    edit_tumour_map(tumour, [Scale(1.1), Mirror(MirrorPlane.AXIAL)], on_edit=heard.append)
    assert heard == [0, 1]

    def stop(index: int) -> None:
        if index == 1:
            raise CancelledError("gone")

    with pytest.raises(CancelledError):
        edit_tumour_map(tumour, [Scale(1.1), Scale(1.1)], on_edit=stop)


def test_a_random_edit_does_all_it_draws(tumour) -> None:
    """Rotation and shift compose, the scale counts, and replaying what was drawn gives the same bytes."""
    for seed in range(6):
        edited = edit_tumour_map(tumour, [RandomEdit(seed, smallest_inside=0)])
        drawn = edited.steps[0].done
        kinds = [type(edit) for edit in drawn]
        assert (kinds[0], kinds[1], kinds[-1]) == (Rotate, Scale, Translate)
        assert abs(drawn[0].degrees) <= 80
        assert 0.7 <= drawn[1].factor <= 1.3
        assert all(abs(value) <= 10 for value in (drawn[-1].right_mm, drawn[-1].anterior_mm, drawn[-1].superior_mm))
        factor = (edited.after[0].volume_ml + edited.clipped_ml) / edited.before[0].volume_ml
        assert factor == pytest.approx(drawn[1].factor ** 3, rel=0.01)
        assert np.array_equal(edit_tumour_map(tumour, drawn).labels.data, edited.labels.data)


def test_random_edits_without_flips_or_ranges_move_nothing(tumour) -> None:
    """Ranges of zero: the tumour stays where it is."""
    still = RandomEdit(1, 0, 0, 0, smallest_scale=1, largest_scale=1, flips=False)
    assert np.array_equal(edit_tumour_map(tumour, [still]).labels.data, tumour.data)


def test_draws_that_leave_the_brain_are_drawn_again(tumour) -> None:
    """A tight brain: the draws are counted, the share inside is kept, and impossible shares are an error."""
    brain = np.zeros(tumour.shape, np.bool_)
    brain[11:26, 9:22, 7:20] = True
    head = Surroundings.of_mask(Volume(brain, tumour.affine, "brain"))
    edited = edit_tumour_map(tumour, [RandomEdit(0, 80, 10, 4, smallest_scale=0.7, largest_scale=1)], around=head)
    assert edited.steps[0].draws > 1
    assert edited.clipped_ml <= 0.1 * (edited.clipped_ml + edited.after[0].volume_ml)
    tight = Surroundings.of_mask(Volume(tumour.data != 0, tumour.affine, "brain"))
    with pytest.raises(InvalidParameterError, match="none of 100 draws") as caught:
        edit_tumour_map(tumour, [RandomEdit(0, smallest_scale=1.2, smallest_inside=1)], around=tight)
    assert (caught.value.reason, caught.value.field) == ("NO_DRAW_FITS", "edits[0].smallest_inside")


def test_a_transplant_goes_to_the_same_place_in_proportion(ellipsoid_head, ball) -> None:
    """Into a head 3/4 as large on another grid: 24, 20, 16 mm from the centre become 18, 15, 12; the size stays."""
    shape = ellipsoid_head.grid.shape
    affine = np.diag([-1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = (100 + 1.5 * (shape[0] - 1) / 2, -1.5 * (shape[1] - 1) / 2, 7 - 1.5 * (shape[2] - 1) / 2)
    small = Surroundings(Grid.of(shape, affine), ellipsoid_head.brain[::-1], ellipsoid_head.room[::-1])
    labels = ball(shape, (35.5 + 12, 44.5 + 10, 36.5 + 8), 5).astype(np.uint8) * 2
    tumour = Volume(labels, ellipsoid_head.grid.affine, "tumour_map")
    edited = edit_tumour_map(
        tumour, [Transplant("small")], around=ellipsoid_head, anatomies={"small": small}.__getitem__
    )
    assert grid_of(edited.labels).matches(small.grid)
    assert edited.after[0].centroid_mm == pytest.approx((100 + 18, 15, 7 + 12), abs=2)
    assert edited.after[0].volume_ml == pytest.approx(edited.before[0].volume_ml, rel=0.01)
    fitted = edit_tumour_map(
        tumour, [Transplant("small", fit=True)], around=ellipsoid_head, anatomies={"small": small}.__getitem__
    )
    assert fitted.after[0].volume_ml == pytest.approx(0.75**3 * edited.before[0].volume_ml, rel=0.1)


def test_a_transplant_needs_two_known_brains(tumour, wide_head) -> None:
    """No heads at all, and a tumour without a brain."""
    with pytest.raises(InvalidParameterError, match="none was given"):
        edit_tumour_map(tumour, [Transplant("head_01")], around=wide_head)
    with pytest.raises(InvalidParameterError) as caught:
        edit_tumour_map(tumour, [Transplant("other")], anatomies=lambda _: wide_head)
    assert (caught.value.reason, caught.value.field) == ("BRAIN_UNKNOWN", "edits[0].anatomy")
