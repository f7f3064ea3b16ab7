"""NIfTI-1 and NIfTI-2 from bytes and to bytes: no temporary files, and no memory taken on a header's word alone.

The header is read from the first inflated bytes and checked against the limits; only then is the body inflated, into
exactly as many bytes as the header demands. Extensions (which may hold patient text) are skipped, never kept.
"""

# mypy: allow-untyped-calls
# (nibabel's header methods carry no types.)

from typing import Final

import deflate
import nibabel as nib
import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray

from gliosynth.errors import InvalidLabelError, InvalidVolumeError
from gliosynth.labels import canonical_labels
from gliosynth.nifti_header import NiftiFacts, read_header
from gliosynth.raw import DEFAULT_LIMITS, Buffer, VolumeLimits, check_finite, check_image_values, check_limits
from gliosynth.volume import Volume

GZIP_MAGIC: Final = b"\x1f\x8b"
"""First two bytes of a gzip member."""

GZIP_WBITS: Final = 31
"""zlib's window setting for a gzip container."""

WRITE_LEVEL: Final = 1
"""isal's level: no larger a file than nibabel's default, 6 times faster (PERFORMANCE.md 5)."""

PIECE_BYTES: Final = 1 << 16
"""Compressed bytes that are fed to the inflater at a time."""

HEADER_GUESS: Final = 544
"""Bytes inflated to read the header: NIfTI-2's 540 and the extension flag."""


def read_nifti(data: Buffer, *, name: str, limits: VolumeLimits = DEFAULT_LIMITS) -> Volume[np.generic]:
    """Returns the image in a ``.nii`` or ``.nii.gz`` file given as bytes.

    Args:
        data: The file. Both byte orders, NIfTI-1 and NIfTI-2, gzip of one or several members.
        name: What the volume is called in messages (a field, or a file name without patient text).
        limits: What the volume may cost.

    Returns:
        The volume with its best affine (sform, then qform, then the voxel sizes, as nibabel chooses). The voxels keep
        their dtype where the header scales them trivially, else they are float32; a trailing dimension of 1 is dropped.

    Raises:
        InvalidVolumeError: NOT_NIFTI, TRUNCATED, DAMAGED_BODY, SIZE_MISMATCH, NOT_3D, UNSUPPORTED_DTYPE, BAD_SCALING,
            AFFINE_*, NOT_FINITE or CONSTANT_IMAGE.
        BudgetExceededError: The header announces more than the limits allow.
    """
    volume = _read(data, name=name, limits=limits)
    check_image_values(volume.data, name=name)
    return volume


def read_label_map(data: Buffer, *, name: str, limits: VolumeLimits = DEFAULT_LIMITS) -> Volume[np.uint8]:
    """Returns the tumour label map in a NIfTI file; an empty one is valid.

    Args:
        data: The file, see `read_nifti`; values 0 to 4, 4 is read as ET.
        name: What the volume is called in messages.
        limits: What the volume may cost.

    Returns:
        Labels 0 to 3, uint8.

    Raises:
        InvalidVolumeError: The file cannot be read, see `read_nifti`.
        InvalidLabelError: A value is no tumour label.
    """
    volume = _read(data, name=name, limits=limits)
    check_finite(volume.data, name=name)
    return Volume(canonical_labels(volume.data, source=name), volume.affine, name)


