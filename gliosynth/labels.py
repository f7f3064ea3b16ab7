"""The vocabulary of glioma segmentation: contrasts, labels and regions (BraTS 2023 naming).

Labels are what a voxel *is* (mutually exclusive integers); regions are nested *sets* of labels that metrics and
networks speak about: ET in TC in WT.
"""

from enum import IntEnum, StrEnum
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidLabelError

LabelMap = NDArray[np.uint8]
"""Tumour label map, ``(X, Y, Z)`` uint8, values of `Label`."""

Mask = NDArray[np.bool_]
"""Boolean mask, ``(X, Y, Z)``."""


class Contrast(StrEnum):
    """The four MR contrasts of a case, in the channel order used everywhere."""

    T1N = "t1n"
    """T1-weighted without contrast agent."""
    T1C = "t1c"
    """T1-weighted with gadolinium; the reference grid of a case."""
    T2W = "t2w"
    """T2-weighted."""
    T2F = "t2f"
    """T2-weighted with fluid attenuation (FLAIR)."""


CONTRASTS: Final = (Contrast.T1N, Contrast.T1C, Contrast.T2W, Contrast.T2F)
"""Channel order of every ``(4, X, Y, Z)`` array of contrasts."""

REFERENCE_CONTRAST: Final = Contrast.T1C
"""The contrast whose native grid a result is returned on."""


class Label(IntEnum):
    """Values of a tumour label map (BraTS 2023)."""

    BACKGROUND = 0
    """Everything that is not tumour."""
    NCR = 1
    """Necrotic and non-enhancing tumour core."""
    ED = 2
    """Peritumoral oedema and infiltration."""
    ET = 3
    """Enhancing tumour."""


LEGACY_ET: Final = 4
"""Value of enhancing tumour in BraTS 2012 to 2021 files: read, never written."""


class Region(StrEnum):
    """Nested tumour regions on which results are reported."""

    WT = "WT"
    """Whole tumour: NCR, ED and ET."""
    TC = "TC"
    """Tumour core: NCR and ET."""
    ET = "ET"
    """Enhancing tumour."""


REGIONS: Final = (Region.WT, Region.TC, Region.ET)
"""Channel order of every ``(3, X, Y, Z)`` array of region masks or probabilities."""

REGION_LABELS: Final = {
    Region.WT: (Label.NCR, Label.ED, Label.ET),
    Region.TC: (Label.NCR, Label.ET),
    Region.ET: (Label.ET,),
}
"""The labels that make up each region."""


def region_mask(labels: LabelMap, region: Region) -> Mask:
    """Returns the voxels of one region.

    Args:
        labels: Label map ``(X, Y, Z)`` uint8 with values of `Label`.
        region: Region to select.

    Returns:
        Boolean mask ``(X, Y, Z)``.
    """
    # Comparing per label is several times faster than one fancy look-up of all voxels.
    return reduce(np.bitwise_or, [labels == label for label in REGION_LABELS[region]])


def labels_from_regions(whole_tumour: Mask, tumour_core: Mask, enhancing: Mask) -> LabelMap:
    """Returns the label map of three region masks, with the hierarchy ET in TC in WT enforced.

    Args:
        whole_tumour: WT mask ``(X, Y, Z)``.
        tumour_core: TC mask ``(X, Y, Z)``; voxels outside WT are ignored.
        enhancing: ET mask ``(X, Y, Z)``; voxels outside TC are ignored.

    Returns:
        Label map ``(X, Y, Z)`` uint8: ED = WT without TC, NCR = TC without ET.
    """
    labels = np.where(whole_tumour, np.uint8(Label.ED), np.uint8(Label.BACKGROUND))
    core = whole_tumour & tumour_core
    labels[core] = Label.NCR
    labels[core & enhancing] = Label.ET
    return labels


def canonical_labels(values: NDArray[np.generic], *, source: str) -> LabelMap:
    """Returns a BraTS 2023 label map from the values found in a file of any BraTS year.

    Args:
        values: Integers ``(X, Y, Z)`` of any dtype; 4 is read as ET.
        source: Name of the file or field, for the message.

    Returns:
        Label map ``(X, Y, Z)`` uint8 with values 0 to 3.

    Raises:
        InvalidLabelError: A value is not one of 0, 1, 2, 3, 4, or both 3 and 4 occur.
    """
    found = np.unique(values)
    unknown = [float(value) for value in found if value not in (0, 1, 2, 3, LEGACY_ET)]
    if unknown:
        raise InvalidLabelError(
            f"{source}: label values {unknown[:5]} are not tumour labels; use 0, 1 (NCR), 2 (ED) and 3 or 4 (ET)",
            field=source,
            got=str(unknown[:5]),
        )
    if 3 in found and LEGACY_ET in found:
        raise InvalidLabelError(
            f"{source}: both 3 and 4 occur, but either of them means ET; keep one of the two",
            field=source,
            got="3 and 4",
        )
    labels = values.astype(np.uint8)
    labels[labels == LEGACY_ET] = Label.ET
    return labels
