"""Edits that change the regions of a tumour where it lies: grow, shrink, resize, thicken the rim.

A region is changed by moving the level at which its signed distance is cut. Regions around it give way: what leaves a
region becomes the region around it, and a region that grows past the one around it takes it along. So the regions stay
nested, and a smaller region is never touched by a larger one that shrinks.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import distance_transform_edt

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import Box, Grid, crop, uncrop
from gliosynth.labels import REGIONS, Label, LabelMap, Mask, Region, region_mask
from gliosynth.tumour.terrain import ball_radius_mm
from gliosynth.tumour_map.edits import Grow, Resize, Shrink, ThickenRim
from gliosynth.tumour_map.signed_distance import Field, cut_to_grid, lowest, padded_box, signed_distance, voxel_ml_of

LEVEL_SLACK_MM: Final = 1e-3
"""What rounding may do to a distance, mm: a voxel exactly `mm` away is within `mm`."""

OUTSIDE_OF: Final = {Region.ET: Label.NCR, Region.TC: Label.ED, Region.WT: Label.BACKGROUND}
"""What a voxel becomes that leaves a region."""

REACH: Final = 1.5
"""A resized region is first looked for room within this many times the distance that it would need without borders."""


@dataclass(frozen=True, eq=False)
class Site:
    """A tumour where it lies, and where it may grow: everything in one box.

    Attributes:
        labels: ``(x, y, z)`` uint8.
        room: ``(x, y, z)`` bool: where a tumour may lie.
        grid: The grid of the box.
    """

    labels: LabelMap
    room: Mask
    grid: Grid

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return voxel_ml_of(self.grid)


Regrowth = Grow | Shrink | Resize | ThickenRim
"""Edits that change one region where it lies."""


def regrow(labels: LabelMap, room: Mask, grid: Grid, edit: Regrowth) -> LabelMap:
    """Returns the tumour map with one region changed.

    Args:
        labels: ``(X, Y, Z)``, not empty.
        room: ``(X, Y, Z)`` bool: where a tumour may lie.
        grid: Their grid.
        edit: What to change.

    Raises:
        InvalidParameterError: The region is absent, the volume out of reach, or nothing would change.
    """
    box, site = _site(labels, room, grid, edit)
    changed = _change(site, edit)
    if np.array_equal(changed, site.labels):
        raise _no_change(edit, grid)
    return uncrop(changed, box, grid.shape)


def _site(labels: LabelMap, room: Mask, grid: Grid, edit: Regrowth) -> tuple[Box, Site]:
    """Returns a box that holds all that the edit may reach, and what is in it."""
    margin_mm = _margin_mm(labels, grid, edit)
    while True:
        wide = padded_box(labels != 0, grid, margin_mm)
        box = cut_to_grid(wide, grid)
        site = Site(crop(labels, box), crop(room, box), Grid.of(box.shape, grid.affine))
        is_all = all(a < 0 for a in wide.start) and all(b > s for b, s in zip(wide.stop, grid.shape, strict=True))
        if is_all or not isinstance(edit, Resize) or _is_enough(site, edit, margin_mm):
            return box, site
        margin_mm *= 2.0


def _is_enough(site: Site, edit: Resize, margin_mm: float) -> bool:
    """Says whether a region finds its volume within a distance."""
    mask = _required(site.labels, edit.region)
    near = distance_transform_edt(~mask, sampling=site.grid.spacing_mm) <= margin_mm
    reached = near & (mask | site.room | (site.labels != 0))
    return int(np.count_nonzero(reached)) >= round(edit.volume_ml / site.voxel_ml)


def _change(site: Site, edit: Regrowth) -> LabelMap:
    match edit:
        case Grow():
            return grown(site, edit.region, _within(site, edit.region, edit.mm))
        case Shrink():
            return shrunk(site, edit.region, _within(site, edit.region, -edit.mm))
        case Resize():
            return _resized(site, edit)
        case ThickenRim():
            return _thickened(site, edit.mm)


def grown(site: Site, region: Region, mask: Mask) -> LabelMap:
    """Returns the labels with a region grown to a mask.

    Args:
        site: The tumour.
        region: What grows.
        mask: ``(x, y, z)`` bool: all of the region afterwards; it holds the region as it is.
    """
    new = mask & ~region_mask(site.labels, region)
    labels = site.labels.copy()
    labels[new] = _new_labels(site, region, new)
    return labels


def shrunk(site: Site, region: Region, mask: Mask) -> LabelMap:
    """Returns the labels with a region shrunk to a mask; the regions inside it stay whole.

    Args:
        site: The tumour.
        region: What shrinks.
        mask: ``(x, y, z)`` bool: what stays of it.
    """
    kept = mask | _inner(site.labels, region)
    labels = site.labels.copy()
    labels[region_mask(site.labels, region) & ~kept] = OUTSIDE_OF[region]
    return labels


def _inner(labels: LabelMap, region: Region) -> Mask:
    """Returns the largest region inside a region, empty for ET."""
    inside = REGIONS[REGIONS.index(region) + 1 :]
    return region_mask(labels, inside[0]) if inside else np.zeros(labels.shape, dtype=np.bool_)


def _new_labels(site: Site, region: Region, new: Mask) -> LabelMap:
    """Returns the labels ``(N,)`` of voxels that join a region: those of the nearest voxel in it; WT grows oedema."""
    if region is Region.WT:
        return np.full(int(np.count_nonzero(new)), Label.ED, dtype=np.uint8)
    outside = ~region_mask(site.labels, region)
    nearest = distance_transform_edt(
        outside, sampling=site.grid.spacing_mm, return_distances=False, return_indices=True
    )
    x, y, z = nearest[:, new]
    labels: LabelMap = site.labels[x, y, z]
    return labels


def _within(site: Site, region: Region, mm: float) -> Mask:
    """Returns the region with its surface moved outwards by `mm`, inside the room and what is tumour already."""
    distance = signed_distance(_required(site.labels, region), site.grid.spacing_mm)
    reached = distance <= mm + LEVEL_SLACK_MM if mm > 0 else distance < mm - LEVEL_SLACK_MM
    inside: Mask = reached & (site.room | (site.labels != 0))
    return inside


def _resized(site: Site, edit: Resize) -> LabelMap:
    mask = _required(site.labels, edit.region)
    count, wanted = int(np.count_nonzero(mask)), round(edit.volume_ml / site.voxel_ml)
    distance = signed_distance(mask, site.grid.spacing_mm)
    if wanted >= count:
        candidates = mask | site.room | (site.labels != 0)
        _check_reachable(edit, wanted, int(np.count_nonzero(candidates)), site.voxel_ml)
        return grown(site, edit.region, lowest(distance, candidates, wanted))
    inner = _inner(site.labels, edit.region)
    held = int(np.count_nonzero(inner))
    if wanted < max(held, 1):
        raise _unreachable(edit, f"it cannot fall below {max(held, 1) * site.voxel_ml:.3f} ml", "what lies inside it")
    pulled: Field = np.where(inner, np.float32(-np.inf), distance)
    return shrunk(site, edit.region, lowest(pulled, mask, wanted))


def _thickened(site: Site, mm: float) -> LabelMap:
    rim = _required(site.labels, Region.ET)
    necrosis = site.labels == Label.NCR
    if not necrosis.any():
        raise InvalidParameterError(
            "region: there is no necrosis for the rim to grow into; grow ET instead",
            field="region",
            got="NCR: 0 voxels",
            reason="REGION_ABSENT",
        )
    reached = signed_distance(rim, site.grid.spacing_mm) <= mm + LEVEL_SLACK_MM
    labels = site.labels.copy()
    labels[necrosis & reached] = Label.ET
    return labels


def _required(labels: LabelMap, region: Region) -> Mask:
    mask = region_mask(labels, region)
    if not mask.any():
        raise InvalidParameterError(
            f"region: the tumour map has no {region.value}; choose a region that it has",
            field="region",
            got=f"{region.value}: 0 voxels",
            reason="REGION_ABSENT",
        )
    return mask


def _check_reachable(edit: Resize, wanted: int, most: int, voxel_ml: float) -> None:
    if wanted > most:
        raise _unreachable(edit, f"there is room for {most * voxel_ml:.3f} ml at most", "the brain around it")


def _unreachable(edit: Resize, limit: str, cause: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"volume_ml: {edit.region.value} cannot have {edit.volume_ml:g} ml: {limit}, because of {cause}; give a volume"
        " within that",
        field="volume_ml",
        got=f"{edit.volume_ml:g}",
        reason="VOLUME_UNREACHABLE",
    )


def _no_change(edit: Regrowth, grid: Grid) -> InvalidParameterError:
    edges = " x ".join(f"{edge:g}" for edge in grid.spacing_mm)
    field = "volume_ml" if isinstance(edit, Resize) else "mm"
    got = edit.volume_ml if isinstance(edit, Resize) else edit.mm
    return InvalidParameterError(
        f"{field}: {edit.edit} by {got:g} changes no voxel: voxels measure {edges} mm, or there is nothing to give or"
        " take; give another value",
        field=field,
        got=f"{got:g}",
        reason="NOTHING_CHANGES",
    )


def _margin_mm(labels: LabelMap, grid: Grid, edit: Regrowth) -> float:
    """Returns how far from the tumour the edit may reach, mm."""
    match edit:
        case Grow():
            return edit.mm
        case Resize():
            return _resize_reach_mm(labels, grid, edit)
        case _:
            return 0.0


def _resize_reach_mm(labels: LabelMap, grid: Grid, edit: Resize) -> float:
    """Returns the distance within which a region should find the volume it is to have, mm.

    Without borders, a region that grows by some distance gains at least what a ball of its volume does (Brunn and
    Minkowski); the brain's borders make it longer.
    """
    voxel_ml = voxel_ml_of(grid)
    region_ml = int(np.count_nonzero(region_mask(labels, edit.region))) * voxel_ml
    if edit.volume_ml <= region_ml:
        return 0.0
    before_mm, after_mm = (ball_radius_mm(volume_ml) for volume_ml in (region_ml, edit.volume_ml))
    return REACH * (after_mm - before_mm) + max(grid.spacing_mm)
