"""Remarks on an edited tumour map that its reader should know before using it."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from gliosynth.segmentation.quality import LARGEST_BRAIN_ML, Remark, Severity
from gliosynth.tumour_map.apply import EditedTumour
from gliosynth.tumour_map.report import RegionMeasure
from gliosynth.tumour_map.signed_distance import voxel_ml_of

MUCH_CLIPPED: Final = 0.1
"""Share of the tumour that was cut off, from which its shape is no longer what was asked for."""


def remarks_on(edited: EditedTumour) -> Iterator[Remark]:
    """Yields what should be looked at.

    Args:
        edited: The result of the edits.
    """
    for index, step in enumerate(edited.steps):
        for region in step.lost:
            text = f"Edit {index} ({step.edit.edit}) left nothing of {region.value}."
            yield Remark("REGION_LOST", Severity.WARNING, text, edited.labels.name)
    kept_ml = _whole_ml(edited.after)
    share = edited.clipped_ml / max(edited.clipped_ml + kept_ml, 1e-9)
    if share >= MUCH_CLIPPED:
        text = f"{edited.clipped_ml:.1f} ml, {share:.0%} of the tumour, fell outside the brain and was cut off."
        yield Remark("MUCH_CLIPPED", Severity.WARNING, text, edited.labels.name)
    brain_ml = int(np.count_nonzero(edited.around.brain)) * voxel_ml_of(edited.around.grid)
    if edited.around.is_bounded and brain_ml > LARGEST_BRAIN_ML:
        text = f"The brain has {brain_ml:.0f} ml: the image may not be skull-stripped, so lobes and sides are in doubt."
        yield Remark("BRAIN_VOLUME_HIGH", Severity.WARNING, text, edited.labels.name)
    if not edited.around.is_bounded:
        text = "No brain was given, so the tumour may lie anywhere on the grid."
        yield Remark("BRAIN_UNKNOWN", Severity.WARNING, text, edited.labels.name)


def _whole_ml(measures: tuple[RegionMeasure, ...]) -> float:
    return measures[0].volume_ml
