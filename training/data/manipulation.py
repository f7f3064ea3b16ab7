"""Lesions somewhere else: the manipulated brain maps that generators make new training samples of (paper 002, 2.3.4).

The paper's code turns a lesion by up to 80 degrees, shifts it by up to 10 pixels and flips it, slice by slice; there
the rotation overwrites the shift, and the scale of 0.7 to 1.3 and the shift between slices are drawn but never used
(METHODS A.002). Here all of them happen, about the lesion's own centroid, and a draw that leaves less than nine tenths
of the lesion inside the brain is drawn again: the draws are those of `gliosynth.tumour_map.edits.RandomEdit`. A slice
by itself is moved in its plane; a volume is moved as one body. What a lesion leaves becomes the band between 1/4 and
1/2 in the paper's code, which paints a second lesion there; here it is healed where nothing else is asked for
(`gliosynth.generation.heal_maps`). Rings hold no tissues, so a lesion may come to lie on a ventricle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import move_tumour
from gliosynth.errors import InvalidParameterError
from gliosynth.generation import heal_maps
from gliosynth.labels import REGIONS, LabelMap, Mask, labels_from_regions, region_mask
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.edits import Mirror, Movement, RandomEdit, Rotate, Scale, Translate
from gliosynth.tumour_map.places import MirrorPlane
from gliosynth.tumour_map.random_edit import draw_movements
from gliosynth.tumour_map.steps import MOST_DRAWS
from gliosynth.volume import Volume
from training.data.pairs import Pairs

RANGES: Final = RandomEdit(seed=0)
"""How far lesions are moved: the paper's ranges, pixels of 1 mm; the seed is not used."""

NOTHING_FITS: Final = "NO_DRAW_FITS"
"""Reason of the error that says that no draw left enough of the lesion inside the brain."""

SEEDS: Final = 1 << 63
"""Seeds of random edits are drawn below this."""

HALF: Final = 0.5
"""Share of a pixel from which a region has it."""

Plane = NDArray[np.uint8]
"""Tumour labels of one slice ``(H, W)``."""


@dataclass(frozen=True, eq=False)
class MovedMaps:
    """Brain maps of B slices with their lesions somewhere else.

    Attributes:
        brain_maps: ``(B, M, H, W)`` uint8.
        labels: ``(B, 1, H, W)`` uint8.
        moved: ``(B,)`` bool: False where a slice has no lesion, or none of the draws fitted, and so is as it was.
    """

    brain_maps: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    moved: NDArray[np.bool_]


def manipulate(
    labels: Plane, brain: NDArray[np.bool_], rng: np.random.Generator, *, ranges: RandomEdit = RANGES
) -> Plane | None:
    """Returns the lesion of a slice somewhere else in its plane, or None where no draw leaves enough in the brain.

    Regions are warped one by one and stay inside each other; what falls outside the brain is cut off.

    Args:
        labels: Tumour labels ``(H, W)``, H from left to right; some of them tumour.
        brain: ``(H, W)``.
        rng: Decides everything.
        ranges: How far; shifts between slices do not happen.
    """
    regions = [region_mask(labels, region).astype(np.float32) for region in REGIONS]
    centroid = np.argwhere(labels).mean(axis=0)
    midline = (np.flatnonzero(brain.any(axis=1))[[0, -1]]).mean()
    for _ in range(MOST_DRAWS):
        forward = _affine_of(draw_movements(ranges, rng), centroid, float(midline))
        whole, core, enhancing = (_warped(region, forward) for region in regions)
        if (whole & brain).sum() >= max(1.0, ranges.smallest_inside * _wanted_area(regions[0], forward)):
            return labels_from_regions(whole & brain, core & whole & brain, enhancing & core & whole & brain)
    return None


