"""Files of a case as arrays: images of one or several contrasts, label maps with any table of values."""

# mypy: allow-untyped-calls
# (nibabel's images carry no types.)

import zlib
from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray

from gliosynth.errors import InvalidLabelError, InvalidVolumeError
from gliosynth.labels import Contrast, Label, canonical_labels
from gliosynth.nifti import read_nifti
from gliosynth.preprocessing.case import AnyVolume
from gliosynth.raw import check_image_values
from gliosynth.volume import Affine, Volume
from training.data.sources.found import FoundCase


def read_images(case: FoundCase) -> dict[Contrast, AnyVolume]:
    """Returns the images of a case by contrast, on their own grids; a file of several contrasts is read once.

    Raises:
        InvalidVolumeError: A file cannot be read, is constant, or lacks a channel.
        BudgetExceededError: A file announces more than a volume may hold.
    """
    stacks = {image.path: _read_array(image.path) for image in case.images if image.channel is not None}
    images: dict[Contrast, AnyVolume] = {}
    for image in case.images:
        if image.channel is None:
            images[image.contrast] = read_nifti(image.path.read_bytes(), name=image.path.name)
        else:
            data, affine = stacks[image.path]
            images[image.contrast] = _channel(data, affine, image.channel, name=image.path.name)
    return images


def read_labels(path: Path, values: Mapping[int, Label] | None) -> Volume[np.uint8]:
    """Returns a tumour label map with labels 0 to 3.

    Args:
        path: NIfTI file.
        values: Label of every value that may occur; None: those of BraTS of any year.

    Raises:
        InvalidVolumeError: The file cannot be read.
        InvalidLabelError: A value is no label.
    """
    data, affine = _read_array(path)
    if values is None:
        return Volume(canonical_labels(data, source=path.name), affine, path.name)
    found = np.unique(data)
    unknown = [float(value) for value in found if value not in values]
    if unknown:
        known = ", ".join(f"{value} ({label.name})" for value, label in sorted(values.items()))
        raise InvalidLabelError(
            f"{path.name}: label values {unknown[:5]} are not in the table of the data set; it has {known}",
            field=path.name,
            got=str(unknown[:5]),
        )
    labels = np.zeros(data.shape, dtype=np.uint8)
    for value in found:
        labels[data == value] = values[int(value)]
    return Volume(labels, affine, path.name)


def _read_array(path: Path) -> tuple[NDArray[np.generic], Affine]:
    """Returns the scaled voxels and the affine of a NIfTI file of any number of dimensions."""
    try:
        image = nibabel.load(path)
        if not isinstance(image, SpatialImage):
            raise ImageFileError("it holds no voxels")
        return np.asanyarray(image.dataobj), np.asarray(image.affine, dtype=np.float64)
    except (ImageFileError, EOFError, zlib.error, ValueError, OSError) as error:
        raise InvalidVolumeError(
            f"{path.name}: the file cannot be read as NIfTI ({type(error).__name__}: {error}); copy it again",
            field=path.name,
            reason="NOT_NIFTI",
        ) from error


def _channel(data: NDArray[np.generic], affine: Affine, channel: int, *, name: str) -> AnyVolume:
    """Returns one channel of a file of several contrasts."""
    if data.ndim != 4 or channel >= data.shape[3]:
        raise InvalidVolumeError(
            f"{name}: channel {channel} was announced, the file has the shape {data.shape}; correct dataset.json",
            field=name,
            got=str(data.shape),
            reason="NOT_4D",
        )
    check_image_values(data[..., channel], name=f"{name}[{channel}]")
    return Volume(data[..., channel], affine, f"{name}[{channel}]")
