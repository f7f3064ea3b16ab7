"""Where a tumour is put that is sent to a lobe or into another head."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import Points, apply_affine
from gliosynth.labels import Mask
from gliosynth.tumour_map.edits import Relocate
from gliosynth.tumour_map.lobes import in_lobe
from gliosynth.tumour_map.places import Side
from gliosynth.tumour_map.surroundings import Surroundings
from gliosynth.volume import Affine

COARSE_MM: Final = 3.0
"""Voxel edge of the search for the best place, mm."""

SMALLEST_FIT: Final = 0.5
"""Share of a tumour that must find room in a lobe's neighbourhood."""

NEARNESS: Final = 0.002
"""Share of the tumour that a place may fit worse for each mm that it is closer to the lobe's middle."""


@dataclass(frozen=True, eq=False)
class _Coarse:
    """The head on a coarse part of its grid.

    Attributes:
        room: ``(x, y, z)`` bool: the room in the hemisphere.
        lobe: ``(x, y, z)`` bool, a part of the room.
        affine: ``(4, 4)``: coarse voxel index to world mm.
        steps: ``(3,)``: fine voxels per coarse one.
    """

    room: Mask
    lobe: Mask
    affine: Affine
    steps: NDArray[np.int64]


def place_in_lobe(tumour: Mask, around: Surroundings, edit: Relocate) -> Points:
    """Returns where the tumour's centroid goes, ``(3,)`` world mm: in the lobe, where most of it finds room.

    Args:
        tumour: ``(x, y, z)`` bool: the whole tumour in a box of the head's grid, nothing cut off.
        around: The head.
        edit: Which lobe.

    Raises:
        InvalidParameterError: BRAIN_UNKNOWN or LOBE_TOO_SMALL.
    """
    if not around.is_bounded:
        raise InvalidParameterError(
            "lobe: without a brain there are no lobes; give a brain mask, a label map or an image as well",
            field="lobe",
            got=edit.lobe.value,
            reason="BRAIN_UNKNOWN",
        )
    coarse = _coarse(around, edit)
    if not coarse.lobe.any():
        raise _too_small(edit, 0.0)
    fit = _fit(tumour, coarse)[coarse.lobe]
    points = apply_affine(coarse.affine, np.argwhere(coarse.lobe))
    far_mm = np.linalg.norm(points - points.mean(axis=0), axis=1)
    best = int(np.argmax(np.round(fit - NEARNESS * far_mm, 6)))
    if fit[best] < SMALLEST_FIT:
        raise _too_small(edit, float(fit[best]))
    return np.asarray(points[best])


def place_in_head(centroid: Points, source: Surroundings, target: Surroundings) -> tuple[Points, float]:
    """Returns the same place in proportion to another brain, and by how much that brain is larger.

    Args:
        centroid: ``(3,)`` world mm of the source.
        source: The head that the tumour comes from.
        target: The head that it goes to.

    Raises:
        InvalidParameterError: BRAIN_UNKNOWN.
    """
    if not (source.is_bounded and target.is_bounded):
        raise InvalidParameterError(
            "anatomy: a tumour is only transplanted between known brains; give a brain mask, a label map or an image of"
            " both",
            field="anatomy",
            got="no brain",
            reason="BRAIN_UNKNOWN",
        )
    here, there = source.frame, target.frame
    sizes = [(frame.half_width_mm, frame.length_mm) for frame in (here, there)]
    ratio = float(np.exp(np.mean(np.log(np.divide(sizes[1], sizes[0])))))
    return there.points_of(here.places_of(centroid)), ratio


def _coarse(around: Surroundings, edit: Relocate) -> _Coarse:
    steps = np.array([max(1, round(COARSE_MM / edge)) for edge in around.grid.spacing_mm])
    room = around.room[:: steps[0], :: steps[1], :: steps[2]]
    affine = around.grid.affine @ np.diag([*steps, 1.0])
    places = around.frame.places_of(apply_affine(affine, np.argwhere(room)))
    lobe, hemisphere = np.zeros(room.shape, dtype=np.bool_), np.zeros(room.shape, dtype=np.bool_)
    lobe[room] = in_lobe(places, edit.lobe, edit.side)
    hemisphere[room] = (places[:, 0] >= 0.0) == (edit.side is Side.RIGHT)
    return _Coarse(hemisphere, lobe, affine, steps)


def _fit(tumour: Mask, coarse: _Coarse) -> NDArray[np.float64]:
    """Returns the share of the tumour that finds room with its centroid at each coarse voxel, ``(x, y, z)``."""
    index = np.argwhere(tumour)
    offsets = np.rint((index - index.mean(axis=0)) / coarse.steps).astype(np.int64)
    low = np.minimum(offsets.min(axis=0), 0)
    high = np.maximum(offsets.max(axis=0), 0)
    counts = np.zeros(high - low + 1)
    np.add.at(counts, tuple((offsets - low).T), 1.0)
    padded = np.pad(coarse.room.astype(np.float64), list(zip(-low, high, strict=True)))
    found: NDArray[np.float64] = fftconvolve(padded, counts[::-1, ::-1, ::-1], mode="valid")
    return found / len(index)


def _too_small(edit: Relocate, share: float) -> InvalidParameterError:
    where = f"{edit.side.value} {edit.lobe.value}"
    return InvalidParameterError(
        f"lobe: at most {share:.0%} of the tumour finds room at the {where} place, {SMALLEST_FIT:.0%} is needed;"
        " scale the tumour down first, or choose another lobe",
        field="lobe",
        got=where,
        reason="LOBE_TOO_SMALL",
    )
