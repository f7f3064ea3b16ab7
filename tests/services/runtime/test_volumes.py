"""Tests of services.runtime.volumes: every encoding there and back, and raw headers that lack something."""

import numpy as np
import pytest

from gliosynth.client.transfer import ReceivedVolume
from gliosynth.errors import BudgetExceededError, InvalidLabelError, InvalidParameterError, InvalidVolumeError
from gliosynth.raw import VolumeLimits
from gliosynth.v1 import volume_pb2 as pb
from gliosynth.volume import Volume
from services.runtime.volumes import decode_image, decode_labels, decode_mask, encode, result_encoding

LIMITS = VolumeLimits(max_bytes=10_000, max_voxels=1000)
OBLIQUE = np.array([[0.9, -0.3, 0.0, -20.0], [0.3, 0.9, 0.1, 7.0], [0.0, -0.1, 3.0, 4.0], [0, 0, 0, 1]])
ENCODINGS = [value for value in pb.VolumeEncoding.values() if value != pb.VOLUME_ENCODING_UNSPECIFIED]


def labels() -> Volume[np.uint8]:
    return Volume(np.arange(60, dtype=np.uint8).reshape(3, 4, 5) % 4, OBLIQUE, "labels")


def received(header: pb.VolumeHeader, data: bytes) -> ReceivedVolume:
    return ReceivedVolume(header, memoryview(data))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_labels_come_back_with_their_grid(encoding: pb.VolumeEncoding.ValueType) -> None:
    """Voxels are equal, the affine within float32, whatever the encoding."""
    header, data = encode(labels(), role=pb.VOLUME_ROLE_PREDICTION, encoding=encoding)
    back = decode_labels(received(header, data), LIMITS)
    assert np.array_equal(back.data, labels().data)
    assert np.allclose(back.affine, OBLIQUE, atol=1e-5)
    assert tuple(header.geometry.shape) == (3, 4, 5)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_images_and_masks_come_back(encoding: pb.VolumeEncoding.ValueType) -> None:
    """Float32 to the last bit; a mask as its non-zero voxels."""
    image = Volume(np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32), OBLIQUE, "t1c")
    header, data = encode(image, role=pb.VOLUME_ROLE_CONTRAST, encoding=encoding, contrast=pb.CONTRAST_T1C)
    assert np.array_equal(decode_image(received(header, data), LIMITS).data, image.data)
    mask = Volume((image.data > 0).astype(np.uint8), OBLIQUE, "brain_mask")
    header, data = encode(mask, role=pb.VOLUME_ROLE_BRAIN_MASK, encoding=encoding)
    assert np.array_equal(decode_mask(received(header, data), LIMITS).data, image.data > 0)


def raw(data: np.ndarray, **changes: object) -> ReceivedVolume:
    fields = {
        "name": "t1c",
        "role": pb.VOLUME_ROLE_CONTRAST,
        "encoding": pb.VOLUME_ENCODING_RAW,
        "scalar_type": pb.SCALAR_TYPE_FLOAT32,
        "geometry": pb.Geometry(shape=data.shape, affine=OBLIQUE.ravel()),
    }
    return received(pb.VolumeHeader(**{**fields, **changes}), data.astype("<f4").tobytes(order="F"))


RAMP = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
BAD_RAW = {
    "SCALAR_TYPE_MISSING": raw(RAMP, scalar_type=0),
    "GEOMETRY_MISSING": raw(RAMP, geometry=pb.Geometry(shape=(3, 4), affine=OBLIQUE.ravel())),
    "SIZE_MISMATCH": raw(RAMP, geometry=pb.Geometry(shape=(3, 4, 6), affine=OBLIQUE.ravel())),
    "NOT_FINITE": raw(np.where(RAMP == 7, np.nan, RAMP)),
    "CONSTANT_IMAGE": raw(np.full((3, 4, 5), 7.0)),
    "AFFINE_SINGULAR": raw(RAMP, geometry=pb.Geometry(shape=RAMP.shape, affine=np.ones(16))),
}


@pytest.mark.parametrize("reason", BAD_RAW)
def test_a_raw_volume_obeys_the_rules_of_files(reason: str) -> None:
    """What would be refused in a NIfTI file is refused in raw voxels, and so is a header that lacks something."""
    with pytest.raises(InvalidVolumeError) as caught:
        decode_image(BAD_RAW[reason], LIMITS)
    assert caught.value.reason == reason
    assert str(caught.value).startswith("t1c: ")


def test_a_raw_affine_of_the_wrong_length_is_refused() -> None:
    """Twelve values are no affine."""
    short = raw(RAMP, geometry=pb.Geometry(shape=RAMP.shape, affine=OBLIQUE.ravel()[:12]))
    with pytest.raises(InvalidVolumeError, match="12 values"):
        decode_image(short, LIMITS)


def test_a_raw_volume_above_the_limit_is_refused_by_its_header() -> None:
    """The shape alone decides; the bytes need not even be there."""
    huge = raw(RAMP, geometry=pb.Geometry(shape=(1000, 1000, 1000), affine=OBLIQUE.ravel()))
    with pytest.raises(BudgetExceededError) as caught:
        decode_image(huge, LIMITS)
    assert caught.value.reason == "TOO_MANY_VOXELS"


def test_an_empty_raw_mask_is_refused() -> None:
    """As in a file."""
    with pytest.raises(InvalidLabelError) as caught:
        decode_mask(raw(np.zeros((3, 4, 5))), LIMITS)
    assert caught.value.reason == "EMPTY_BRAIN_MASK"


def test_the_default_encoding_is_gzip_and_an_unknown_one_refused() -> None:
    """Options may leave the encoding open, not invent one."""
    assert result_encoding(pb.VOLUME_ENCODING_UNSPECIFIED) == pb.VOLUME_ENCODING_NIFTI_GZ
    assert result_encoding(pb.VOLUME_ENCODING_RAW) == pb.VOLUME_ENCODING_RAW
    with pytest.raises(InvalidParameterError):
        result_encoding(42)
