"""Tests of descriptions: volumes, parts, lobes, and what is outside the brain."""

import numpy as np
import pytest

from gliosynth.errors import InvalidCaseError
from gliosynth.labels import Label
from gliosynth.tumour_map import Surroundings
from gliosynth.tumour_map.describe import describe_tumour_map
from gliosynth.tumour_map.places import Lobe, Side
from gliosynth.volume import Volume


def test_a_description_counts_volumes_and_parts(tumour) -> None:
    """The blocks, and one voxel elsewhere; nothing is said of a brain that is not known."""
    labels = tumour.data.copy()
    labels[2, 2, 2] = Label.ET
    found = describe_tumour_map(Volume(labels, np.diag([1.0, 2.0, 3.0, 1.0]), "t"))
    assert [item.volume_ml for item in found.regions] == pytest.approx([442 * 0.006, 126 * 0.006, 99 * 0.006])
    assert found.component_count == 2
    assert (found.lobes, found.outside_brain_ml) == ((), None)


def test_lobes_are_named_by_their_share_and_side(ellipsoid_head) -> None:
    """Three quarters in the left frontal lobe, one quarter in the right occipital one, one voxel of 8 mm3 outside."""
    labels = np.zeros(ellipsoid_head.grid.shape, np.uint8)
    labels[20:23, 70, 45] = Label.ED
    labels[45, 8, 40] = Label.ED
    found = describe_tumour_map(Volume(labels, ellipsoid_head.grid.affine, "t"), around=ellipsoid_head)
    assert [(item.lobe, item.side, item.share) for item in found.lobes] == [
        (Lobe.FRONTAL, Side.LEFT, 0.75),
        (Lobe.OCCIPITAL, Side.RIGHT, 0.25),
    ]
    assert found.outside_brain_ml == 0.0
    labels[0, 0, 0] = Label.ET
    found = describe_tumour_map(Volume(labels, ellipsoid_head.grid.affine, "t"), around=ellipsoid_head)
    assert found.outside_brain_ml == pytest.approx(0.008)
    assert [item.share for item in found.lobes] == pytest.approx([0.6, 0.2, 0.2])
    assert None in [item.lobe for item in found.lobes]


def test_a_map_without_tumour_is_described(tumour, wide_head) -> None:
    """Nothing, nowhere."""
    found = describe_tumour_map(Volume(np.zeros_like(tumour.data), tumour.affine, "t"), around=wide_head)
    assert [item.volume_ml for item in found.regions] == [0, 0, 0]
    assert (found.component_count, found.lobes, found.outside_brain_ml) == (0, (), 0.0)


def test_another_grid_is_refused(tumour, wide_head) -> None:
    """The brain of another case."""
    moved = Volume(tumour.data, np.diag([1.0, 1.0, 1.5, 1.0]), "t")
    with pytest.raises(InvalidCaseError) as caught:
        describe_tumour_map(moved, around=wide_head)
    assert caught.value.reason == "GRID_MISMATCH"
    assert describe_tumour_map(moved, around=Surroundings.unknown(wide_head.grid)).lobes == ()
