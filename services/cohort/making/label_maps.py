"""Label maps that callers uploaded: stored once, named by their content, read again for specs that refer to them."""

from hashlib import sha256
from typing import Final

import numpy as np

from gliosynth.errors import InvalidParameterError, UnknownResourceError
from gliosynth.nifti import read_nifti, write_nifti
from gliosynth.raw import VolumeLimits
from gliosynth.volume import Volume
from services.runtime.storage import Store

ID_DIGITS: Final = 40
"""Hexadecimal digits of the SHA-256 that name a label map: 160 bits."""

ID_PREFIX: Final = "map-"
"""What the ids begin with, so that no donor's name is a bare number."""


class LabelMaps:
    """The uploaded label maps of one store."""

    def __init__(self, store: Store, *, limits: VolumeLimits) -> None:
        """Keeps the store.

        Args:
            store: Where they lie.
            limits: What reading one may cost.
        """
        self._store = store
        self._limits = limits

    def add(self, volume: "Volume[np.uint16]") -> str:
        """Stores a label map and returns its id, which follows from its voxels and affine.

        Args:
            volume: Labels ``(X, Y, Z)``.

        Raises:
            StorageError: The store is full, refuses or cannot be reached.
        """
        content = sha256(repr(volume.shape).encode())
        content.update(volume.affine.astype("<f8").tobytes())
        content.update(volume.data.astype("<u2").tobytes())
        label_map_id = ID_PREFIX + content.hexdigest()[:ID_DIGITS]
        self._store.put(_key(label_map_id), write_nifti(volume))
        return label_map_id

    def read(self, label_map_id: str) -> "Volume[np.generic]":
        """Returns a label map.

        Args:
            label_map_id: As `add` returned it.

        Raises:
            InvalidParameterError: There is no such label map.
            StorageError: The store cannot be read.
        """
        try:
            data = self._store.get(_key(label_map_id))
        except UnknownResourceError as error:
            raise InvalidParameterError(
                f"anatomies.own: there is no label map {label_map_id!r}; upload it, then use the id that was returned",
                field="anatomies.own",
                got=label_map_id,
                reason="UNKNOWN_ANATOMY",
            ) from error
        return read_nifti(data, name=label_map_id, limits=self._limits)


def _key(label_map_id: str) -> str:
    return f"label-maps/{label_map_id}.nii.gz"
