"""What the tumour-map service gives back, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gliosynth.brain_map import BrainChannel
from gliosynth.client.results import QualityFlag, StageTime
from gliosynth.tumour_map import EditStep, Healing, RegionMeasure
from gliosynth.volume import Volume


@dataclass(frozen=True, eq=False)
class EditedTumourMap:
    """An edited tumour map.

    Attributes:
        labels: Tumour map uint8 (0, NCR 1, ED 2, ET 3).
        labels_nifti: The same as the bytes of a ``.nii.gz`` file, exactly as the server sent them.
        label_map_nifti: The label map of the head, healed, as ``.nii.gz`` bytes; None where none was sent.
        steps: Every edit and what it did.
        before: WT, TC and ET as sent.
        after: WT, TC and ET at the end.
        clipped_ml: What fell outside the brain and was cut off, ml.
        healing: How the label map was healed, or None.
        flags: Remarks.
        times: Time spent on the server.
    """

    labels: Volume[np.uint8]
    labels_nifti: bytes
    label_map_nifti: bytes | None
    steps: tuple[EditStep, ...]
    before: tuple[RegionMeasure, ...]
    after: tuple[RegionMeasure, ...]
    clipped_ml: float
    healing: Healing | None
    flags: tuple[QualityFlag, ...]
    times: tuple[StageTime, ...]


@dataclass(frozen=True, eq=False)
class BrainMapResult:
    """A brain map.

    Attributes:
        brain_map: Values of `BrainChannel`, uint8; `gliosynth.brain_map.channels_of` makes the eight channels of it.
        nifti: The same as the bytes of a ``.nii.gz`` file, exactly as the server sent them.
        volumes_ml: Volume of each channel in ml.
        times: Time spent on the server.
    """

    brain_map: Volume[np.uint8]
    nifti: bytes
    volumes_ml: Mapping[BrainChannel, float]
    times: tuple[StageTime, ...]
