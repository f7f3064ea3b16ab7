"""Tests of growing and shrinking: one region at a time, counted by hand on blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Label, Region, region_mask
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import Grow, Resize, Shrink, ThickenRim
from gliosynth.volume import Volume

NCR, ED, ET = (int(label) for label in (Label.NCR, Label.ED, Label.ET))


def line(*labels: int, edge_mm: float = 1.0) -> Volume[np.uint8]:
    """Labels along x, one voxel thick in a grid of 5 x 5: everything can be worked out in one dimension."""
    data = np.zeros((len(labels), 5, 5), np.uint8)
    data[:, 2, 2] = labels
    return Volume(data, np.diag([edge_mm, 25.0, 25.0, 1.0]), "tumour_map")


def along(volume: Volume[np.uint8]) -> list[int]:
    return volume.data[:, 2, 2].tolist()


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (Grow(Region.WT, 1), [0, 0, ED, ET, NCR, ET, ED, 0, 0], [0, ED, ED, ET, NCR, ET, ED, ED, 0]),
        (Grow(Region.ET, 1), [0, 0, ED, ET, NCR, NCR, NCR, ET, ED], [0, 0, ET, ET, ET, NCR, ET, ET, ET]),
        (Grow(Region.ET, 1), [0, 0, 0, ET, NCR, 0, 0, 0, 0], [0, 0, ET, ET, ET, 0, 0, 0, 0]),
        (Grow(Region.TC, 1), [0, ED, ED, ET, NCR, NCR, ED, ED, 0], [0, ED, ET, ET, NCR, NCR, NCR, ED, 0]),
        (Grow(Region.TC, 2.5), [0, 0, ED, NCR, ED, 0, 0, 0, 0], [0, NCR, NCR, NCR, NCR, NCR, 0, 0, 0]),
        (Shrink(Region.WT, 1), [0, ED, ED, ED, ET, ED, ED, 0, 0], [0, 0, ED, ED, ET, ED, 0, 0, 0]),
        (Shrink(Region.WT, 9), [0, ED, ED, ET, ED, ED, 0, 0, 0], [0, 0, 0, ET, 0, 0, 0, 0, 0]),
        (Shrink(Region.TC, 1), [ED, NCR, ET, ET, NCR, NCR, ED, 0, 0], [ED, ED, ET, ET, NCR, ED, ED, 0, 0]),
        (Shrink(Region.ET, 1), [0, ED, ET, ET, ET, ED, 0, 0, 0], [0, ED, NCR, ET, NCR, ED, 0, 0, 0]),
        (ThickenRim(1), [0, ED, ET, NCR, NCR, NCR, ET, ED, 0], [0, ED, ET, ET, NCR, ET, ET, ED, 0]),
        (ThickenRim(5), [0, ED, ET, NCR, NCR, NCR, ET, ED, 0], [0, ED, ET, ET, ET, ET, ET, ED, 0]),
    ],
)
def test_one_region_changes_and_the_others_give_way(edit, before: list[int], after: list[int]) -> None:
    """Rows of voxels 1 mm long and far apart: what grows and shrinks can be read off."""
    assert along(edit_tumour_map(line(*before), [edit]).labels) == after


def test_growth_is_in_mm_not_in_voxels() -> None:
    """3 mm are three voxels of 1 mm and one of 2 mm."""
    for edge_mm, reach in ((1.0, 3), (2.0, 1)):
        grown = along(edit_tumour_map(line(*[0] * 6, ED, *[0] * 6, edge_mm=edge_mm), [Grow(Region.WT, 3)]).labels)
        assert sum(label == ED for label in grown) == 1 + 2 * reach


def test_growth_stops_at_the_brain(tumour) -> None:
    """A brain that ends where the tumour does on one side: nothing grows there."""
    brain = np.zeros(tumour.shape, np.bool_)
    brain[14:, :, :] = True
    head = Surroundings.of_mask(Volume(brain, tumour.affine, "brain"))
    grown = edit_tumour_map(tumour, [Grow(Region.WT, 2)], around=head).labels.data
    assert not (grown[:14] != 0).any()
    assert (grown[23:25, 15, 13] == ED).all()


@pytest.mark.parametrize(
    ("region", "volume_ml"), [(Region.WT, 0.8), (Region.WT, 0.3), (Region.TC, 0.2), (Region.ET, 0.05)]
)
def test_a_region_gets_the_volume_asked_for(tumour, region: Region, volume_ml: float) -> None:
    """Up and down, to one voxel of a microlitre; labels stay nested."""
    edited = edit_tumour_map(tumour, [Resize(region, volume_ml)])
    after = {item.region: item.volume_ml for item in edited.after}
    assert after[region] == pytest.approx(volume_ml, abs=1e-9)
    assert after[Region.WT] >= after[Region.TC] >= after[Region.ET]


def test_a_resized_region_is_as_compact_as_its_distance_allows(ball) -> None:
    """A ball of radius 5 grown to eight times its volume is the ball of radius 10, but for its outermost voxels."""
    small, large = ball((40, 40, 40), (20, 20, 20), 5), ball((40, 40, 40), (20, 20, 20), 10)
    tumour = Volume(small.astype(np.uint8) * ED, np.eye(4), "tumour_map")
    grown = edit_tumour_map(tumour, [Resize(Region.WT, np.count_nonzero(large) / 1000)]).labels.data != 0
    assert np.count_nonzero(grown) == np.count_nonzero(large)
    assert np.count_nonzero(grown & large) / np.count_nonzero(large) > 0.95


def test_a_volume_that_only_a_far_part_of_the_brain_can_give_is_found(tumour) -> None:
    """Room in a narrow corridor: the tumour grows along it as far as it must."""
    brain = tumour.data != 0
    brain[14:, 14:17, 12:15] = True
    head = Surroundings.of_mask(Volume(brain, tumour.affine, "brain"))
    room = np.count_nonzero(brain)
    edited = edit_tumour_map(tumour, [Resize(Region.WT, room / 1000)], around=head)
    assert np.array_equal(edited.labels.data != 0, brain)
    with pytest.raises(InvalidParameterError, match="there is room for") as caught:
        edit_tumour_map(tumour, [Resize(Region.WT, (room + 1) / 1000)], around=head)
    assert (caught.value.reason, caught.value.field) == ("VOLUME_UNREACHABLE", "edits[0].volume_ml")


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (Resize(Region.WT, 0.1), "VOLUME_UNREACHABLE"),
        (Grow(Region.WT, 0.4), "NOTHING_CHANGES"),
        (Resize(Region.WT, 0.441), "NOTHING_CHANGES"),
    ],
)
def test_what_cannot_be_done_is_an_error_and_never_silence(tumour, edit, reason: str) -> None:
    """Less than what lies inside, less than a voxel, and the volume it has already."""
    with pytest.raises(InvalidParameterError) as caught:
        edit_tumour_map(tumour, [edit])
    assert caught.value.reason == reason


@pytest.mark.parametrize("edit", [Grow(Region.ET, 1), Shrink(Region.TC, 1), Resize(Region.ET, 1), ThickenRim(1)])
def test_a_region_that_is_not_there_cannot_change(edit) -> None:
    """A tumour of oedema alone has no core and no rim."""
    with pytest.raises(InvalidParameterError, match="has no") as caught:
        edit_tumour_map(line(0, ED, ED, 0), [edit])
    assert (caught.value.reason, caught.value.field) == ("REGION_ABSENT", "edits[0].region")


def test_a_rim_without_necrosis_has_nothing_to_grow_into() -> None:
    """The message says what to do instead."""
    with pytest.raises(InvalidParameterError, match="grow ET instead") as caught:
        edit_tumour_map(line(0, ET, ET, 0), [ThickenRim(1)])
    assert caught.value.reason == "REGION_ABSENT"


@given(
    edits=st.lists(
        st.one_of(
            st.builds(Grow, st.sampled_from(Region), st.floats(1, 3)),
            st.builds(Shrink, st.sampled_from(Region), st.floats(1, 2)),
            st.builds(ThickenRim, st.floats(1, 2)),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=25, deadline=None)
def test_only_the_region_and_its_surroundings_change(edits) -> None:
    """A region that grows loses nothing, one that shrinks gains nothing, and the regions inside it stay whole."""
    labels = np.zeros((30, 30, 20), np.uint8)
    labels[8:22, 8:22, 4:16] = ED
    labels[10:19, 10:19, 6:14] = ET
    labels[12:17, 12:17, 8:12] = NCR
    volume = Volume(labels, np.diag([1.0, 1.0, 2.0, 1.0]), "tumour_map")
    for edit in edits:
        try:
            edited = edit_tumour_map(volume, [edit]).labels
        except InvalidParameterError:
            continue
        old, new = (region_mask(item.data, getattr(edit, "region", Region.ET)) for item in (volume, edited))
        assert not (new & ~old).any() if isinstance(edit, Shrink) else not (old & ~new).any()
        if isinstance(edit, Shrink) and edit.region is not Region.ET:
            inner = Region.TC if edit.region is Region.WT else Region.ET
            assert np.array_equal(region_mask(edited.data, inner), region_mask(volume.data, inner))
        volume = edited
