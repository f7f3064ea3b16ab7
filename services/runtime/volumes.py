"""Volumes between the wire and the library: decoding within the limits, encoding, geometry."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from gliosynth.client.transfer import ReceivedVolume, volume_parts
from gliosynth.errors import InvalidLabelError, InvalidParameterError, InvalidVolumeError
from gliosynth.labels import Mask, canonical_labels
from gliosynth.nifti import read_label_map, read_mask, read_nifti, write_nifti
from gliosynth.raw import VolumeLimits, check_finite, check_image_values, read_raw, write_raw
from gliosynth.v1 import volume_pb2 as pb
from gliosynth.volume import Affine, Volume

_NIFTI: Final = frozenset((pb.VOLUME_ENCODING_NIFTI, pb.VOLUME_ENCODING_NIFTI_GZ))

_DTYPES: Final = {
    pb.SCALAR_TYPE_UINT8: "uint8",
    pb.SCALAR_TYPE_INT16: "int16",
    pb.SCALAR_TYPE_UINT16: "uint16",
    pb.SCALAR_TYPE_FLOAT32: "float32",
}
"""Name of each voxel type in numpy."""

_SCALAR_TYPES: Final = {name: value for value, name in _DTYPES.items()}


def decode_image(received: ReceivedVolume, limits: VolumeLimits) -> Volume[np.generic]:
    """Returns an image of any real dtype.

    Args:
        received: The volume as it came.
        limits: What it may cost.

    Raises:
        InvalidVolumeError: It cannot be read, holds NaN or infinity, or one value only.
        BudgetExceededError: It is larger than the limits allow.
    """
    if received.header.encoding in _NIFTI:
        return read_nifti(received.data, name=received.header.name, limits=limits)
    volume = _decode_raw(received, limits)
    check_image_values(volume.data, name=volume.name)
    return volume


def decode_labels(received: ReceivedVolume, limits: VolumeLimits) -> Volume[np.uint8]:
    """Returns a tumour label map with values 0 to 3; 4 is read as ET.

    Args:
        received: The volume as it came.
        limits: What it may cost.

    Raises:
        InvalidVolumeError: It cannot be read.
        InvalidLabelError: A value is no tumour label.
        BudgetExceededError: It is larger than the limits allow.
    """
    if received.header.encoding in _NIFTI:
        return read_label_map(received.data, name=received.header.name, limits=limits)
    volume = _decode_raw(received, limits)
    check_finite(volume.data, name=volume.name)
    return Volume[np.uint8](canonical_labels(volume.data, source=volume.name), volume.affine, volume.name)


def decode_mask(received: ReceivedVolume, limits: VolumeLimits) -> Volume[np.bool_]:
    """Returns a mask: non-zero voxels are inside.

    Args:
        received: The volume as it came.
        limits: What it may cost.

    Raises:
        InvalidVolumeError: It cannot be read.
        InvalidLabelError: It is empty, or holds several values besides 0.
        BudgetExceededError: It is larger than the limits allow.
    """
    if received.header.encoding in _NIFTI:
        return read_mask(received.data, name=received.header.name, limits=limits)
    volume = _decode_raw(received, limits)
    check_finite(volume.data, name=volume.name)
    inside: Mask = volume.data != 0
    if not inside.any():
        raise InvalidLabelError(
            f"{volume.name}: the mask selects no voxel; give a mask that covers the brain",
            field=volume.name,
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    return Volume[np.bool_](inside, volume.affine, volume.name)


def encode(
    volume: Volume[np.generic],
    *,
    role: pb.VolumeRole.ValueType,
    encoding: pb.VolumeEncoding.ValueType,
    contrast: pb.Contrast.ValueType = pb.CONTRAST_UNSPECIFIED,
) -> tuple[pb.VolumeHeader, bytes]:
    """Returns header and bytes of a result.

    Args:
        volume: The result; uint8, int16, uint16 or float32.
        role: What it is.
        encoding: How it is laid out, see `result_encoding`.
        contrast: Which contrast it is, where it is one.
    """
    header = pb.VolumeHeader(
        name=volume.name, role=role, contrast=contrast, encoding=encoding, geometry=geometry_of(volume)
    )
    if encoding in _NIFTI:
        return header, write_nifti(volume, compress=encoding == pb.VOLUME_ENCODING_NIFTI_GZ)
    header.scalar_type = _SCALAR_TYPES[str(volume.data.dtype)]
    return header, write_raw(volume, zstd=encoding == pb.VOLUME_ENCODING_RAW_ZSTD)


def result_encoding(asked: pb.VolumeEncoding.ValueType) -> pb.VolumeEncoding.ValueType:
    """Returns the encoding of the results; UNSPECIFIED stands for NIFTI_GZ.

    Args:
        asked: What the options say.

    Raises:
        InvalidParameterError: It is not one of the proto's.
    """
    if asked not in pb.VolumeEncoding.values():
        raise InvalidParameterError(
            f"options.result_encoding: {asked} is no encoding; use one of VolumeEncoding",
            field="options.result_encoding",
            got=str(asked),
        )
    return asked or pb.VOLUME_ENCODING_NIFTI_GZ


def encoded_parts(encoded: list[tuple[pb.VolumeHeader, bytes]]) -> Iterator[pb.VolumePart]:
    """Yields the parts of several results, one after the other.

    Args:
        encoded: Header and bytes of each.
    """
    for header, data in encoded:
        yield from volume_parts(header, data)


def geometry_of(volume: Volume[np.generic]) -> pb.Geometry:
    """Returns the grid of a volume as a message.

    Args:
        volume: Any volume.
    """
    return pb.Geometry(shape=volume.shape, affine=volume.affine.ravel().tolist())


def _decode_raw(received: ReceivedVolume, limits: VolumeLimits) -> Volume[np.generic]:
    header = received.header
    if header.scalar_type not in _DTYPES:
        raise InvalidVolumeError(
            f"{header.name}: a raw volume needs its voxel type; set scalar_type",
            field=f"{header.name}.scalar_type",
            got=str(header.scalar_type),
            reason="SCALAR_TYPE_MISSING",
        )
    return read_raw(
        received.data,
        dtype=_DTYPES[header.scalar_type],
        shape=_shape_of(header),
        affine=_affine_of(header),
        name=header.name,
        zstd=header.encoding == pb.VOLUME_ENCODING_RAW_ZSTD,
        limits=limits,
    )


def _shape_of(header: pb.VolumeHeader) -> tuple[int, int, int]:
    if len(header.geometry.shape) != 3:
        raise _geometry_error(header, "shape", f"{len(header.geometry.shape)} sizes, it needs three")
    x, y, z = header.geometry.shape
    return x, y, z


def _affine_of(header: pb.VolumeHeader) -> Affine:
    if len(header.geometry.affine) != 16:
        raise _geometry_error(header, "affine", f"{len(header.geometry.affine)} values, it needs 16")
    return np.array(header.geometry.affine, dtype=np.float64).reshape(4, 4)


def _geometry_error(header: pb.VolumeHeader, part: str, found: str) -> InvalidVolumeError:
    return InvalidVolumeError(
        f"{header.name}: geometry.{part} of a raw volume has {found}",
        field=f"{header.name}.geometry.{part}",
        got=found,
        reason="GEOMETRY_MISSING",
    )
