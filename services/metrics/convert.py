"""Messages of the metrics service to arrays and back."""

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from gliosynth.client.transfer import ReceivedVolume
from gliosynth.errors import InvalidCaseError, InvalidParameterError
from gliosynth.labels import Mask, Region
from gliosynth.metrics import CaseScores, HD95Definition, ImageScores, RegionScores
from gliosynth.raw import VolumeLimits
from gliosynth.v1 import metrics_pb2, segmentation_pb2, volume_pb2
from gliosynth.volume import Volume
from services.runtime.volumes import decode_mask

ScalarT = TypeVar("ScalarT", bound=np.generic)

DEFAULT_DEFINITION: Final = HD95Definition.SURFEL_MAX
"""HD95 of the BraTS evaluation up to 2022, area weighted."""

DEFAULT_TOLERANCES_MM: Final = (1.0, 2.0)
"""Tolerances of the surface Dice in mm where the options name none."""

AFFINE_TOLERANCE_MM: Final = 1e-2
"""Largest difference between two affines' entries that rounding in a file may cause."""

_ROLE_NAMES: Final = {
    volume_pb2.VOLUME_ROLE_REFERENCE: "reference",
    volume_pb2.VOLUME_ROLE_PREDICTION: "prediction",
    volume_pb2.VOLUME_ROLE_BRAIN_MASK: "brain_mask",
}

_REGIONS: Final = {
    Region.WT: segmentation_pb2.REGION_WT,
    Region.TC: segmentation_pb2.REGION_TC,
    Region.ET: segmentation_pb2.REGION_ET,
}


def definition_of(options: metrics_pb2.ScoreSegmentationOptions) -> HD95Definition:
    """Returns the HD95 definition that the options name.

    Args:
        options: As received.

    Raises:
        InvalidParameterError: There is no such definition.
    """
    asked = options.hd95_definition or DEFAULT_DEFINITION.value
    known = [definition.value for definition in HD95Definition]
    if asked not in known:
        raise InvalidParameterError(
            f"options.hd95_definition: {asked[:64]!r} is not one of {', '.join(known)}",
            field="options.hd95_definition",
            got=asked[:64],
        )
    return HD95Definition(asked)


def pair_of(
    volumes: list[ReceivedVolume], decode: Callable[[ReceivedVolume], Volume[ScalarT]]
) -> tuple[Volume[ScalarT], Volume[ScalarT]]:
    """Returns the reference and the prediction, on one grid.

    Args:
        volumes: Everything that was received.
        decode: Reads one of the two.

    Raises:
        InvalidCaseError: One is missing or given twice, or the grids differ.
    """
    reference = decode(_only(volumes, volume_pb2.VOLUME_ROLE_REFERENCE))
    prediction = decode(_only(volumes, volume_pb2.VOLUME_ROLE_PREDICTION))
    _check_one_grid(reference, prediction)
    return reference, prediction


def brain_of(volumes: list[ReceivedVolume], *, limits: VolumeLimits, reference: Volume[np.uint8]) -> Mask | None:
    """Returns the brain mask, or None where none was sent.

    Args:
        volumes: Everything that was received.
        limits: What it may cost.
        reference: The label map whose grid it must have.

    Raises:
        InvalidCaseError: It was given twice, or its grid differs.
        InvalidLabelError: It is empty.
    """
    if all(volume.header.role != volume_pb2.VOLUME_ROLE_BRAIN_MASK for volume in volumes):
        return None
    brain = decode_mask(_only(volumes, volume_pb2.VOLUME_ROLE_BRAIN_MASK), limits)
    _check_one_grid(reference, brain)
    return brain.data


def float32(volume: Volume[np.generic]) -> NDArray[np.float32]:
    """Returns the intensities ``(X, Y, Z)`` as float32.

    Args:
        volume: An image of any real dtype.
    """
    return volume.data.astype(np.float32, copy=False)


def scores_response(scores: CaseScores) -> metrics_pb2.ScoreSegmentationResponse:
    """Returns the scores of one case as a message.

    Args:
        scores: What the library found.
    """
    regions = [_region_score(region, scores.definition) for region in scores.regions]
    return metrics_pb2.ScoreSegmentationResponse(regions=regions)


def images_response(scores: ImageScores, *, data_range: float) -> metrics_pb2.CompareImagesResponse:
    """Returns the scores of one image as a message.

    Args:
        scores: What the library found.
        data_range: What it was asked with.
    """
    return metrics_pb2.CompareImagesResponse(
        mse=scores.mse, mae=scores.mae, psnr_db=scores.psnr_db, ssim=scores.ssim, data_range=data_range
    )


def _only(volumes: list[ReceivedVolume], role: volume_pb2.VolumeRole.ValueType) -> ReceivedVolume:
    found = [volume for volume in volumes if volume.header.role == role]
    if len(found) != 1:
        raise InvalidCaseError(
            f"{_ROLE_NAMES[role]}: {len(found)} volumes have this role; send exactly one",
            field=_ROLE_NAMES[role],
            got=str(len(found)),
            reason="DUPLICATE_VOLUME" if found else "MISSING_VOLUME",
        )
    return found[0]


def _check_one_grid(reference: Volume[ScalarT], other: Volume[np.generic]) -> None:
    if reference.shape == other.shape and np.allclose(reference.affine, other.affine, atol=AFFINE_TOLERANCE_MM):
        return
    raise InvalidCaseError(
        f"{other.name}: its grid {other.shape} is not that of {reference.name} {reference.shape}, or lies elsewhere;"
        " resample one onto the other",
        field=other.name,
        got=str(other.shape),
        reason="GRID_MISMATCH",
    )


def _region_score(scores: RegionScores, definition: HD95Definition) -> metrics_pb2.RegionScore:
    message = metrics_pb2.RegionScore(
        region=_REGIONS[scores.region],
        dice=scores.dice,
        specificity=scores.specificity,
        hd95_mm=scores.hd95_mm,
        hd95_definition=definition.value,
        surface_dice=[
            metrics_pb2.SurfaceDice(tolerance_mm=score.tolerance_mm, value=score.value) for score in scores.surface_dice
        ],
        reference_volume_ml=scores.reference_ml,
        prediction_volume_ml=scores.prediction_ml,
    )
    if scores.reference_ml > 0.0:
        message.sensitivity = scores.sensitivity
    if scores.lesionwise is not None:
        message.lesionwise.CopyFrom(
            metrics_pb2.LesionwiseScore(
                dice=scores.lesionwise.dice,
                hd95_mm=scores.lesionwise.hd95_mm,
                true_positives=scores.lesionwise.true_positive_count,
                false_positives=scores.lesionwise.false_positive_count,
                false_negatives=scores.lesionwise.false_negative_count,
            )
        )
    return message
