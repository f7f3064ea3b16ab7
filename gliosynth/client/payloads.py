"""What the client sends: the bytes of each volume of a case, and how they are laid out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from gliosynth.case_files import CaseFiles
from gliosynth.errors import InvalidVolumeError
from gliosynth.labels import Contrast
from gliosynth.nifti import write_nifti
from gliosynth.v1 import volume_pb2
from gliosynth.volume import Volume

GZIP_MAGIC: Final = b"\x1f\x8b"
"""First two bytes of every gzip member (RFC 1952, section 2.3.1)."""


class Encoding(Enum):
    """How the bytes of a volume file are laid out; values of `gliosynth.v1.VolumeEncoding`."""

    NIFTI = volume_pb2.VOLUME_ENCODING_NIFTI
    """A single NIfTI file."""
    NIFTI_GZ = volume_pb2.VOLUME_ENCODING_NIFTI_GZ
    """The same, gzip-compressed."""


@dataclass(frozen=True)
class VolumeFile:
    """One volume as it crosses the wire.

    Attributes:
        data: The bytes of the NIfTI file, untouched.
        encoding: Whether they are compressed.
        path: Where they came from, for messages on this side; never sent.
    """

    data: bytes
    encoding: Encoding
    path: Path | None = None

    @classmethod
    def from_path(cls, path: Path) -> "VolumeFile":
        """Returns the volume of a file; what the bytes are is judged by them, not by the name.

        Args:
            path: A ``.nii`` or ``.nii.gz`` file.

        Raises:
            InvalidVolumeError: The file cannot be read or is empty.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InvalidVolumeError(
                f"{path}: the file cannot be read ({error.strerror}); check the path and its permissions",
                field=path.name,
                reason="FILE_UNREADABLE",
            ) from error
        if not data:
            raise InvalidVolumeError(f"{path}: the file is empty; copy it again", field=path.name, reason="FILE_EMPTY")
        return cls(data, Encoding.NIFTI_GZ if data.startswith(GZIP_MAGIC) else Encoding.NIFTI, path)

    @classmethod
    def from_volume(cls, volume: "Volume[np.generic]") -> "VolumeFile":
        """Returns a volume in memory as the bytes of a NIfTI file.

        Args:
            volume: Any 3D volume.
        """
        return cls(write_nifti(volume), Encoding.NIFTI_GZ)


@dataclass(frozen=True)
class CasePayload:
    """The volumes of one case, ready to be sent.

    Attributes:
        contrasts: One volume for each contrast; which are needed is the server's rule.
        brain_mask: The caller's brain mask on the grid of the t1c; replaces skull stripping.
    """

    contrasts: Mapping[Contrast, VolumeFile]
    brain_mask: VolumeFile | None = None

    @classmethod
    def from_files(cls, files: CaseFiles, *, brain_mask: Path | None = None) -> "CasePayload":
        """Returns the contents of a case folder.

        Args:
            files: Where the contrasts lie.
            brain_mask: The caller's brain mask, or None.

        Raises:
            InvalidVolumeError: A file cannot be read.
        """
        contrasts = {contrast: VolumeFile.from_path(path) for contrast, path in files.contrasts.items()}
        mask = VolumeFile.from_path(brain_mask) if brain_mask is not None else None
        return cls(MappingProxyType(contrasts), mask)
