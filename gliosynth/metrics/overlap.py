"""Overlap of two masks: Dice, sensitivity, specificity and volume error.

All of them are functions of four counts. The values for empty masks are those of the BraTS 2023 evaluation
(``rachitsaluja/BraTS-2023-Metrics``): nothing to find and nothing found is a perfect score.
"""

from dataclasses import dataclass

import numpy as np

from gliosynth.errors import InvalidLabelError
from gliosynth.labels import Mask
from gliosynth.metrics.box import Box, Triple, check_same_grid


@dataclass(frozen=True)
class OverlapCounts:
    """Voxels of two masks, counted in one box.

    Attributes:
        true_positive: Voxels in both masks.
        reference: Voxels of the reference.
        prediction: Voxels of the prediction.
        total: Voxels of the box.
    """

    true_positive: int
    reference: int
    prediction: int
    total: int

    @property
    def dice(self) -> float:
        """``2 TP / (reference + prediction)`` in [0, 1]; both empty 1, one empty 0."""
        both = self.reference + self.prediction
        return 2 * self.true_positive / both if both else 1.0

    @property
    def sensitivity(self) -> float:
        """``TP / reference`` in [0, 1]; both empty 1, reference alone empty 0, prediction alone empty 0."""
        if not self.reference:
            return 0.0 if self.prediction else 1.0
        return self.true_positive / self.reference

    @property
    def specificity(self) -> float:
        """``TN / (total - reference)`` in [0, 1]; 1 where the reference fills the box (no negatives)."""
        negative = self.total - self.reference
        true_negative = negative - (self.prediction - self.true_positive)
        return true_negative / negative if negative else 1.0


def count_overlap(reference: Mask, prediction: Mask, *, box: Box | None = None) -> OverlapCounts:
    """Returns the voxel counts of two masks inside a box.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        box: Voxels to look at, such as the brain box; None looks at all.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
    """
    check_same_grid(reference, prediction)
    check_mask(reference, name="reference")
    check_mask(prediction, name="prediction")
    first = reference if box is None else reference[box.slices]
    second = prediction if box is None else prediction[box.slices]
    return OverlapCounts(
        true_positive=int(np.count_nonzero(first & second)),
        reference=int(np.count_nonzero(first)),
        prediction=int(np.count_nonzero(second)),
        total=first.size,
    )


def dice(reference: Mask, prediction: Mask) -> float:
    """Returns the Dice coefficient ``2 |A and B| / (|A| + |B|)``.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.

    Returns:
        In [0, 1]; both empty 1, one empty 0.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
    """
    return count_overlap(reference, prediction).dice


def sensitivity(reference: Mask, prediction: Mask, *, box: Box | None = None) -> float:
    """Returns the share of the reference that was found.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        box: Voxels to look at; None looks at all.

    Returns:
        In [0, 1]; both empty 1, one empty 0 (of either side).

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
    """
    return count_overlap(reference, prediction, box=box).sensitivity


def specificity(reference: Mask, prediction: Mask, *, box: Box | None = None) -> float:
    """Returns the share of the voxels outside the reference that were left out.

    Over a whole head it is always about 0.99 (the air is easy), so give the box of the brain.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        box: Voxels to look at, such as ``bounding_box(brain)``; None looks at all.

    Returns:
        In [0, 1]; empty prediction 1, whatever the reference; reference that fills the box 1.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
    """
    return count_overlap(reference, prediction, box=box).specificity


def volume_error_ml(reference: Mask, prediction: Mask, *, spacing_mm: Triple) -> float:
    """Returns by how much the prediction is too large, in millilitres.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.
        spacing_mm: Voxel edges in mm.

    Returns:
        Signed: negative where the prediction is too small; both empty 0.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
    """
    counts = count_overlap(reference, prediction)
    return (counts.prediction - counts.reference) * voxel_volume_ml(spacing_mm)


def relative_volume_error(reference: Mask, prediction: Mask) -> float:
    """Returns ``(prediction - reference) / reference`` of the volumes.

    Args:
        reference: Mask ``(X, Y, Z)``.
        prediction: Mask ``(X, Y, Z)`` on the same grid.

    Returns:
        Signed, at least -1 (prediction empty); both empty 0, reference alone empty ``inf``.

    Raises:
        InvalidLabelError: The shapes differ, or a mask is not boolean.
    """
    counts = count_overlap(reference, prediction)
    if not counts.reference:
        return float("inf") if counts.prediction else 0.0
    return (counts.prediction - counts.reference) / counts.reference


def voxel_volume_ml(spacing_mm: Triple) -> float:
    """Returns the volume of one voxel in millilitres.

    Args:
        spacing_mm: Voxel edges in mm.
    """
    x, y, z = spacing_mm
    return x * y * z / 1000.0


def check_mask(mask: Mask, *, name: str) -> None:
    """Refuses a mask that is not a 3D boolean array.

    Args:
        mask: What was given as a mask.
        name: Its field, for the message.

    Raises:
        InvalidLabelError: The dtype is not bool, or there are not three dimensions.
    """
    if mask.dtype != np.bool_ or mask.ndim != 3:
        raise InvalidLabelError(
            f"{name}: a mask is a 3D array of bool, this is {mask.dtype} {mask.shape}; use region_mask(labels, region)",
            field=name,
            got=f"{mask.dtype} {mask.shape}",
            reason="NOT_A_MASK",
        )
