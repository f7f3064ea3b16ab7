"""The facts of a NIfTI header, each checked before any memory is taken for voxels.

nibabel parses both versions and byte orders; this module decides what is believed.
"""

# mypy: allow-untyped-calls
# (nibabel's header methods carry no types.)

import io
from dataclasses import dataclass
from typing import Final

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from gliosynth.errors import InvalidVolumeError
from gliosynth.volume import Affine, check_affine

HEADER_BYTES: Final = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
"""Header class by the length in bytes that the first four bytes of a file state."""

SINGLE_FILE_MAGIC: Final = (b"n+1", b"n+2")
"""Magic of header and voxels in one file; ``ni1``/``ni2`` keep the voxels elsewhere."""

REAL_DTYPES: Final = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
"""Kinds and sizes of voxels that are read."""


@dataclass(frozen=True)
class NiftiFacts:
    """What a checked header says: where the voxels are, what they are, and where they lie in the patient.

    Attributes:
        offset: First byte of the voxels.
        shape: Voxels along X, Y and Z.
        dtype: Stored dtype with its byte order.
        slope: Stored value to intensity, 1 where the header does not scale.
        intercept: Added after the slope.
        affine: Voxel index to RAS+ mm: sform, then qform, then the voxel sizes, as nibabel chooses.
    """

    offset: int
    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    slope: float
    intercept: float
    affine: Affine

    @property
    def byte_count(self) -> int:
        """Length of the whole uncompressed file in bytes."""
        return self.offset + self.shape[0] * self.shape[1] * self.shape[2] * self.dtype.itemsize


def read_header(head: bytes, *, name: str) -> NiftiFacts:
    """Returns the facts of a header of either version and byte order, each checked.

    Args:
        head: The first bytes of the uncompressed file, at least 348.
        name: The volume's name, for the message.

    Raises:
        InvalidVolumeError: NOT_NIFTI, NOT_3D, UNSUPPORTED_DTYPE, SIZE_MISMATCH, BAD_SCALING or AFFINE_*.
    """
    header = _parse_header(head, name=name)
    shape = _shape_of(header, name=name)
    dtype = _dtype_of(header, name=name)
    try:
        slope, intercept = header.get_slope_inter()
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except (HeaderDataError, ValueError) as error:
        raise InvalidVolumeError(
            f"{name}: the header's scaling or orientation cannot be used ({error}); write the header again",
            field=f"{name}.header",
            got=str(error)[:80],
            reason="BAD_SCALING" if "slope" in str(error) or "inter" in str(error) else "AFFINE_NOT_FINITE",
        ) from error
    check_affine(affine, name=name)
    return NiftiFacts(
        offset=_offset_of(header, name=name),
        shape=shape,
        dtype=dtype,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        affine=affine,
    )


def _parse_header(head: bytes, *, name: str) -> nib.Nifti1Header:
    """Returns nibabel's header object, or refuses what is no single-file NIfTI."""
    sizes = {int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")}
    length = next((size for size in HEADER_BYTES if size in sizes), 0)
    header: nib.Nifti1Header | None = None
    if length and len(head) >= length:
        header = HEADER_BYTES[length].from_fileobj(io.BytesIO(head[:length]), check=False)
    if header is None or bytes(header["magic"])[:3] not in SINGLE_FILE_MAGIC:
        raise InvalidVolumeError(
            f"{name}: this is not a single-file NIfTI (.nii or .nii.gz); convert the image and send it again",
            field=name,
            got=f"{len(head)} bytes starting with {head[:8].hex()}" if head else "no bytes",
            reason="NOT_NIFTI",
        )
    return header


def _shape_of(header: nib.Nifti1Header, *, name: str) -> tuple[int, int, int]:
    """Returns X, Y and Z; further dimensions must be 1."""
    dim = [int(value) for value in header["dim"]]
    sizes = dim[1 : 1 + dim[0]] if 1 <= dim[0] <= 7 else []
    if len(sizes) < 3 or min(sizes) < 1 or any(size != 1 for size in sizes[3:]):
        raise InvalidVolumeError(
            f"{name}: the image has the dimensions {tuple(sizes)}, give one 3D volume per contrast",
            field=name,
            got=str(tuple(sizes)),
            reason="NOT_3D",
        )
    return sizes[0], sizes[1], sizes[2]


def _dtype_of(header: nib.Nifti1Header, *, name: str) -> np.dtype[np.generic]:
    """Returns the stored dtype with its byte order."""
    code = int(header["datatype"])
    try:
        dtype: np.dtype[np.generic] | None = header.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = None
    if dtype is None or dtype.str[1:] not in REAL_DTYPES or int(header["bitpix"]) != dtype.itemsize * 8:
        raise InvalidVolumeError(
            f"{name}: voxels of NIfTI data type {code} ({dtype}, {int(header['bitpix'])} bits) are not supported;"
            " save the image as int16 or float32",
            field=f"{name}.datatype",
            got=str(code),
            reason="UNSUPPORTED_DTYPE",
        )
    return dtype


def _offset_of(header: nib.Nifti1Header, *, name: str) -> int:
    """Returns where the voxels start, which must be behind the header."""
    stated = float(header["vox_offset"])
    smallest = int(header["sizeof_hdr"]) + 4
    if not (np.isfinite(stated) and stated >= smallest and stated == int(stated)):
        raise InvalidVolumeError(
            f"{name}: the header says that voxels start at byte {stated:g}, they cannot start before {smallest};"
            " write the file again",
            field=f"{name}.vox_offset",
            got=f"{stated:g}",
            reason="SIZE_MISMATCH",
        )
    return int(stated)
