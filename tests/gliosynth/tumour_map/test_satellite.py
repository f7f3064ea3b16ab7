"""Tests of satellites: volume, gap, composition and room."""

import numpy as np
import pytest
from scipy import ndimage

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Label
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import AddSatellite
from gliosynth.volume import Volume


@pytest.fixture
def lump(ball) -> Volume[np.uint8]:
    """A ball of oedema of radius 6 in a grid of 60 x 60 x 40 voxels of 1 x 1 x 1.5 mm."""
    labels = ball((60, 60, 40), (30, 30, 20), 6).astype(np.uint8) * int(Label.ED)
    return Volume(labels, np.diag([1.0, 1.0, 1.5, 1.0]), "tumour_map")


def test_a_satellite_has_its_volume_its_gap_and_its_parts(lump) -> None:
    """0.6 ml are 400 voxels of 1.5 mm3, 160 of them enhancing; no voxel of it within 4 mm of the tumour."""
    edited = edit_tumour_map(lump, [AddSatellite(0.6, gap_mm=4, enhancing_share=0.4, seed=3)]).labels
    added = (edited.data != 0) & (lump.data == 0)
    assert np.count_nonzero(added) == 400
    assert np.count_nonzero(added & (edited.data == Label.ET)) == 160
    assert np.array_equal(edited.data[lump.data != 0], lump.data[lump.data != 0])
    distance_mm = ndimage.distance_transform_edt(lump.data == 0, sampling=(1, 1, 1.5))
    assert 4 < distance_mm[added].min() < 8
    assert ndimage.label(edited.data != 0, np.ones((3, 3, 3)))[1] == 2


def test_its_seed_draws_the_direction_and_the_shape(lump) -> None:
    """The same seed, the same satellite; others lie elsewhere."""
    results = [edit_tumour_map(lump, [AddSatellite(0.6, seed=seed)]).labels.data for seed in (0, 0, 1, 2)]
    assert np.array_equal(results[0], results[1])
    centroids = {tuple(np.round(np.argwhere((r != 0) & (lump.data == 0)).mean(axis=0))) for r in results}
    assert len(centroids) == 3


def test_a_satellite_lies_where_there_is_room(lump) -> None:
    """A brain that has room on one side only."""
    brain = np.zeros(lump.shape, np.bool_)
    brain[20:, 20:40, 10:30] = True
    head = Surroundings.of_mask(Volume(brain, lump.affine, "brain"))
    for seed in range(4):
        edited = edit_tumour_map(lump, [AddSatellite(0.6, seed=seed)], around=head).labels.data
        assert not (edited[~brain] != 0).any()
        assert np.argwhere((edited != 0) & (lump.data == 0))[:, 0].min() > 36


@pytest.mark.parametrize(("edit", "reason"), [(AddSatellite(50), "NO_ROOM"), (AddSatellite(0.0005), "NOTHING_CHANGES")])
def test_too_large_and_too_small_are_errors(lump, edit: AddSatellite, reason: str) -> None:
    """50 ml have no room in 216 ml beside a tumour, half a microlitre is less than half a voxel."""
    brain = np.zeros(lump.shape, np.bool_)
    brain[15:45, 15:45, 10:30] = True
    head = Surroundings.of_mask(Volume(brain, lump.affine, "brain"))
    with pytest.raises(InvalidParameterError) as caught:
        edit_tumour_map(lump, [edit], around=head)
    assert (caught.value.reason, caught.value.field) == (reason, "edits[0].volume_ml")
