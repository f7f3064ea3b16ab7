"""Tests of healing: a head whose every voxel says where it lies, so that what fills the hole can be told."""

import numpy as np
import pytest

from gliosynth.anatomy import Tissue
from gliosynth.errors import InvalidLabelError
from gliosynth.labels import Label, Region
from gliosynth.tumour_map import Surroundings, TissueKey, edit_tumour_map
from gliosynth.tumour_map.edits import Grow, Translate, Transplant
from gliosynth.volume import Volume

KEY = TissueKey(brain=tuple(range(1, 200)), barred=(9,))


@pytest.fixture
def striped() -> Volume[np.uint8]:
    """A brain of 40 x 40 x 20 voxels in air; its tissue is 1 + y, on the left 100 more; x = 25 is the middle."""
    data = np.zeros((51, 50, 30), np.uint8)
    rows = np.arange(40, dtype=np.uint8)[None, :, None] + 10
    data[5:46, 5:45, 5:25] = np.broadcast_to(rows, (41, 40, 20))
    data[5:25, 5:45, 5:25] += 100
    return Volume(data, np.eye(4), "tissues")


def block(at: int) -> np.ndarray:
    labels = np.zeros((51, 50, 30), np.uint8)
    labels[at : at + 6, 20:26, 10:16] = Label.ED
    return labels


def test_the_place_that_a_tumour_left_gets_the_tissue_of_the_other_side(striped) -> None:
    """The hole at x = 10 to 15 lies opposite x = 35 to 40, where the tissue is 100 less."""
    around = Surroundings.of_tissues(striped, KEY)
    edited = edit_tumour_map(Volume(block(10), np.eye(4), "t"), [Translate(0, 15, 0)], around=around)
    hole = (block(10) != 0) & (edited.labels.data == 0)
    assert np.array_equal(edited.tissues[hole], striped.data[::-1][hole])
    assert (edited.tissues[hole] < 100).all()
    assert np.array_equal(edited.tissues[~hole], striped.data[~hole])
    assert (edited.healing.mirrored_ml, edited.healing.nearest_ml) == (pytest.approx(hole.sum() / 1000), 0.0)


def test_where_the_other_side_is_no_brain_the_nearest_tissue_fills(striped) -> None:
    """The other side is missing around the mirror of the hole, so it gets what lies next to it."""
    tissues = striped.data.copy()
    tissues[33:46, 18:28, 8:18] = 0
    around = Surroundings.of_tissues(Volume(tissues, np.eye(4), "tissues"), KEY)
    edited = edit_tumour_map(Volume(block(10), np.eye(4), "t"), [Translate(0, 15, 0)], around=around)
    hole = (block(10) != 0) & (edited.labels.data == 0)
    assert edited.healing.nearest_ml == pytest.approx(hole.sum() / 1000)
    assert (edited.tissues[hole] > 100).all()
    # In the middle of the hole's left face, the nearest sound voxel is its neighbour to the left.
    assert edited.tissues[10, 22, 12] == tissues[9, 22, 12]


def test_nothing_is_healed_that_was_not_left(striped) -> None:
    """A tumour that only grows leaves no hole."""
    around = Surroundings.of_tissues(striped, KEY)
    edited = edit_tumour_map(Volume(block(10), np.eye(4), "t"), [Grow(Region.WT, 2)], around=around)
    assert np.array_equal(edited.tissues, striped.data)
    assert (edited.healing.mirrored_ml, edited.healing.nearest_ml) == (0.0, 0.0)


def test_a_transplant_heals_the_head_that_it_leaves(striped) -> None:
    """All of the tumour's place is healed, even where the other head has it now."""
    around = Surroundings.of_tissues(striped, KEY)
    edited = edit_tumour_map(
        Volume(block(10), np.eye(4), "t"),
        [Transplant("same")],
        around=around,
        anatomies=lambda _: Surroundings(around.grid, around.brain, around.room),
    )
    hole = block(10) != 0
    assert (edited.tissues[hole] < 100).all()
    assert edited.labels.data.any()


def test_a_tumour_keeps_out_of_barred_tissue_but_may_be_in_it_already(striped) -> None:
    """A ventricle beside the tumour is not grown into; a tumour that lies in one stays."""
    tissues = striped.data.copy()
    tissues[16:20, 20:26, 10:16] = 9
    around = Surroundings.of_tissues(Volume(tissues, np.eye(4), "tissues"), KEY)
    grown = edit_tumour_map(Volume(block(10), np.eye(4), "t"), [Grow(Region.WT, 3)], around=around).labels.data
    assert not (grown[16:20, 20:26, 10:16] != 0).any()
    assert (grown[7:10, 22, 12] != 0).all()
    stays = edit_tumour_map(Volume(block(14), np.eye(4), "t"), [Translate(0, 0, 0)], around=around)
    assert np.array_equal(stays.labels.data, block(14))


def test_gliosynths_own_tissues_are_known() -> None:
    """White matter is room, a ventricle is brain without room, bone is neither."""
    row = np.array([Tissue.WHITE_MATTER, Tissue.VENTRICLE, Tissue.CORTICAL_BONE, 0], np.uint8).reshape(4, 1, 1)
    around = Surroundings.of_tissues(Volume(row, np.eye(4), "tissues"))
    assert around.brain.ravel().tolist() == [True, True, False, False]
    assert around.room.ravel().tolist() == [True, False, False, False]


def test_a_label_map_without_brain_is_refused(striped) -> None:
    """A key that names none of its values."""
    with pytest.raises(InvalidLabelError, match="no voxel of it is brain") as caught:
        Surroundings.of_tissues(striped, TissueKey(brain=(240,)))
    assert caught.value.field == "tissues"
