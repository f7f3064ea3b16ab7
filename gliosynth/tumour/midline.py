"""The midline of a head: the plane between the hemispheres, bent to where the fissure lies in each head."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue
from gliosynth.elementary import exp
from gliosynth.separable import smooth

REACH: Final = 9
"""Voxels on either side of the plane in which the fissure is looked for."""

FISSURE_SIGMA: Final = 4.0
"""Standard deviation of the weight of fissure voxels around the plane, voxels."""

BEND_SIGMA_MM: Final = 7.0
"""Smoothing of the bend over the midline, mm."""

PRIOR: Final = 0.5
"""Weight of the plane itself, in fissure voxels a column: where no fissure is seen the midline is straight."""

FISSURE: Final = (Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE, Tissue.OUTER_CSF, Tissue.VEIN)
"""Tissues of the fissure between the hemispheres."""


@lru_cache(maxsize=32)
def midline_bend(anatomy: Anatomy) -> NDArray[np.float32]:
    """Returns how far the midline lies to the right of the anatomy's plane, ``(Y, Z)`` float32 voxels.

    The fissure's voxels near the plane are averaged in each column and smoothed over its neighbours.
    """
    _, size_y, size_z = anatomy.tissues.shape
    y, z = np.meshgrid(np.arange(size_y), np.arange(size_z), indexing="ij")
    plane = anatomy.midline[0] + anatomy.midline[1] * y + anatomy.midline[2] * z
    weight = np.full((size_y, size_z), PRIOR, dtype=np.float32)
    moment = np.zeros((size_y, size_z), dtype=np.float32)
    for step in range(-REACH, REACH + 1):
        x = np.clip(np.rint(plane + step).astype(np.int64), 0, anatomy.tissues.shape[0] - 1)
        share = float(exp(-0.5 * (step / FISSURE_SIGMA) * (step / FISSURE_SIGMA)))
        found = share * (np.isin(anatomy.tissues[x, y, z], FISSURE) & anatomy.brain[x, y, z])
        weight += found
        moment += found * (x - plane)
    spacing = (1.0, 1.0, 1.0)
    bend = (
        smooth(moment[..., None], BEND_SIGMA_MM, spacing)[..., 0]
        / smooth(weight[..., None], BEND_SIGMA_MM, spacing)[..., 0]
    )
    result: NDArray[np.float32] = np.asarray(bend, dtype=np.float32)
    result.setflags(write=False)
    return result


def side_of(anatomy: Anatomy, sources: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how far anatomy voxels ``(N, 3)`` lie to the right of the midline, ``(N,)`` voxels of 1 mm."""
    bend = midline_bend(anatomy)
    y, z = (np.clip(np.rint(sources[:, axis]).astype(np.int64), 0, bend.shape[axis - 1] - 1) for axis in (1, 2))
    constant, per_y, per_z = (float(value) for value in anatomy.midline)
    side: NDArray[np.float64] = sources[:, 0] - (constant + per_y * sources[:, 1] + per_z * sources[:, 2]) - bend[y, z]
    return side
