"""Raw voxels for the wire: little-endian, X fastest, optionally one zstd frame.

The order is that of NIfTI (`order="F"` of an ``(X, Y, Z)`` array): the body of a NIfTI file and a raw body are the same
bytes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from gliosynth.errors import BudgetExceededError, InvalidVolumeError
from gliosynth.volume import Affine, Volume

Buffer = bytes | bytearray | memoryview
"""Anything that holds bytes and need not be copied."""

RAW_DTYPES: Final = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""Scalar types that may cross the wire."""

ZSTD_LEVEL: Final = 1
"""Level of zstd: the wire is faster than the higher levels."""

BYTES_MAX: Final = 1 << 30
"""Default budget of one decoded volume in bytes (1 GiB)."""

VOXELS_MAX: Final = 512**3
"""Default budget of one volume in voxels."""


@dataclass(frozen=True)
class VolumeLimits:
    """What one volume may cost.

    Attributes:
        max_bytes: Most bytes of a decoded file or body.
        max_voxels: Most voxels.
    """

    max_bytes: int = BYTES_MAX
    max_voxels: int = VOXELS_MAX


DEFAULT_LIMITS: Final = VolumeLimits()
"""Limits for callers that have no settings of their own."""


def check_limits(voxel_count: int, byte_count: int, *, name: str, limits: VolumeLimits) -> None:
    """Refuses a volume before memory is taken for it.

    Args:
        voxel_count: Voxels that the header announces.
        byte_count: Bytes of the decoded file or body.
        name: The volume's name, for the message.
        limits: What one volume may cost.

    Raises:
        BudgetExceededError: More voxels or more bytes than allowed.
    """
    if voxel_count > limits.max_voxels:
        raise BudgetExceededError(
            f"{name}: {voxel_count} voxels are more than the {limits.max_voxels} allowed; crop or resample the volume",
            field=name,
            got=str(voxel_count),
            reason="TOO_MANY_VOXELS",
        )
    if byte_count > limits.max_bytes:
        raise BudgetExceededError(
            f"{name}: {byte_count} bytes are more than the {limits.max_bytes} allowed; crop, resample or use int16",
            field=name,
            got=str(byte_count),
            reason="TOO_MANY_BYTES",
        )


def check_image_values(data: NDArray[np.generic], *, name: str) -> None:
    """Refuses an image that holds NaN or infinity, or only one value.

    Args:
        data: Intensities ``(X, Y, Z)`` of a real dtype.
        name: The volume's name, for the message.

    Raises:
        InvalidVolumeError: NOT_FINITE or CONSTANT_IMAGE.
    """
    lowest, highest = _value_range(data, name=name)
    if lowest == highest:
        raise InvalidVolumeError(
            f"{name}: every voxel has the same value {lowest:g}; give an image with contrast",
            field=name,
            got=f"{lowest:g}",
            reason="CONSTANT_IMAGE",
        )


def check_finite(data: NDArray[np.generic], *, name: str) -> None:
    """Refuses NaN and infinity.

    Args:
        data: Values ``(X, Y, Z)`` of a real dtype.
        name: The volume's name, for the message.

    Raises:
        InvalidVolumeError: NOT_FINITE.
    """
    _value_range(data, name=name)


def _value_range(data: NDArray[np.generic], *, name: str) -> tuple[float, float]:
    """Returns smallest and largest value; NaN would win both comparisons, so two passes find every bad value."""
    lowest, highest = float(np.min(data)), float(np.max(data))
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        bad = int(np.count_nonzero(~np.isfinite(data.astype(np.float64, copy=False))))
        raise InvalidVolumeError(
            f"{name}: {bad} voxels are NaN or infinite; replace them before sending",
            field=name,
            got=f"{bad} voxels",
            reason="NOT_FINITE",
        )
    return lowest, highest


def read_raw(
    data: Buffer,
    *,
    dtype: str,
    shape: tuple[int, int, int],
    affine: Affine,
    name: str,
    zstd: bool = False,
    limits: VolumeLimits = DEFAULT_LIMITS,
) -> Volume[np.generic]:
    """Returns the volume of a raw body.

    Args:
        data: Little-endian voxels, X fastest; one zstd frame of them if `zstd`.
        dtype: One of `RAW_DTYPES`.
        shape: Voxels along X, Y and Z, each above zero.
        affine: ``(4, 4)``, voxel index to RAS+ mm.
        name: What the volume is called in messages.
        zstd: Whether the body is compressed.
        limits: What the volume may cost.

    Returns:
        The volume; uncompressed bodies are viewed, not copied.

    Raises:
        InvalidVolumeError: Unknown dtype, impossible shape, wrong length, damaged frame.
        BudgetExceededError: More than the limits allow.
    """
    if dtype not in RAW_DTYPES:
        raise InvalidVolumeError(
            f"{name}: data type {dtype!r} is not supported; send one of {', '.join(RAW_DTYPES)}",
            field=f"{name}.dtype",
            got=dtype[:32],
            reason="UNSUPPORTED_DTYPE",
        )
    if len(shape) != 3 or min(shape) < 1:
        raise InvalidVolumeError(
            f"{name}: the shape {shape} is impossible; send three sizes above zero",
            field=f"{name}.shape",
            got=str(shape),
            reason="NOT_3D",
        )
    voxel_count = int(shape[0]) * int(shape[1]) * int(shape[2])
    byte_count = voxel_count * np.dtype(dtype).itemsize
    check_limits(voxel_count, byte_count, name=name, limits=limits)
    body = _inflate_zstd(data, byte_count, name=name) if zstd else data
    given = memoryview(body).nbytes
    if given != byte_count:
        raise _size_error(name, f"{given} bytes", byte_count)
    voxels = np.frombuffer(body, dtype=np.dtype(dtype).newbyteorder("<"))
    return Volume(voxels.astype(dtype, copy=False).reshape(shape, order="F"), affine, name)


def write_raw(volume: Volume[np.generic], *, zstd: bool = False) -> bytes:
    """Returns the voxels as little-endian bytes, X fastest, in one zstd frame if asked for.

    Args:
        volume: The volume; bool is written as uint8.
        zstd: Whether to compress.
    """
    data = volume.data.view(np.uint8) if volume.data.dtype == np.bool_ else volume.data
    body = data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes(order="F")
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body) if zstd else body


def _inflate_zstd(data: Buffer, byte_count: int, *, name: str) -> bytes:
    """Returns the frame's content, never taking more than `byte_count` bytes for it."""
    try:
        declared = zstandard.frame_content_size(data)
        if declared not in (-1, byte_count):
            raise _size_error(name, f"a frame of {declared} bytes", byte_count)
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=byte_count, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise InvalidVolumeError(
            f"{name}: the zstd frame is damaged, truncated or larger than its header says; send it again",
            field=name,
            got=f"{memoryview(data).nbytes} bytes",
            reason="DAMAGED_BODY",
        ) from error


def _size_error(name: str, got: str, byte_count: int) -> InvalidVolumeError:
    return InvalidVolumeError(
        f"{name}: the body holds {got}, but shape and data type need {byte_count}; correct the header",
        field=name,
        got=got,
        reason="SIZE_MISMATCH",
    )
