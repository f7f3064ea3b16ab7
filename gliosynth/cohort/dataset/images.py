"""A simulated case as NIfTI files: the same voxels give the same bytes on every machine."""

from typing import Final

import deflate
import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.spec.sections import ImageFormat
from gliosynth.nifti import write_nifti
from gliosynth.volume import Affine, Volume

WHITE_MATTER: Final = 1000.0
"""Signal of white matter in an int16 image."""

LARGEST_INT16: Final = 32767.0
"""Largest value of an int16 image."""

LEVEL: Final = 4
"""libdeflate's level. Unlike isal, libdeflate writes the same bytes on every processor."""

GRID_CENTRE_MM: Final = (0.0, -18.0, 8.0)
"""World coordinates of the grid's centre: the brain's, as in a scanner whose isocentre is the anterior commissure."""


def grid_affine(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Affine:
    """Returns the affine ``(4, 4)`` of every image: axes to the right, anterior and superior, `GRID_CENTRE_MM`."""
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = np.array(GRID_CENTRE_MM) - np.array(spacing_mm) * (np.array(shape) - 1) / 2.0
    return affine


def stored_image(image: NDArray[np.float32], image_format: ImageFormat) -> NDArray[np.generic]:
    """Returns an image as it is stored.

    Args:
        image: ``(X, Y, Z)`` float32, white matter about 1, at least 0.
        image_format: int16 multiplies by `WHITE_MATTER` and rounds; float32 keeps the values.
    """
    if image_format is ImageFormat.FLOAT32:
        return image.astype(np.float32, copy=False)
    scaled = np.rint(image * np.float32(WHITE_MATTER))
    stored: NDArray[np.int16] = np.clip(scaled, 0.0, LARGEST_INT16).astype(np.int16)
    return stored


def nifti_bytes(data: NDArray[np.generic], affine: Affine) -> bytes:
    """Returns a ``.nii.gz`` file without time stamp.

    Args:
        data: ``(X, Y, Z)`` of any real dtype or bool.
        affine: ``(4, 4)``, voxel index to RAS+ mm.
    """
    return bytes(deflate.gzip_compress(write_nifti(Volume(data, affine), compress=False), LEVEL))