def manipulate_volume(
    labels: LabelMap,
    brain: Mask,
    rng: np.random.Generator,
    *,
    spacing_mm: tuple[float, float, float],
    ranges: RandomEdit = RANGES,
) -> LabelMap | None:
    """Returns the lesion of a volume somewhere else, or None where no draw leaves enough of it in the brain.

    Args:
        labels: Tumour labels ``(X, Y, Z)``, some of them tumour.
        brain: ``(X, Y, Z)``.
        rng: Asked for one number, the seed of the edit.
        spacing_mm: Voxel edges.
        ranges: How far.
    """
    affine = np.diag([*spacing_mm, 1.0])
    around = Surroundings.of_mask(Volume(brain, affine, "brain"))
    edit = replace(ranges, seed=int(rng.integers(SEEDS)))
    try:
        return edit_tumour_map(Volume(labels, affine, "tumour"), [edit], around=around).labels.data
    except InvalidParameterError as error:
        if error.reason != NOTHING_FITS:
            raise
        return None


def manipulate_pairs(
    pairs: Pairs, rng: np.random.Generator, *, ranges: RandomEdit = RANGES, healed: bool = True
) -> MovedMaps:
    """Returns the brain maps of slices with each lesion moved in its plane, see `manipulate`.

    Args:
        pairs: B slices.
        rng: Decides everything.
        ranges: How far.
        healed: Whether what a lesion leaves is healthy tissue; otherwise it is the paper's band.
    """
    before = pairs.labels[:, 0]
    moved = [
        manipulate(labels, brain, rng, ranges=ranges) if labels.any() else None
        for labels, brain in zip(before, pairs.brain[:, 0], strict=True)
    ]
    labels = np.stack([old if new is None else new for old, new in zip(before, moved, strict=True)])
    maps = move_tumour(pairs.brain_maps, np.broadcast_to(labels[:, None], pairs.brain_maps.shape))
    if healed:
        left = (before > 0) & (labels == 0)
        maps = np.ascontiguousarray(np.moveaxis(heal_maps(np.moveaxis(maps, 0, -1), np.moveaxis(left, 0, -1)), -1, 0))
    return MovedMaps(maps, labels[:, None], np.array([after is not None for after in moved]))


def _affine_of(movements: Sequence[Movement], centroid: NDArray[np.float64], midline: float) -> NDArray[np.float64]:
    """Returns movements as an affine ``(3, 3)`` of a slice, pixels before to pixels after.

    Turns, scales and the front-back flip are about the lesion's centroid, wherever the steps before have brought it.
    """
    forward = np.eye(3)
    for movement in movements:
        at = (forward @ [*centroid, 1.0])[:2]
        match movement:
            case Rotate():
                angle = np.deg2rad(movement.degrees)
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                step = _about(at, turn)
            case Scale():
                step = _about(at, movement.factor * np.eye(2))
            case Mirror(plane=MirrorPlane.MIDLINE):
                step = _about(np.array([midline, 0.0]), np.diag([-1.0, 1.0]))
            case Mirror():
                step = _about(at, np.diag([1.0, -1.0]))
            case Translate():
                step = _about(at, np.eye(2))
                step[:2, 2] += (movement.right_mm, movement.anterior_mm)
            case _:
                raise InvalidParameterError(f"{movement.edit}: a slice cannot be moved so", field="edit")
        forward = step @ forward
    return forward


def _about(centre: NDArray[np.float64], linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a linear map ``(2, 2)`` as an affine that leaves a point where it is."""
    affine = np.eye(3)
    affine[:2, :2] = linear
    affine[:2, 2] = centre - linear @ centre
    return affine


def _warped(region: NDArray[np.float32], forward: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns the pixels ``(H, W)`` at least half of which a moved region ``(H, W)`` covers."""
    swap = np.eye(3)[[1, 0, 2]]  # OpenCV counts columns first.
    matrix = (swap @ forward @ swap)[:2]
    height, width = region.shape
    covered = cv2.warpAffine(region, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(covered >= HALF)


def _wanted_area(whole: NDArray[np.float32], forward: NDArray[np.float64]) -> float:
    """Returns the pixels that a moved region would cover if nothing were cut off."""
    return float(whole.sum() * abs(np.linalg.det(forward[:2, :2])))