def read_mask(data: Buffer, *, name: str, limits: VolumeLimits = DEFAULT_LIMITS) -> Volume[np.bool_]:
    """Returns the mask in a NIfTI file.

    Args:
        data: The file, see `read_nifti`; zero is outside, one other value is inside.
        name: What the volume is called in messages.
        limits: What the volume may cost.

    Raises:
        InvalidVolumeError: The file cannot be read, see `read_nifti`.
        InvalidLabelError: The mask is empty, or holds more than one value besides 0.
    """
    volume = _read(data, name=name, limits=limits)
    check_finite(volume.data, name=name)
    inside = volume.data != 0
    if not inside.any():
        raise InvalidLabelError(
            f"{name}: the mask selects no voxel; give a mask that covers the brain",
            field=name,
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    values = volume.data[inside]
    if values.min() != values.max():
        raise InvalidLabelError(
            f"{name}: a mask has one value besides 0, this one has {values.min()} to {values.max()}; send 0 and 1",
            field=name,
            got=f"{values.min()} to {values.max()}",
            reason="NOT_A_MASK",
        )
    return Volume(inside, volume.affine, name)


def write_nifti(volume: Volume[np.generic], *, compress: bool = True) -> bytes:
    """Returns the volume as a NIfTI-1 file with sform and qform in scanner space.

    Args:
        volume: Voxels of any real dtype; bool is written as uint8.
        compress: Whether to gzip (isal level 1, no time stamp: same volume, same bytes).
    """
    data = volume.data.view(np.uint8) if volume.data.dtype == np.bool_ else volume.data
    header = nib.Nifti1Header(endianness="<")
    header.set_data_dtype(data.dtype.newbyteorder("<"))
    header.set_data_shape(data.shape)
    header.set_xyzt_units("mm")
    header.set_qform(volume.affine, code="scanner", strip_shears=True)
    header.set_sform(volume.affine, code="scanner")
    header["vox_offset"] = 352
    head = header.binaryblock + b"\0\0\0\0"
    voxels = data.astype(data.dtype.newbyteorder("<"), copy=False).reshape(-1, order="F").view(np.uint8)
    if not compress:
        return b"".join((head, voxels.data))
    deflater = isal_zlib.compressobj(level=WRITE_LEVEL, wbits=GZIP_WBITS)
    return b"".join((deflater.compress(head), deflater.compress(voxels.data), deflater.flush()))


def _read(data: Buffer, *, name: str, limits: VolumeLimits) -> Volume[np.generic]:
    """Returns the decoded volume, its values not yet judged."""
    view = memoryview(data).cast("B")
    gzipped = bytes(view[:2]) == GZIP_MAGIC
    head = _inflate_members(view, HEADER_GUESS, name=name) if gzipped else bytes(view[:HEADER_GUESS])
    facts = read_header(head, name=name)
    voxel_count = facts.shape[0] * facts.shape[1] * facts.shape[2]
    check_limits(voxel_count, facts.byte_count, name=name, limits=limits)
    body = _inflate(view, facts.byte_count, name=name) if gzipped else view
    _check_length(memoryview(body).nbytes, facts.byte_count, name=name)
    stored = np.frombuffer(body, dtype=facts.dtype, count=voxel_count, offset=facts.offset)
    return Volume(_scaled(stored, facts).reshape(facts.shape, order="F"), facts.affine, name)


def _scaled(stored: NDArray[np.generic], facts: NiftiFacts) -> NDArray[np.generic]:
    """Returns native-endian voxels with the header's slope and intercept applied where they change anything."""
    voxels = stored.astype(facts.dtype.newbyteorder("="), copy=False)
    if (facts.slope, facts.intercept) == (1.0, 0.0):
        return voxels
    return (voxels.astype(np.float64) * facts.slope + facts.intercept).astype(np.float32)


def _inflate(view: memoryview, byte_count: int, *, name: str) -> bytes | bytearray:
    """Returns the inflated file: by libdeflate where the trailer agrees with the header, else member by member.

    libdeflate silently stops after the first member of several, so its answer counts only at full length.
    """
    if int.from_bytes(view[-4:], "little") == byte_count % (1 << 32):
        try:
            body: bytes = bytes(deflate.gzip_decompress(view, byte_count))
        except (deflate.DeflateError, ValueError, MemoryError):
            body = b""
        if len(body) == byte_count:
            return body
    return _inflate_members(view, byte_count + 1, name=name)


def _inflate_members(view: memoryview, most_bytes: int, *, name: str) -> bytes:
    """Returns at most `most_bytes` of the gzip members of `view`, fewer where they end earlier.

    The input is fed in pieces: what is left over behind a member is copied, and a file of a million tiny members must
    not cost a million copies of itself.
    """
    parts: list[bytes] = []
    missing, position = most_bytes, 0
    member = isal_zlib.decompressobj(wbits=GZIP_WBITS)
    while missing > 0 and position < view.nbytes:
        piece = view[position : position + PIECE_BYTES]
        try:
            part = member.decompress(piece, missing)
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub calls the class an instance
            raise InvalidVolumeError(
                f"{name}: the gzip data is damaged; send the file again",
                field=name,
                got=f"{view.nbytes} bytes",
                reason="DAMAGED_BODY",
            ) from error
        parts.append(part)
        missing -= len(part)
        position += piece.nbytes - len(member.unused_data) - len(member.unconsumed_tail)
        if member.eof:
            if bytes(view[position : position + 2]) != GZIP_MAGIC:
                break
            member = isal_zlib.decompressobj(wbits=GZIP_WBITS)
    return b"".join(parts)


def _check_length(given: int, byte_count: int, *, name: str) -> None:
    """Refuses a body that is shorter or longer than its header says."""
    if given == byte_count:
        return
    short = given < byte_count
    raise InvalidVolumeError(
        f"{name}: the header announces {byte_count} bytes, the file holds {given if short else 'more'};"
        f" {'it is truncated, send it whole' if short else 'its header is wrong, write the file again'}",
        field=name,
        got=f"{given} bytes" if short else f"more than {byte_count} bytes",
        reason="TRUNCATED" if short else "SIZE_MISMATCH",
    )
