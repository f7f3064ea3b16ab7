"""What the client gives back: the answers of the services as frozen dataclasses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliosynth.labels import Contrast, Region
from gliosynth.volume import Volume


@dataclass(frozen=True)
class Progress:
    """Where the work of a request stands.

    Attributes:
        stage: Stage in snake_case, such as ``register`` or ``infer``.
        fraction: Share of the whole request that is done, 0 to 1, never decreasing.
        message: One sentence for a person, or ``""``.
    """

    stage: str
    fraction: float
    message: str


@dataclass(frozen=True)
class ModelIdentity:
    """The exact model behind an answer.

    Attributes:
        name: Folder in the model repository.
        version: Version folder.
        digest: ``sha256:`` and the hexadecimal SHA-256 of the model file.
        engine: ``onnxruntime``, ``openvino`` or ``triton``.
        precision: ``fp32`` or ``bf16``.
    """

    name: str
    version: str
    digest: str
    engine: str
    precision: str


@dataclass(frozen=True)
class QualityFlag:
    """One remark about the input or the result.

    Attributes:
        id: Stable identifier in UPPER_SNAKE_CASE.
        is_warning: Whether the result should be looked at before it is used.
        message: What was seen, with its value.
        volume: The volume it is about, or ``""``.
    """

    id: str
    is_warning: bool
    message: str
    volume: str


@dataclass(frozen=True)
class ProcessingStep:
    """One step that was done to the input.

    Attributes:
        name: Step in snake_case.
        volume: The volume it was done to; ``""`` when to all.
        parameters_json: Its parameters and measured values as a JSON object.
    """

    name: str
    volume: str
    parameters_json: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters and measured values."""
        decoded: dict[str, Any] = json.loads(self.parameters_json or "{}")
        return decoded


@dataclass(frozen=True)
class StageTime:
    """Time spent in one stage.

    Attributes:
        stage: Stage in snake_case.
        seconds: Wall-clock seconds on the server.
    """

    stage: str
    seconds: float


@dataclass(frozen=True)
class RegionResult:
    """Size and place of one tumour region in native space.

    Attributes:
        region: WT, TC or ET.
        volume_ml: Volume in millilitres, 0 if the region was not found.
        centroid_mm: Centre of mass in RAS+ mm of the t1c, or None if the region was not found.
        centroid_shift_mm: Distance to the centre of mass on the 1 mm grid, or None.
    """

    region: Region
    volume_ml: float
    centroid_mm: tuple[float, float, float] | None
    centroid_shift_mm: float | None


@dataclass(frozen=True)
class SegmentationResult:
    """A segmented case.

    Attributes:
        labels: Label map uint8 (0, NCR 1, ED 2, ET 3) on the grid of the t1c that was sent.
        labels_nifti: The same as the bytes of a ``.nii.gz`` file, exactly as the server sent them.
        regions: WT, TC and ET in this order.
        flags: Remarks about the input and the result.
        models: The models that answered, in the order they ran.
        steps: Every preprocessing step in order.
        times: Time spent on the server.
        brain_volume_ml: Brain volume in millilitres.
    """

    labels: Volume[np.uint8]
    labels_nifti: bytes
    regions: tuple[RegionResult, ...]
    flags: tuple[QualityFlag, ...]
    models: tuple[ModelIdentity, ...]
    steps: tuple[ProcessingStep, ...]
    times: tuple[StageTime, ...]
    brain_volume_ml: float


@dataclass(frozen=True)
class PreprocessingResult:
    """A preprocessed case.

    Attributes:
        contrasts: Float32 volumes, z-scored in the brain, clipped to -5..5, 0 outside, on one 1 mm grid.
        brain: Brain mask, uint8 0 or 1, on the same grid.
        files: The same five as the bytes of ``.nii.gz`` files: ``t1n t1c t2w t2f brain_mask``.
        flags: Remarks about the input.
        steps: Every step in order.
        times: Time spent on the server.
        brain_volume_ml: Brain volume in millilitres.
        skull_strip_model: The model that found the brain, or None if none was needed.
    """

    contrasts: Mapping[Contrast, Volume[np.float32]]
    brain: Volume[np.uint8]
    files: Mapping[str, bytes]
    flags: tuple[QualityFlag, ...]
    steps: tuple[ProcessingStep, ...]
    times: tuple[StageTime, ...]
    brain_volume_ml: float
    skull_strip_model: ModelIdentity | None


@dataclass(frozen=True)
class Lesionwise:
    """BraTS 2023 lesion-wise scores of one region.

    Attributes:
        dice: Mean Dice over the lesions, 0 to 1.
        hd95_mm: Mean HD95 in mm over the lesions, missed and false ones counting 374.
        true_positives: Lesions of the reference that were found.
        false_positives: Lesions that are not in the reference.
        false_negatives: Lesions of the reference that were missed.
    """

    dice: float
    hd95_mm: float
    true_positives: int
    false_positives: int
    false_negatives: int


@dataclass(frozen=True)
class RegionScores:
    """The scores of one region, as the metrics service defines them.

    Attributes:
        region: WT, TC or ET.
        dice: 0 to 1; 1 if both are empty, 0 if one is.
        sensitivity: 0 to 1, or None if the reference is empty.
        specificity: 0 to 1 inside the brain's box, or None if there is nothing healthy in it.
        hd95_mm: 95th percentile surface distance in mm; 0 if both are empty, 374 if one is.
        hd95_definition: Id of the definition of `hd95_mm`.
        surface_dice: Surface Dice by tolerance in mm.
        lesionwise: Lesion-wise scores.
        reference_volume_ml: Volume of the reference in ml.
        prediction_volume_ml: Volume of the prediction in ml.
    """

    region: Region
    dice: float
    sensitivity: float | None
    specificity: float | None
    hd95_mm: float
    hd95_definition: str
    surface_dice: Mapping[float, float]
    lesionwise: Lesionwise
    reference_volume_ml: float
    prediction_volume_ml: float


@dataclass(frozen=True)
class ImageComparison:
    """Paired image metrics.

    Attributes:
        mse: Mean squared error.
        mae: Mean absolute error.
        psnr_db: Peak signal-to-noise ratio in dB, infinite for equal images.
        ssim: Structural similarity, -1 to 1.
        data_range: The data range that was used.
    """

    mse: float
    mae: float
    psnr_db: float
    ssim: float
    data_range: float


@dataclass(frozen=True)
class ModelDescription:
    """One model of the server's repository.

    Attributes:
        identity: Identity of the newest version.
        versions: Versions, newest first.
        parameters: Key-value parameters of its ``config.pbtxt``.
        card: Its card (Markdown).
    """

    identity: ModelIdentity
    versions: tuple[str, ...]
    parameters: Mapping[str, str]
    card: str
