"""What a tumour map holds."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gliosynth.geometry import apply_affine, crop, grid_of
from gliosynth.labels import Mask
from gliosynth.tumour_map.lobes import LOBE_ORDER, MIDLINE_GAP_MM, lobe_of
from gliosynth.tumour_map.places import Lobe, Side
from gliosynth.tumour_map.report import RegionMeasure, measure
from gliosynth.tumour_map.signed_distance import padded_box, voxel_ml_of
from gliosynth.tumour_map.surroundings import Surroundings, check_same_grid
from gliosynth.volume import Volume


@dataclass(frozen=True)
class LobeShare:
    """How much of a tumour lies in one lobe.

    Attributes:
        lobe: Which lobe, None outside all: cerebellum, brain-stem, midline.
        side: Of which hemisphere.
        share: Share of the whole tumour's volume, above 0 to 1.
    """

    lobe: Lobe | None
    side: Side
    share: float


@dataclass(frozen=True)
class Description:
    """What a tumour map holds.

    Attributes:
        regions: WT, TC and ET.
        lobes: Where the whole tumour lies, largest share first; empty where no brain is known or there is no tumour.
        component_count: Connected parts of the whole tumour (26 neighbours).
        outside_brain_ml: Volume of the tumour outside the brain, ml; None where no brain is known.
    """

    regions: tuple[RegionMeasure, ...]
    lobes: tuple[LobeShare, ...]
    component_count: int
    outside_brain_ml: float | None


def describe_tumour_map(tumour: Volume[np.uint8], *, around: Surroundings | None = None) -> Description:
    """Returns what a tumour map holds; one without tumour is described as well.

    Args:
        tumour: Tumour map of any grid.
        around: The head on the same grid, or None.

    Raises:
        InvalidCaseError: GRID_MISMATCH.
    """
    grid = grid_of(tumour)
    whole: Mask = tumour.data != 0
    parts = int(_count_parts(crop(whole, padded_box(whole, grid, 0.0)))) if whole.any() else 0
    regions = measure(tumour.data, grid)
    if around is None or not around.is_bounded:
        return Description(regions, (), parts, None)
    check_same_grid(grid, around.grid, name="around")
    outside_ml = int(np.count_nonzero(whole & ~around.brain)) * voxel_ml_of(grid)
    return Description(regions, _lobes(whole, around), parts, outside_ml)


def _count_parts(whole: Mask) -> int:
    _, count = ndimage.label(whole, structure=np.ones((3, 3, 3)))
    return int(count)


def _lobes(whole: Mask, around: Surroundings) -> tuple[LobeShare, ...]:
    if not whole.any():
        return ()
    places = around.frame.places_of(apply_affine(around.grid.affine, np.argwhere(whole)))
    lateral = np.abs(places[:, 0])
    lobes = np.where(lateral >= MIDLINE_GAP_MM, lobe_of(lateral, places[:, 1], places[:, 2]), -1)
    counts = Counter(zip(lobes.tolist(), (places[:, 0] >= 0.0).tolist(), strict=True))
    return tuple(
        LobeShare(LOBE_ORDER[lobe] if lobe >= 0 else None, Side.RIGHT if right else Side.LEFT, count / len(places))
        for (lobe, right), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
