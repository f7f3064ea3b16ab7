"""Messages of `gliosynth.v1` to the client's dataclasses: one function per message."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from gliosynth.client.results import (
    ImageComparison,
    Lesionwise,
    ModelDescription,
    ModelIdentity,
    ProcessingStep,
    Progress,
    QualityFlag,
    RegionResult,
    RegionScores,
    StageTime,
)
from gliosynth.labels import Contrast, Region
from gliosynth.v1 import metrics_pb2, segmentation_pb2, volume_pb2

CONTRAST_VALUES: Final = MappingProxyType(
    {
        Contrast.T1N: volume_pb2.CONTRAST_T1N,
        Contrast.T1C: volume_pb2.CONTRAST_T1C,
        Contrast.T2W: volume_pb2.CONTRAST_T2W,
        Contrast.T2F: volume_pb2.CONTRAST_T2F,
    }
)
"""Wire value of each contrast."""

REGION_OF_VALUE: Final = MappingProxyType(
    {
        segmentation_pb2.REGION_WT: Region.WT,
        segmentation_pb2.REGION_TC: Region.TC,
        segmentation_pb2.REGION_ET: Region.ET,
    }
)
"""Region of each wire value."""


def progress_from(message: volume_pb2.Progress) -> Progress:
    """Returns where the work stands."""
    return Progress(message.stage, message.fraction, message.message)


def model_from(message: volume_pb2.ModelIdentity) -> ModelIdentity:
    """Returns the model behind an answer."""
    return ModelIdentity(message.name, message.version, message.digest, message.engine, message.precision)


def flags_from(messages: Iterable[volume_pb2.QualityFlag]) -> tuple[QualityFlag, ...]:
    """Returns the remarks in their order."""
    return tuple(
        QualityFlag(item.id, item.severity == volume_pb2.SEVERITY_WARNING, item.message, item.volume)
        for item in messages
    )


def steps_from(messages: Iterable[volume_pb2.ProcessingStep]) -> tuple[ProcessingStep, ...]:
    """Returns the steps in their order."""
    return tuple(ProcessingStep(item.name, item.volume, item.parameters_json) for item in messages)


def times_from(messages: Iterable[volume_pb2.StageTime]) -> tuple[StageTime, ...]:
    """Returns the stage times in their order."""
    return tuple(StageTime(item.stage, item.seconds) for item in messages)


def regions_from(messages: Iterable[segmentation_pb2.RegionResult]) -> tuple[RegionResult, ...]:
    """Returns size and place of each region."""
    return tuple(_region_from(item) for item in messages)


def _region_from(message: segmentation_pb2.RegionResult) -> RegionResult:
    centroid_mm = None
    if message.centroid_mm:
        x, y, z = message.centroid_mm
        centroid_mm = (x, y, z)
    shift_mm = message.centroid_shift_mm if message.HasField("centroid_shift_mm") else None
    return RegionResult(REGION_OF_VALUE[message.region], message.volume_ml, centroid_mm, shift_mm)


def scores_from(message: metrics_pb2.RegionScore) -> RegionScores:
    """Returns the scores of one region."""
    return RegionScores(
        region=REGION_OF_VALUE[message.region],
        dice=message.dice,
        sensitivity=message.sensitivity if message.HasField("sensitivity") else None,
        specificity=message.specificity if message.HasField("specificity") else None,
        hd95_mm=message.hd95_mm,
        hd95_definition=message.hd95_definition,
        surface_dice=MappingProxyType({item.tolerance_mm: item.value for item in message.surface_dice}),
        lesionwise=Lesionwise(
            dice=message.lesionwise.dice,
            hd95_mm=message.lesionwise.hd95_mm,
            true_positives=message.lesionwise.true_positives,
            false_positives=message.lesionwise.false_positives,
            false_negatives=message.lesionwise.false_negatives,
        ),
        reference_volume_ml=message.reference_volume_ml,
        prediction_volume_ml=message.prediction_volume_ml,
    )


def comparison_from(message: metrics_pb2.CompareImagesResponse) -> ImageComparison:
    """Returns the paired image metrics."""
    return ImageComparison(message.mse, message.mae, message.psnr_db, message.ssim, message.data_range)


def description_from(message: segmentation_pb2.Model) -> ModelDescription:
    """Returns one model of the repository."""
    return ModelDescription(
        identity=model_from(message.newest),
        versions=tuple(message.versions),
        parameters=MappingProxyType(dict(message.parameters)),
        card=message.card,
    )
