"""The place that a tumour left, filled again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gliosynth.geometry import Box, apply_affine, crop
from gliosynth.labels import Mask
from gliosynth.tumour_map.report import Healing
from gliosynth.tumour_map.signed_distance import cut_to_grid, padded_box, voxel_ml_of
from gliosynth.tumour_map.surroundings import LabelVoxels, Surroundings

NEAR_MM = 30.0
"""Rim around the hole in which the nearest tissue is looked for first, mm."""


@dataclass(frozen=True, eq=False)
class HealedTissues:
    """A label map without its hole.

    Attributes:
        tissues: ``(X, Y, Z)``, the dtype of the label map.
        healing: How much was filled with what.
    """

    tissues: LabelVoxels
    healing: Healing


def heal_tissues(tissues: LabelVoxels, around: Surroundings, *, vacated: Mask, tumour: Mask) -> HealedTissues:
    """Returns a label map whose vacated voxels hold tissue: that of the mirrored side, else the nearest.

    Args:
        tissues: ``(X, Y, Z)``.
        around: The head of the label map, which knows where its brain is.
        vacated: ``(X, Y, Z)`` bool: voxels that the tumour left.
        tumour: ``(X, Y, Z)`` bool: voxels that are or were tumour, whose tissue cannot be trusted.
    """
    healed = tissues.copy()
    sound = around.brain & ~tumour
    hole = np.argwhere(vacated)
    voxel_ml = voxel_ml_of(around.grid)
    if not len(hole) or not sound.any():
        return HealedTissues(healed, Healing(0.0, 0.0))
    opposite = _mirrored(hole, around)
    inside = ((opposite >= 0) & (opposite < np.asarray(sound.shape))).all(axis=1)
    usable: NDArray[np.bool_] = np.asarray(inside).copy()
    usable[inside] = sound[tuple(opposite[inside].T)]
    healed[tuple(hole[usable].T)] = tissues[tuple(opposite[usable].T)]
    rest = hole[~usable]
    if len(rest):
        healed[tuple(rest.T)] = _nearest(tissues, sound, rest, around)
    return HealedTissues(healed, Healing(int(usable.sum()) * voxel_ml, len(rest) * voxel_ml))


def _mirrored(voxels: NDArray[np.int64], around: Surroundings) -> NDArray[np.int64]:
    """Returns the voxels ``(N, 3)`` on the other side of the midplane."""
    affine = around.grid.affine
    across = np.linalg.inv(affine) @ around.frame.mirror() @ affine
    return np.rint(apply_affine(across, voxels)).astype(np.int64)


def _nearest(tissues: LabelVoxels, sound: Mask, voxels: NDArray[np.int64], around: Surroundings) -> LabelVoxels:
    """Returns the tissue ``(N,)`` of the sound voxel nearest to each voxel."""
    hole = np.zeros(sound.shape, dtype=np.bool_)
    hole[tuple(voxels.T)] = True
    box = cut_to_grid(padded_box(hole, around.grid, NEAR_MM), around.grid)
    local = crop(sound, box)
    if not local.any():
        box = Box((0, 0, 0), around.grid.shape)
        local = sound
    nearest = distance_transform_edt(
        ~local, sampling=around.grid.spacing_mm, return_distances=False, return_indices=True
    )
    start = np.asarray(box.start)
    x, y, z = nearest[(slice(None), *(voxels - start).T)] + start[:, None]
    found: LabelVoxels = tissues[x, y, z]
    return found
