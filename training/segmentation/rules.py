"""What is done with a network's answers, and the joint network's way from logits to a label map.

The published rules are the cascade's (`gliosynth.segmentation.CascadeOptions`); each other entry of `TEST_TIME` differs
from them in one thing, so that flips, filters, holes, planes and thresholds are measured alone, without training.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import LabelMap, Mask, labels_from_regions
from gliosynth.segmentation import CascadeModels, CascadeOptions, segment_case
from gliosynth.segmentation.box import box_of, in_plane_box
from gliosynth.segmentation.channels import channel_batch, parse_channels
from gliosynth.segmentation.postprocess import (
    FilteredMask,
    drop_far_fragments,
    drop_small_components,
    fill_holes,
    largest_component,
)
from training.segmentation.region_model import TorchModel
from training.segmentation.validation import THRESHOLD

SLICE_AXES: Final = ((0, 1, 2), (0, 2, 1), (1, 2, 0))
"""Orders of the axes whose last is sliced: axial, coronal, sagittal."""


@dataclass(frozen=True)
class Rules:
    """What is done with the answers.

    Attributes:
        threshold: Probability from which a voxel belongs to a region.
        flip: Whether the left-right mirror image is asked, too.
        three_planes: Whether logits are the mean of axial, coronal and sagittal slices (joint networks alone).
        fill_holes: Whether cavities of WT become WT.
        smallest_voxels: Components of WT, TC and ET below this are dropped.
        fragment_share: Pieces of WT below this share of its largest one are dropped if they are far from it.
        largest_only: Whether only WT's largest component is kept.
    """

    threshold: float = THRESHOLD
    flip: bool = False
    three_planes: bool = False
    fill_holes: bool = True
    smallest_voxels: tuple[int, int, int] = (
        CascadeOptions.smallest_wt_voxels,
        CascadeOptions.smallest_tc_voxels,
        CascadeOptions.smallest_et_voxels,
    )
    fragment_share: float = CascadeOptions.fragment_share
    largest_only: bool = False


PUBLISHED: Final = Rules()
"""What the shipped models are published with."""

TEST_TIME: Final = MappingProxyType(
    {
        "published": PUBLISHED,
        "flip": replace(PUBLISHED, flip=True),
        "three-planes": replace(PUBLISHED, three_planes=True),
        "no-component-filter": replace(PUBLISHED, smallest_voxels=(0, 0, 0)),
        "far-pieces-kept": replace(PUBLISHED, fragment_share=0.0),
        "no-hole-filling": replace(PUBLISHED, fill_holes=False),
        "largest-component": replace(PUBLISHED, largest_only=True),
        "threshold-0.3": replace(PUBLISHED, threshold=0.3),
        "threshold-0.4": replace(PUBLISHED, threshold=0.4),
        "threshold-0.6": replace(PUBLISHED, threshold=0.6),
    }
)
"""Rules by name; the thresholds other than .5 are a diagnosis: none is shipped because of the real cases."""


def joint_logits(
    model: TorchModel, contrasts: NDArray[np.float32], brain: Mask, *, three_planes: bool = False
) -> NDArray[np.float32]:
    """Returns a joint network's logits ``(R, X, Y, Z)`` float32 in the brain's box, and -inf outside it.

    Args:
        model: A network of whole slices.
        contrasts: ``(4, X, Y, Z)`` float32 z-scores at 1 mm.
        brain: ``(X, Y, Z)``, not empty.
        three_planes: Mean of axial, coronal and sagittal slices instead of axial ones.
    """
    orders = SLICE_AXES if three_planes else SLICE_AXES[:1]
    planes = []
    for order in orders:
        turned = np.transpose(contrasts, (0, *(axis + 1 for axis in order)))
        logits = _sliced_logits(model, turned, np.transpose(brain, order))
        planes.append(np.transpose(logits, (0, *(int(axis) + 1 for axis in np.argsort(order)))))
    return planes[0] if len(planes) == 1 else np.mean(planes, axis=0, dtype=np.float32)


def joint_labels(logits: NDArray[np.float32], brain: Mask, rules: Rules) -> LabelMap:
    """Returns the label map of a joint network's logits by the cascade's rules: ET in TC in WT in the brain.

    Args:
        logits: ``(3, X, Y, Z)`` float32: WT, TC, ET.
        brain: ``(X, Y, Z)``.
        rules: What is done with them.
    """
    limit = np.log(rules.threshold / (1 - rules.threshold))
    parent, masks = brain, []
    for found, smallest in zip(logits > limit, rules.smallest_voxels, strict=True):
        kept = drop_small_components(found & parent, minimum_voxels=smallest)
        mask = _cleaned_wt(kept, rules) if parent is brain else kept.mask
        masks.append(mask)
        parent = mask
    wt, tc, et = masks
    return labels_from_regions(wt, tc, et)


def _cleaned_wt(kept: FilteredMask, rules: Rules) -> Mask:
    """Returns WT without far pieces and holes, or its largest component alone, as the rules say."""
    distance = CascadeOptions.fragment_distance_voxels
    mask = drop_far_fragments(kept, least_share=rules.fragment_share, distance_voxels=distance).mask
    mask = fill_holes(mask) if rules.fill_holes else mask
    return largest_component(mask) if rules.largest_only else mask


def cascade_labels(models: CascadeModels, contrasts: NDArray[np.float32], brain: Mask, rules: Rules) -> LabelMap:
    """Returns the label map of the three shipped-style networks under some rules; planes other than axial are not seen.

    Args:
        models: `TorchModel` each.
        contrasts: ``(4, X, Y, Z)`` float32 z-scores at 1 mm.
        brain: ``(X, Y, Z)``.
        rules: What is done with the answers.
    """
    wt, tc, et = rules.smallest_voxels
    options = CascadeOptions(
        fill_holes=rules.fill_holes,
        fragment_share=rules.fragment_share,
        smallest_wt_voxels=wt,
        smallest_tc_voxels=tc,
        smallest_et_voxels=et,
    )
    labels = segment_case(contrasts, brain, models=models, options=options).labels
    return np.where(largest_component(labels > 0), labels, 0).astype(np.uint8) if rules.largest_only else labels


def _sliced_logits(model: TorchModel, contrasts: NDArray[np.float32], brain: Mask) -> NDArray[np.float32]:
    """Returns logits ``(R, A, B, C)`` of the slices along the last axis that hold brain."""
    found = box_of(brain)
    logits = np.full((len(model.preset.regions), *brain.shape), -np.inf, dtype=np.float32)
    if found is None:
        return logits
    box = in_plane_box(found, brain.shape, margin=0, multiple=model.preset.spec.multiple)
    channels, indices = parse_channels(model.channels), np.flatnonzero(brain.any(axis=(0, 1)))
    inside = tuple(slice(max(start, 0), stop) for start, stop in zip(box.start[:2], box.stop[:2], strict=True))
    for first in range(0, len(indices), model.batch_size):
        part = indices[first : first + model.batch_size]
        answer = model.logits(channel_batch(contrasts, channels, box=box, indices=part))
        height, width = (
            slice(max(-start, 0), size - start) for start, size in zip(box.start[:2], brain.shape[:2], strict=True)
        )
        kept = answer[:, :, height, width]
        logits[:, inside[0], inside[1], part] = np.moveaxis(kept, 0, 3)
    return logits
