"""What the preprocessing found, as messages."""

from collections.abc import Iterator, Sequence

import numpy as np

from gliosynth.labels import CONTRASTS
from gliosynth.preprocessing.pipeline import PreprocessedCase
from gliosynth.preprocessing.record import BrainSource
from gliosynth.segmentation.quality import QualityInput, input_remarks
from gliosynth.v1 import preprocessing_pb2, volume_pb2
from gliosynth.volume import Volume
from services.runtime.case import CONTRASTS_ON_WIRE, flags_of, steps_of
from services.runtime.models import Models
from services.runtime.volumes import encode, encoded_parts, geometry_of

Encoded = tuple[volume_pb2.VolumeHeader, bytes]
"""Header and bytes of a result."""


def report_of(
    case: PreprocessedCase, *, models: Models, times: Sequence[volume_pb2.StageTime]
) -> preprocessing_pb2.PreprocessReport:
    """Returns the report of one request.

    Args:
        case: The preprocessed case.
        models: The process' models.
        times: Seconds of each stage.
    """
    report = preprocessing_pb2.PreprocessReport(
        geometry=geometry_of(Volume(case.brain, case.affine, "brain_mask")),
        steps=steps_of(case.record),
        flags=flags_of(input_remarks(QualityInput(case.contrasts, case.brain, case.record))),
        times=times,
        brain_volume_ml=case.record.skull_strip.brain_ml,
    )
    if case.record.skull_strip.source is BrainSource.MODEL:
        report.skull_strip_model.CopyFrom(models.skull_strip_identity())
    return report


def encode_case(case: PreprocessedCase, encoding: volume_pb2.VolumeEncoding.ValueType) -> list[Encoded]:
    """Returns the four contrasts and the brain mask, encoded.

    Args:
        case: The preprocessed case.
        encoding: How to lay them out.
    """
    on_wire = {contrast: value for value, contrast in CONTRASTS_ON_WIRE.items()}
    contrasts = [
        encode(
            Volume(image, case.affine, contrast.value),
            role=volume_pb2.VOLUME_ROLE_CONTRAST,
            encoding=encoding,
            contrast=on_wire[contrast],
        )
        for contrast, image in zip(CONTRASTS, case.contrasts, strict=True)
    ]
    brain = Volume(case.brain.astype(np.uint8), case.affine, "brain_mask")
    return [*contrasts, encode(brain, role=volume_pb2.VOLUME_ROLE_BRAIN_MASK, encoding=encoding)]


def responses(
    report: preprocessing_pb2.PreprocessReport, encoded: list[Encoded]
) -> Iterator[preprocessing_pb2.PreprocessResponse]:
    """Yields the final answers: the report, then the volumes.

    Args:
        report: The report.
        encoded: The volumes.
    """
    yield preprocessing_pb2.PreprocessResponse(report=report)
    for part in encoded_parts(encoded):
        yield preprocessing_pb2.PreprocessResponse(volume=part)


def progress_response(progress: volume_pb2.Progress) -> preprocessing_pb2.PreprocessResponse:
    """Returns a progress as an answer.

    Args:
        progress: Where the work stands.
    """
    return preprocessing_pb2.PreprocessResponse(progress=progress)
