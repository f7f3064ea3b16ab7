"""Tests of gliosynth.segmentation.placement: a label map that was put back wrongly is never handed out."""

import nibabel.orientations as nibo
import numpy as np
import pytest

from gliosynth.errors import ModelError
from gliosynth.labels import Region
from gliosynth.segmentation.placement import place_regions
from gliosynth.volume import Affine, Volume


def working(labels: np.ndarray | None = None) -> Volume[np.uint8]:
    """A 40 mm cube of oedema with a core and an enhancing part, off centre, at 1 mm."""
    data = np.zeros((96, 96, 96), np.uint8)
    data[10:50, 20:60, 30:70] = 2
    data[10:20, 20:30, 30:40] = 1
    data[12:16, 22:26, 32:36] = 3
    affine = np.eye(4)
    affine[:3, 3] = (-48, -60, -30)
    return Volume(data if labels is None else labels, affine)


def every_second(volume: Volume[np.uint8], affine: Affine | None = None) -> Volume[np.uint8]:
    """The same labels in voxels of 2 mm, placed where they belong unless an affine says otherwise."""
    doubled = volume.affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    doubled[:3, 3] += 0.5
    return Volume(volume.data[::2, ::2, ::2].copy(), doubled if affine is None else affine)


def test_sizes_and_places_are_those_of_the_native_grid() -> None:
    """Volume counts native voxels, the centre is in millimetres, the shift is the distance of both centres."""
    whole, core, enhancing = place_regions(every_second(working()), working())
    assert [place.region for place in (whole, core, enhancing)] == [Region.WT, Region.TC, Region.ET]
    assert whole.volume_ml == pytest.approx(20**3 * 8 / 1000)
    assert core.volume_ml == pytest.approx(5**3 * 8 / 1000)
    assert enhancing.volume_ml == pytest.approx(2**3 * 8 / 1000)
    assert whole.centroid_mm == pytest.approx((29.5 - 48, 39.5 - 60, 49.5 - 30))
    assert whole.shift_mm == pytest.approx(0.0, abs=1e-9)
    assert (whole.found_voxels, core.found_voxels, enhancing.found_voxels) == (40**3, 10**3, 4**3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_axis_is_caught(axis: int) -> None:
    """The same voxels under an affine that runs the other way."""
    native = every_second(working())
    flipped = native.affine @ nibo.inv_ornt_aff([[a, -1 if a == axis else 1] for a in range(3)], native.shape)
    with pytest.raises(ModelError) as caught:
        place_regions(Volume(native.data, flipped), working())
    assert caught.value.reason == "GEOMETRY_PROOF"


def test_swapped_axes_are_caught() -> None:
    """X and Y exchanged in the voxels, not in the affine."""
    native = every_second(working())
    with pytest.raises(ModelError, match="withheld"):
        place_regions(Volume(native.data.transpose(1, 0, 2).copy(), native.affine), working())


def test_an_offset_above_half_a_voxel_is_caught_and_below_is_not() -> None:
    """Voxels of 2 mm, looked at every 1 mm: 0.9 mm is rounding, 1.6 mm is a mistake."""
    native = every_second(working())
    for offset_mm, caught in ((0.9, False), (1.6, True)):
        moved = native.affine.copy()
        moved[0, 3] += offset_mm
        if caught:
            with pytest.raises(ModelError):
                place_regions(Volume(native.data, moved), working())
        else:
            shift_mm = place_regions(Volume(native.data, moved), working())[0].shift_mm
            assert shift_mm == pytest.approx(0.9)


def test_no_tumour_has_no_place() -> None:
    """Two empty label maps are no error: volumes are 0, centres absent."""
    empty = working(np.zeros((96, 96, 96), np.uint8))
    assert [(p.volume_ml, p.centroid_mm, p.shift_mm) for p in place_regions(every_second(empty), empty)] == [
        (0.0, None, None)
    ] * 3


def test_a_large_tumour_does_not_vanish_in_silence() -> None:
    """An empty native map of a tumour of 64 ml is an error, and so is a tumour from nowhere."""
    empty = working(np.zeros((96, 96, 96), np.uint8))
    with pytest.raises(ModelError, match="vanished"):
        place_regions(every_second(empty), working())
    with pytest.raises(ModelError, match="no voxel"):
        place_regions(every_second(working()), empty)


def test_a_speck_may_vanish_in_thick_slices() -> None:
    """8 mm³ fill no voxel of 216 mm³ by half; the places say what was found."""
    labels = np.zeros((96, 96, 96), np.uint8)
    labels[30:32, 30:32, 30:32] = 3
    thick = Volume(np.zeros((16, 16, 16), np.uint8), np.diag([6.0, 6.0, 6.0, 1.0]))
    enhancing = place_regions(thick, working(labels))[2]
    assert (enhancing.found_voxels, enhancing.volume_ml, enhancing.centroid_mm) == (8, 0.0, None)


def test_scattered_specks_that_thick_slices_swallow_are_no_mistake() -> None:
    """A tumour of 64 ml and, far away, specks that fill no native voxel by half: what is left has not moved."""
    labels = working().data.copy()
    labels[60:96:4, 60:96:4, 60:96:4] = 2
    native = every_second(working())
    whole = place_regions(native, working(labels))[0]
    assert whole.volume_ml == pytest.approx(64.0)
    assert whole.shift_mm is not None
    assert whole.shift_mm > 0.4


def test_a_tumour_beyond_the_field_of_view_is_no_mistake() -> None:
    """Voxels of the 1 mm grid that lie outside the native grid have no native voxel to fill."""
    native = every_second(working())
    place_regions(Volume(native.data[:, :, :30].copy(), native.affine), working())


def test_thin_sheets_between_thick_slices_stay_where_they_are() -> None:
    """Sheets of 3 of 5 mm, cut by the field of view: their centre moves by millimetres, their place does not."""
    labels = np.zeros((60, 60, 60), np.uint8)
    for start, thickness in ((1, 4), (11, 3), (21, 2), (36, 3), (57, 3)):
        labels[10:30, 10:30, start : start + thickness] = 2
    thick = labels.reshape(60, 60, 12, 5).astype(bool).sum(axis=3) >= 2.5
    affine = np.diag([1.0, 1.0, 5.0, 1.0])
    affine[2, 3] = 2.0
    whole = place_regions(Volume(thick.astype(np.uint8) * 2, affine), Volume(labels, np.eye(4)))[0]
    assert whole.shift_mm is not None
    assert whole.shift_mm > 1.25
