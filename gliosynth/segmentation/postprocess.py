"""Clean-up of region masks: small components dropped, holes filled (METHODS.md C.1 line 13)."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from gliosynth.components import connected_components
from gliosynth.labels import Mask
from gliosynth.segmentation.box import box_of, index_of


@dataclass(frozen=True, eq=False)
class FilteredMask:
    """A mask without its small components.

    Attributes:
        mask: ``(X, Y, Z)`` bool.
        kept_components: How many components are left.
        dropped_components: How many were below the limit.
        dropped_voxels: How many voxels they held.
    """

    mask: Mask
    kept_components: int
    dropped_components: int
    dropped_voxels: int


def drop_small_components(mask: Mask, *, minimum_voxels: int) -> FilteredMask:
    """Returns the mask without the components that hold fewer voxels than a limit.

    Args:
        mask: ``(X, Y, Z)`` bool; may be empty.
        minimum_voxels: A component of this size is kept, a smaller one (26-neighbourhood) is dropped.
    """
    box = box_of(mask)
    kept = np.zeros_like(mask)
    if box is None:
        return FilteredMask(mask=kept, kept_components=0, dropped_components=0, dropped_voxels=0)
    components = connected_components(mask[index_of(box)])
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    large = sizes >= max(minimum_voxels, 1)
    kept[index_of(box)] = large[components]
    component_count = len(sizes) - 1
    return FilteredMask(
        mask=kept,
        kept_components=int(large.sum()),
        dropped_components=component_count - int(large.sum()),
        dropped_voxels=int(sizes[~large].sum()),
    )


def drop_far_fragments(filtered: FilteredMask, *, least_share: float, distance_voxels: float) -> FilteredMask:
    """Returns the mask without fragments that are both small beside its largest component and far from it.

    Satellites of a glioma lie within some centimetres of it, and a second focus is of some size; a small piece far away
    is most often something else that is bright.

    Args:
        filtered: ``(X, Y, Z)`` mask, and what was dropped from it before.
        least_share: A component of this share of the largest one's voxels is kept wherever it lies, 0 to 1.
        distance_voxels: A component whose nearest voxel is this close to the largest one is kept however small it is.
    """
    box = box_of(filtered.mask)
    if box is None or filtered.kept_components < 2:
        return filtered
    components = connected_components(filtered.mask[index_of(box)])
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    main = int(sizes.argmax())
    tree = cKDTree(np.argwhere(components == main))
    small = np.flatnonzero((sizes > 0) & (sizes < least_share * sizes[main]))
    far = [part for part in small if tree.query(np.argwhere(components == part))[0].min() > distance_voxels]
    mask = filtered.mask.copy()
    mask[index_of(box)] &= ~np.isin(components, far)
    return FilteredMask(
        mask=mask,
        kept_components=filtered.kept_components - len(far),
        dropped_components=filtered.dropped_components + len(far),
        dropped_voxels=filtered.dropped_voxels + int(sizes[far].sum()),
    )


def largest_component(mask: Mask) -> Mask:
    """Returns the largest component (26-neighbourhood), of equals the first in memory order; empty stays empty.

    Args:
        mask: ``(X, Y, Z)`` bool.
    """
    box = box_of(mask)
    largest = np.zeros_like(mask)
    if box is None:
        return largest
    components = connected_components(mask[index_of(box)])
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    largest[index_of(box)] = components == int(sizes.argmax())
    return largest


def fill_holes(mask: Mask) -> Mask:
    """Returns the mask with every cavity filled that has no way out through faces of voxels.

    Args:
        mask: ``(X, Y, Z)`` bool.
    """
    box = box_of(mask)
    filled = mask.copy()
    if box is not None:
        filled[index_of(box)] = ndimage.binary_fill_holes(mask[index_of(box)])
    return filled
