"""Connected components of masks in the 26-neighbourhood, by cc3d."""

from typing import Final

import cc3d
import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import Mask

CONNECTIVITY: Final = 26
"""Neighbours of a voxel: those that share a face, an edge or a corner with it."""

Components = NDArray[np.unsignedinteger]
"""``(X, Y, Z)``: 0 outside the mask, else the number of the voxel's component from 1."""


def connected_components(mask: Mask) -> Components:
    """Returns the number of each voxel's component.

    The mask is given to cc3d with a border of empty voxels: cc3d 4.1 counts one component too few to find room for in
    some masks that are a single voxel wide along two axes, and fails.

    Args:
        mask: ``(X, Y, Z)`` bool.
    """
    components: Components = cc3d.connected_components(np.pad(mask, 1), connectivity=CONNECTIVITY)
    return components[1:-1, 1:-1, 1:-1]
