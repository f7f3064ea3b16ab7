"""Streams of answers put together: progress to the caller, one report, then volumes."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np

from gliosynth.client import convert
from gliosynth.client.results import PreprocessingResult, Progress, SegmentationResult
from gliosynth.client.transfer import ReceivedVolume, TransferBudget, VolumeReceiver
from gliosynth.errors import ModelError
from gliosynth.labels import CONTRASTS
from gliosynth.nifti import read_label_map, read_mask, read_nifti
from gliosynth.v1 import preprocessing_pb2, segmentation_pb2, tumour_map_pb2, volume_pb2
from gliosynth.volume import Volume

ANSWER_BUDGET: Final = TransferBudget(max_bytes=1 << 30, max_volumes=8)
"""Most that an answer may hold: five uncompressed float32 volumes of a 0.7 mm head."""

BRAIN_MASK: Final = "brain_mask"
"""Name of the brain mask among the volumes of an answer."""

ProgressCallback = Callable[[Progress], None]
"""Called with every progress event, in the thread of the caller."""

_ResponseT = TypeVar(
    "_ResponseT",
    segmentation_pb2.SegmentResponse,
    preprocessing_pb2.PreprocessResponse,
    tumour_map_pb2.EditTumourMapResponse,
    tumour_map_pb2.BuildBrainMapResponse,
)


def receive(
    responses: Iterable[_ResponseT], on_progress: ProgressCallback | None
) -> tuple[_ResponseT, list[ReceivedVolume]]:
    """Returns the message that holds the report, and the volumes that followed it.

    Args:
        responses: The stream of answers.
        on_progress: Called with every progress event, or None.

    Raises:
        ModelError: The stream ended without a report, or a volume of it is incomplete or damaged.
    """
    receiver = VolumeReceiver(ANSWER_BUDGET)
    report: _ResponseT | None = None
    for response in responses:
        part = response.WhichOneof("part")
        if part == "volume":
            receiver.feed(response.volume)
        elif part == "report":
            report = response
        elif part == "progress" and on_progress is not None:
            on_progress(convert.progress_from(response.progress))
    if report is None:
        raise broken_answer("a report")
    return report, receiver.finish()


def segmentation_from(report: segmentation_pb2.SegmentReport, volumes: list[ReceivedVolume]) -> SegmentationResult:
    """Returns a segmented case.

    Args:
        report: What the server says about it.
        volumes: The label map alone, as NIfTI.

    Raises:
        ModelError: There is not exactly one volume.
    """
    if len(volumes) != 1:
        raise broken_answer(f"one label map, not {len(volumes)} volumes")
    data = bytes(volumes[0].data)
    return SegmentationResult(
        labels=read_label_map(data, name="segmentation"),
        labels_nifti=data,
        regions=convert.regions_from(report.regions),
        flags=convert.flags_from(report.flags),
        models=tuple(convert.model_from(model) for model in report.models),
        steps=convert.steps_from(report.steps),
        times=convert.times_from(report.times),
        brain_volume_ml=report.brain_volume_ml,
    )


def preprocessing_from(
    report: preprocessing_pb2.PreprocessReport, volumes: list[ReceivedVolume]
) -> PreprocessingResult:
    """Returns a preprocessed case.

    Args:
        report: What the server says about it.
        volumes: The four contrasts and the brain mask, as NIfTI, in any order.

    Raises:
        ModelError: A volume is missing or there is another one.
    """
    files = {_name_of(volume.header): bytes(volume.data) for volume in volumes}
    if set(files) != {*(contrast.value for contrast in CONTRASTS), BRAIN_MASK}:
        raise broken_answer(f"four contrasts and a brain mask, not {sorted(files)}")
    brain = read_mask(files[BRAIN_MASK], name=BRAIN_MASK)
    model = convert.model_from(report.skull_strip_model) if report.HasField("skull_strip_model") else None
    return PreprocessingResult(
        contrasts=MappingProxyType({contrast: _read_float32(files, contrast.value) for contrast in CONTRASTS}),
        brain=Volume(brain.data.astype(np.uint8), brain.affine, BRAIN_MASK),
        files=MappingProxyType(files),
        flags=convert.flags_from(report.flags),
        steps=convert.steps_from(report.steps),
        times=convert.times_from(report.times),
        brain_volume_ml=report.brain_volume_ml,
        skull_strip_model=model,
    )


def broken_answer(expected: str) -> ModelError:
    """Returns the error for an answer that breaks the contract.

    Args:
        expected: What it should have held.
    """
    return ModelError(
        f"the server's answer breaks its contract: it must hold {expected}; use a client of the server's version",
        reason="ANSWER_BROKEN",
    )


def _name_of(header: volume_pb2.VolumeHeader) -> str:
    if header.role == volume_pb2.VOLUME_ROLE_BRAIN_MASK:
        return BRAIN_MASK
    names = {value: contrast.value for contrast, value in convert.CONTRAST_VALUES.items()}
    return names.get(header.contrast, header.name)


def _read_float32(files: dict[str, bytes], name: str) -> Volume[np.float32]:
    volume = read_nifti(files[name], name=name)
    return Volume(volume.data.astype(np.float32, copy=False), volume.affine, name)
