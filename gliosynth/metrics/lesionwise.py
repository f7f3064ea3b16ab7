"""Lesion-wise scores of BraTS 2023: every lesion counts the same, however small, and every invented one costs.

Re-implemented from the rules of ``rachitsaluja/BraTS-2023-Metrics``, with the behaviours that surprise kept, because
published scores contain them:

- a false positive is never dropped for its size: one stray voxel is one lesion of Dice 0 and 374 mm;
- one predicted component that touches two lesions is scored against each of them;
- a predicted component that touches a dropped lesion alone is neither hit nor false positive;
- with no lesion kept and no false positive, Dice is 1 and HD95 is 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from gliosynth.components import Components, connected_components
from gliosynth.labels import Mask
from gliosynth.metrics.box import Box, Triple, common_box
from gliosynth.metrics.distance import BRATS_WORST_HD95_MM, HD95Definition, hausdorff95
from gliosynth.metrics.overlap import check_mask
from gliosynth.metrics.surface import check_spacing


@dataclass(frozen=True)
class LesionwiseRule:
    """What one lesion is, and which lesions count.

    Attributes:
        dilation_voxels: Reference lesions that touch after so many steps of dilation (18 neighbours) are one lesion.
        smallest_lesion_mm3: Reference lesions of this volume or less are dropped; predicted ones never are.
        worst_hd95_mm: Distance of a missed lesion and of an invented one.
    """

    dilation_voxels: int = 3
    smallest_lesion_mm3: float = 50.0
    worst_hd95_mm: float = BRATS_WORST_HD95_MM


BRATS_2023_GLI: Final = LesionwiseRule()
"""Adult glioma; the Sub-Saharan (SSA) and paediatric (PED) challenges use the same."""

BRATS_2023_MEN: Final = LesionwiseRule(dilation_voxels=1)
"""Meningioma."""

BRATS_2023_MET: Final = LesionwiseRule(dilation_voxels=1, smallest_lesion_mm3=2.0)
"""Metastases."""


@dataclass(frozen=True)
class LesionScore:
    """One lesion of the reference.

    Attributes:
        volume_mm3: Its volume.
        dice: Against all predicted components that touch it once dilated; missed 0.
        hd95_mm: Surfel-weighted (`HD95Definition.SURFEL_MAX`); missed the rule's worst.
        found: Whether any predicted component touches it.
        kept: Whether it is large enough to count.
    """

    volume_mm3: float
    dice: float
    hd95_mm: float
    found: bool
    kept: bool


@dataclass(frozen=True)
class LesionwiseScores:
    """The lesions of one region and their means.

    Attributes:
        dice: Sum over the kept lesions / (kept + false positives), in [0, 1]; nothing kept, nothing invented: 1.
        hd95_mm: The same mean of the distances, false positives at the rule's worst; nothing kept, nothing invented: 0.
        true_positive_count: Kept lesions that were found.
        false_positive_count: Predicted components that touch no lesion, kept or dropped.
        false_negative_count: Kept lesions that were missed.
        lesions: Every lesion of the reference, dropped ones too, in scan order.
    """

    dice: float
    hd95_mm: float
    true_positive_count: int
    false_positive_count: int
    false_negative_count: int
    lesions: tuple[LesionScore, ...]


def lesionwise_scores(
    reference: Mask, prediction: Mask, *, spacing_mm: Triple, rule: LesionwiseRule = BRATS_2023_GLI
) -> LesionwiseScores:
    """Returns the BraTS 2023 lesion-wise Dice and HD95 of one region.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        spacing_mm: Voxel edges in mm; the dilation counts voxels whatever their size, as the challenge does.
        rule: The challenge's parameters.

    Returns:
        The scores; both empty Dice 1 and 0 mm, one empty Dice 0 and the rule's worst distance.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
        InvalidParameterError: A voxel edge is not positive and finite.
    """
    check_mask(reference, name="reference")
    check_mask(prediction, name="prediction")
    check_spacing(spacing_mm)
    box = common_box(reference, prediction)
    if box is None:
        return _mean_scores((), false_positive_count=0, rule=rule)
    x, y, z = reference.shape
    slices = box.grown(rule.dilation_voxels + 1, shape=(x, y, z)).slices
    reference, prediction = np.ascontiguousarray(reference[slices]), np.ascontiguousarray(prediction[slices])
    dilated = dilated_components(reference, steps=rule.dilation_voxels)
    predicted = connected_components(prediction)
    touching = _touching_pairs(dilated, predicted)
    lesions = tuple(
        _lesion_score(lesion, found, spacing_mm=spacing_mm, rule=rule)
        for lesion, found in _pairs(reference, dilated, predicted, touching=touching)
    )
    hit_count = len(np.unique(touching[:, 1]))
    return _mean_scores(lesions, false_positive_count=int(predicted.max()) - hit_count, rule=rule)


def dilated_components(mask: Mask, *, steps: int) -> Components:
    """Returns the 26-connected components of the dilated mask: what BraTS calls one lesion, with its surroundings.

    Args:
        mask: ``(X, Y, Z)``.
        steps: Dilations over the 18 neighbours by face and edge; 0 leaves the mask as it is.
    """
    grown = mask
    for _ in range(steps):
        grown = _dilated(grown)
    return connected_components(grown)


def _dilated(mask: Mask) -> Mask:
    """Returns the mask with the 18 neighbours of its voxels: all that share a plane of the grid with one."""
    along_x, along_y = _spread(mask, axis=0), _spread(mask, axis=1)
    return _spread(along_x, axis=1) | _spread(along_x, axis=2) | _spread(along_y, axis=2)


def _spread(mask: Mask, *, axis: int) -> Mask:
    """Returns the mask with the two neighbours of its voxels along an axis."""
    wide = mask.copy()
    source, target = np.moveaxis(mask, axis, 0), np.moveaxis(wide, axis, 0)
    target[1:] |= source[:-1]
    target[:-1] |= source[1:]
    return wide


def _touching_pairs(dilated: Components, predicted: Components) -> NDArray[np.int64]:
    """Returns the ``(N, 2)`` pairs of lesion and predicted component that share a voxel."""
    voxels = np.flatnonzero((dilated > 0) & (predicted > 0))
    width = int(predicted.max()) + 1
    pairs = np.unique(dilated.ravel()[voxels].astype(np.int64) * width + predicted.ravel()[voxels])
    return np.stack(np.divmod(pairs, width), axis=1)


def _pairs(
    reference: Mask, dilated: Components, predicted: Components, *, touching: NDArray[np.int64]
) -> Iterator[tuple[Mask, Mask]]:
    """Yields each lesion, undilated, with all predicted components that touch it, in the box that holds both."""
    lesion_boxes, predicted_boxes = _boxes(dilated), _boxes(predicted)
    for lesion, box in enumerate(lesion_boxes, start=1):
        partners = touching[touching[:, 0] == lesion, 1]
        for partner in partners:
            box = box.union(predicted_boxes[partner - 1])
        cut = box.slices
        yield reference[cut] & (dilated[cut] == lesion), np.isin(predicted[cut], partners)


def _boxes(components: Components) -> list[Box]:
    """Returns the box of each component, in the order of their numbers."""
    return [Box((x.start, y.start, z.start), (x.stop, y.stop, z.stop)) for x, y, z in find_objects(components)]


def _lesion_score(lesion: Mask, found: Mask, *, spacing_mm: Triple, rule: LesionwiseRule) -> LesionScore:
    lesion_voxels, found_voxels = int(np.count_nonzero(lesion)), int(np.count_nonzero(found))
    volume_mm3 = lesion_voxels * float(np.prod(spacing_mm))
    return LesionScore(
        volume_mm3=volume_mm3,
        dice=2 * int(np.count_nonzero(lesion & found)) / (lesion_voxels + found_voxels),
        hd95_mm=hausdorff95(
            lesion,
            found,
            spacing_mm=spacing_mm,
            definition=HD95Definition.SURFEL_MAX,
            one_empty_mm=rule.worst_hd95_mm,
        ),
        found=found_voxels > 0,
        kept=volume_mm3 > rule.smallest_lesion_mm3,
    )


def _mean_scores(
    lesions: tuple[LesionScore, ...], *, false_positive_count: int, rule: LesionwiseRule
) -> LesionwiseScores:
    kept = [lesion for lesion in lesions if lesion.kept]
    count = len(kept) + false_positive_count
    distance_mm = sum(lesion.hd95_mm for lesion in kept) + false_positive_count * rule.worst_hd95_mm
    return LesionwiseScores(
        dice=sum(lesion.dice for lesion in kept) / count if count else 1.0,
        hd95_mm=distance_mm / count if count else 0.0,
        true_positive_count=sum(lesion.found for lesion in kept),
        false_positive_count=false_positive_count,
        false_negative_count=sum(not lesion.found for lesion in kept),
        lesions=lesions,
    )
