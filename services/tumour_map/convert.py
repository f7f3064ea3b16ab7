"""What was done to a tumour map, as messages."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gliosynth.brain_map import BrainChannel, move_tumour
from gliosynth.client.convert import REGION_OF_VALUE
from gliosynth.client.tumour_edits import LOBE_OF_VALUE, SIDE_OF_VALUE, edit_message
from gliosynth.tumour_map import EditedTumour, EditStep, RegionMeasure
from gliosynth.tumour_map.describe import Description
from gliosynth.tumour_map.remarks import remarks_on
from gliosynth.v1 import tumour_map_pb2, volume_pb2
from gliosynth.volume import Volume
from services.runtime.case import flags_of
from services.runtime.volumes import encode, encoded_parts, geometry_of
from services.tumour_map.inputs import Inputs

Encoded = tuple[volume_pb2.VolumeHeader, bytes]
"""Header and bytes of a result."""

_REGIONS: Final = {region: value for value, region in REGION_OF_VALUE.items()}
_LOBES: Final = {lobe: value for value, lobe in LOBE_OF_VALUE.items()}
_SIDES: Final = {side: value for value, side in SIDE_OF_VALUE.items()}


def edit_report(edited: EditedTumour, *, times: Sequence[volume_pb2.StageTime]) -> tumour_map_pb2.EditTumourMapReport:
    """Returns the report of one request.

    Args:
        edited: What the library did.
        times: Seconds of each stage.
    """
    report = tumour_map_pb2.EditTumourMapReport(
        steps=[_step(step) for step in edited.steps],
        before=[_measure(item) for item in edited.before],
        after=[_measure(item) for item in edited.after],
        clipped_ml=edited.clipped_ml,
        flags=flags_of(remarks_on(edited)),
        times=times,
        geometry=geometry_of(edited.labels),
    )
    if edited.healing is not None:
        healing = edited.healing
        report.healing.CopyFrom(tumour_map_pb2.Healing(mirrored_ml=healing.mirrored_ml, nearest_ml=healing.nearest_ml))
    return report


def encode_edited(edited: EditedTumour, inputs: Inputs, encoding: volume_pb2.VolumeEncoding.ValueType) -> list[Encoded]:
    """Returns the edited tumour map and, if one was sent, the label map, encoded.

    Args:
        edited: What the library did.
        inputs: What was sent.
        encoding: How to lay them out.
    """
    results = [encode(edited.labels, role=volume_pb2.VOLUME_ROLE_TUMOUR_MAP, encoding=encoding)]
    label_map = _label_map(edited, inputs)
    if label_map is not None:
        results.append(encode(label_map, role=volume_pb2.VOLUME_ROLE_LABEL_MAP, encoding=encoding))
    return results


def brain_map_report(
    brain_map: Volume[np.uint8], *, times: Sequence[volume_pb2.StageTime]
) -> tumour_map_pb2.BrainMapReport:
    """Returns the report of a brain map.

    Args:
        brain_map: Values of `BrainChannel`.
        times: Seconds of each stage.
    """
    counts = np.bincount(brain_map.data.reshape(-1), minlength=len(BrainChannel))
    return tumour_map_pb2.BrainMapReport(
        channels=[channel.name for channel in BrainChannel],
        volumes_ml=(counts * brain_map.voxel_volume_ml).tolist(),
        times=times,
        geometry=geometry_of(brain_map),
    )


def description_response(
    description: Description, tumour: Volume[np.uint8]
) -> tumour_map_pb2.DescribeTumourMapResponse:
    """Returns what a tumour map holds, as a message.

    Args:
        description: What the library found.
        tumour: The tumour map.
    """
    lobes = [
        tumour_map_pb2.LobeShare(
            lobe=tumour_map_pb2.LOBE_UNSPECIFIED if item.lobe is None else _LOBES[item.lobe],
            side=_SIDES[item.side],
            share=item.share,
        )
        for item in description.lobes
    ]
    return tumour_map_pb2.DescribeTumourMapResponse(
        regions=[_measure(item) for item in description.regions],
        lobes=lobes,
        component_count=description.component_count,
        outside_brain_ml=description.outside_brain_ml,
        geometry=geometry_of(tumour),
    )


def edit_responses(
    report: tumour_map_pb2.EditTumourMapReport, encoded: list[Encoded]
) -> Iterator[tumour_map_pb2.EditTumourMapResponse]:
    """Yields the final answers: the report, then the volumes.

    Args:
        report: The report.
        encoded: The volumes.
    """
    yield tumour_map_pb2.EditTumourMapResponse(report=report)
    for part in encoded_parts(encoded):
        yield tumour_map_pb2.EditTumourMapResponse(volume=part)


def brain_map_responses(
    report: tumour_map_pb2.BrainMapReport, encoded: list[Encoded]
) -> Iterator[tumour_map_pb2.BuildBrainMapResponse]:
    """Yields the final answers: the report, then the brain map.

    Args:
        report: The report.
        encoded: The brain map.
    """
    yield tumour_map_pb2.BuildBrainMapResponse(report=report)
    for part in encoded_parts(encoded):
        yield tumour_map_pb2.BuildBrainMapResponse(volume=part)


def edit_progress(progress: volume_pb2.Progress) -> tumour_map_pb2.EditTumourMapResponse:
    """Returns a progress as an answer of `EditTumourMap`."""
    return tumour_map_pb2.EditTumourMapResponse(progress=progress)


def brain_map_progress(progress: volume_pb2.Progress) -> tumour_map_pb2.BuildBrainMapResponse:
    """Returns a progress as an answer of `BuildBrainMap`."""
    return tumour_map_pb2.BuildBrainMapResponse(progress=progress)


def _label_map(edited: EditedTumour, inputs: Inputs) -> Volume[np.generic] | None:
    if inputs.label_map is None:
        return None
    affine, name = inputs.label_map.affine, inputs.label_map.name
    if inputs.brain_map is None:
        return None if edited.tissues is None else Volume(edited.tissues, affine, name)
    stayed = edited.around is inputs.around
    labels = edited.labels.data if stayed else np.zeros_like(inputs.tumour.data)
    return Volume(move_tumour(inputs.brain_map, labels), affine, name)


def _step(step: EditStep) -> tumour_map_pb2.EditStep:
    return tumour_map_pb2.EditStep(
        edit=edit_message(step.edit),
        done=[edit_message(edit) for edit in step.done],
        draw_count=step.draws,
        before=[_measure(item) for item in step.before],
        after=[_measure(item) for item in step.after],
        clipped_ml=step.clipped_ml,
        lost=[_REGIONS[region] for region in step.lost],
    )


def _measure(measured: RegionMeasure) -> tumour_map_pb2.RegionMeasure:
    return tumour_map_pb2.RegionMeasure(
        region=_REGIONS[measured.region],
        volume_ml=measured.volume_ml,
        centroid_mm=measured.centroid_mm or (),
    )
