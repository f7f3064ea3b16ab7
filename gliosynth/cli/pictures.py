"""The case as it is drawn: every contrast on the t1c's grid, aligned exactly as the service aligned it."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from gliosynth.client import CasePayload
from gliosynth.client.results import ProcessingStep
from gliosynth.geometry import Grid
from gliosynth.labels import Contrast
from gliosynth.nifti import read_nifti
from gliosynth.preprocessing.resampling import resample
from gliosynth.report.views import Scene, build_scene
from gliosynth.volume import Affine, Volume

REGISTER_STEP: Final = "register"
"""Name of the steps that hold a contrast's rigid transform."""


def scene_of(case: CasePayload, labels: Volume[np.uint8], *, steps: Iterable[ProcessingStep]) -> Scene:
    """Returns a case ready to be drawn.

    Args:
        case: The volumes that were sent.
        labels: A label map on the t1c's grid.
        steps: What the service did, with the rigid transform of each contrast it moved.
    """
    grid = Grid.of(labels.shape, labels.affine)
    transforms = _transforms(steps)
    images = {
        contrast: Volume(
            resample(read_nifti(file.data, name=contrast.value), grid, transform=transforms.get(contrast.value)),
            labels.affine,
            contrast.value,
        )
        for contrast, file in case.contrasts.items()
    }
    return build_scene({Contrast(name): volume for name, volume in images.items()}, labels)


def _transforms(steps: Iterable[ProcessingStep]) -> dict[str, Affine]:
    """Returns the rigid transform, world mm of the t1c to world mm of the contrast, of each registered contrast."""
    registrations = (step for step in steps if step.name == REGISTER_STEP)
    return {step.volume: np.asarray(step.parameters["moving_from_reference"], np.float64) for step in registrations}
