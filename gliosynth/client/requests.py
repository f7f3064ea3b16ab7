"""The messages of a request in the order the services want them: options first, then each volume and its chunks."""

from collections.abc import Iterator

from gliosynth.client.convert import CONTRAST_VALUES
from gliosynth.client.payloads import CasePayload, VolumeFile
from gliosynth.client.transfer import volume_parts
from gliosynth.v1 import metrics_pb2, preprocessing_pb2, segmentation_pb2, volume_pb2


def case_parts(case: CasePayload) -> Iterator[volume_pb2.VolumePart]:
    """Yields the contrasts, then the brain mask if there is one.

    Volumes are named after their contrast (``t1c``) or ``brain_mask``: file names may hold patient text.

    Args:
        case: What to send.
    """
    for contrast, volume in case.contrasts.items():
        header = volume_pb2.VolumeHeader(
            name=contrast.value,
            role=volume_pb2.VOLUME_ROLE_CONTRAST,
            contrast=CONTRAST_VALUES[contrast],
            encoding=volume.encoding.value,
        )
        yield from volume_parts(header, volume.data)
    if case.brain_mask is not None:
        yield from _named_parts("brain_mask", volume_pb2.VOLUME_ROLE_BRAIN_MASK, case.brain_mask)


def segment_requests(case: CasePayload, *, model: str, model_version: str) -> Iterator[segmentation_pb2.SegmentRequest]:
    """Yields the messages of ``Segment``."""
    options = segmentation_pb2.SegmentOptions(
        model=model, model_version=model_version, result_encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ
    )
    yield segmentation_pb2.SegmentRequest(options=options)
    for part in case_parts(case):
        yield segmentation_pb2.SegmentRequest(volume=part)


def preprocess_requests(case: CasePayload) -> Iterator[preprocessing_pb2.PreprocessRequest]:
    """Yields the messages of ``Preprocess``."""
    options = preprocessing_pb2.PreprocessOptions(result_encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ)
    yield preprocessing_pb2.PreprocessRequest(options=options)
    for part in case_parts(case):
        yield preprocessing_pb2.PreprocessRequest(volume=part)


def score_requests(
    reference: VolumeFile, prediction: VolumeFile, *, options: metrics_pb2.ScoreSegmentationOptions
) -> Iterator[metrics_pb2.ScoreSegmentationRequest]:
    """Yields the messages of ``ScoreSegmentation``."""
    yield metrics_pb2.ScoreSegmentationRequest(options=options)
    for part in _pair_parts(reference, prediction):
        yield metrics_pb2.ScoreSegmentationRequest(volume=part)


def compare_requests(
    reference: VolumeFile, prediction: VolumeFile, *, data_range: float
) -> Iterator[metrics_pb2.CompareImagesRequest]:
    """Yields the messages of ``CompareImages``."""
    yield metrics_pb2.CompareImagesRequest(options=metrics_pb2.CompareImagesOptions(data_range=data_range))
    for part in _pair_parts(reference, prediction):
        yield metrics_pb2.CompareImagesRequest(volume=part)


def _pair_parts(reference: VolumeFile, prediction: VolumeFile) -> Iterator[volume_pb2.VolumePart]:
    yield from _named_parts("prediction", volume_pb2.VOLUME_ROLE_PREDICTION, prediction)
    yield from _named_parts("reference", volume_pb2.VOLUME_ROLE_REFERENCE, reference)


def _named_parts(
    name: str, role: volume_pb2.VolumeRole.ValueType, volume: VolumeFile
) -> Iterator[volume_pb2.VolumePart]:
    header = volume_pb2.VolumeHeader(name=name, role=role, encoding=volume.encoding.value)
    yield from volume_parts(header, volume.data)
