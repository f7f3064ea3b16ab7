"""A volume knows its place in millimetres and refuses affines that have none."""

import numpy as np
import pytest

from gliosynth.errors import InvalidVolumeError
from gliosynth.volume import Volume

DATA = np.zeros((2, 3, 4), dtype=np.int16)


def affine_with(**changes: float) -> np.ndarray:
    """Returns a 2 x 3 x 4 mm affine with entries such as ``r0c1`` replaced."""
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    for place, value in changes.items():
        affine[int(place[1]), int(place[3])] = value
    return affine


def test_spacing_and_voxel_volume_come_from_the_affine() -> None:
    """2 x 3 x 4 mm is 24 mm³, which is 0.024 ml."""
    volume = Volume(DATA, affine_with())
    assert volume.spacing_mm == (2.0, 3.0, 4.0)
    assert volume.voxel_volume_ml == pytest.approx(0.024)


def test_spacing_and_voxel_volume_survive_rotation_and_mirroring() -> None:
    """Neither direction nor handedness changes lengths."""
    angle = np.deg2rad(30.0)
    rotation = np.eye(4)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    volume = Volume(DATA, rotation @ affine_with(r0c0=-2.0))
    assert volume.spacing_mm == pytest.approx((2.0, 3.0, 4.0))
    assert volume.voxel_volume_ml == pytest.approx(0.024)


@pytest.mark.parametrize(
    ("affine", "reason"),
    [
        (np.eye(3), "AFFINE_SHAPE"),
        (affine_with(r0c3=np.nan), "AFFINE_NOT_FINITE"),
        (affine_with(r1c1=np.inf), "AFFINE_NOT_FINITE"),
        (affine_with(r2c2=0.0), "AFFINE_SPACING"),
        (affine_with(r2c2=1000.0), "AFFINE_SPACING"),
        (affine_with(r0c1=3.0, r1c1=0.0), "AFFINE_SINGULAR"),
    ],
)
def test_unusable_affine_is_refused_with_its_reason(affine: np.ndarray, reason: str) -> None:
    """Each way an affine can be wrong has its own identifier and names the volume."""
    with pytest.raises(InvalidVolumeError, match="t1c") as caught:
        Volume(DATA, affine, name="t1c")
    assert caught.value.reason == reason
    assert caught.value.field == "t1c.affine"


def test_four_dimensions_are_refused() -> None:
    """A time series is not a volume."""
    with pytest.raises(InvalidVolumeError, match="4 dimensions") as caught:
        Volume(np.zeros((2, 2, 2, 5)), np.eye(4))
    assert caught.value.reason == "NOT_3D"
