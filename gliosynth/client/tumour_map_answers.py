"""Answers of the tumour-map service as dataclasses."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from gliosynth.brain_map import BrainChannel, check_brain_map
from gliosynth.client import convert
from gliosynth.client.answers import broken_answer
from gliosynth.client.transfer import ReceivedVolume
from gliosynth.client.tumour_edits import LOBE_OF_VALUE, SIDE_OF_VALUE, edit_from
from gliosynth.client.tumour_map_results import BrainMapResult, EditedTumourMap
from gliosynth.nifti import read_label_map, read_nifti
from gliosynth.tumour_map import EditStep, Healing, RegionMeasure
from gliosynth.tumour_map.describe import Description, LobeShare
from gliosynth.v1 import tumour_map_pb2 as pb
from gliosynth.v1 import volume_pb2
from gliosynth.volume import Volume


def edited_from(report: pb.EditTumourMapReport, volumes: Sequence[ReceivedVolume]) -> EditedTumourMap:
    """Returns an edited tumour map.

    Args:
        report: What the server says about it.
        volumes: The tumour map and, if one was sent, the label map, as NIfTI.

    Raises:
        ModelError: There is not exactly one tumour map.
    """
    tumours = [bytes(item.data) for item in volumes if item.header.role == volume_pb2.VOLUME_ROLE_TUMOUR_MAP]
    label_maps = [bytes(item.data) for item in volumes if item.header.role == volume_pb2.VOLUME_ROLE_LABEL_MAP]
    if len(tumours) != 1 or len(label_maps) > 1:
        raise broken_answer(f"one tumour map and at most one label map, not {len(tumours)} and {len(label_maps)}")
    healing = report.healing if report.HasField("healing") else None
    return EditedTumourMap(
        labels=read_label_map(tumours[0], name="tumour_map"),
        labels_nifti=tumours[0],
        label_map_nifti=label_maps[0] if label_maps else None,
        steps=tuple(_step_from(step) for step in report.steps),
        before=measures_from(report.before),
        after=measures_from(report.after),
        clipped_ml=report.clipped_ml,
        healing=None if healing is None else Healing(healing.mirrored_ml, healing.nearest_ml),
        flags=convert.flags_from(report.flags),
        times=convert.times_from(report.times),
    )


def brain_map_from(report: pb.BrainMapReport, volumes: Sequence[ReceivedVolume]) -> BrainMapResult:
    """Returns a brain map.

    Args:
        report: What the server says about it.
        volumes: The brain map alone, as NIfTI.

    Raises:
        ModelError: There is not exactly one volume, or it has other channels than this client knows.
    """
    known = [channel.name for channel in BrainChannel]
    if len(volumes) != 1 or list(report.channels) != known:
        raise broken_answer(f"one brain map of {', '.join(known)}")
    data = bytes(volumes[0].data)
    volume = read_nifti(data, name="brain_map")
    return BrainMapResult(
        brain_map=Volume[np.uint8](check_brain_map(volume.data, name=volume.name), volume.affine, volume.name),
        nifti=data,
        volumes_ml=MappingProxyType(dict(zip(BrainChannel, report.volumes_ml, strict=True))),
        times=convert.times_from(report.times),
    )


def description_from(answer: pb.DescribeTumourMapResponse) -> Description:
    """Returns what a tumour map holds."""
    lobes = tuple(
        LobeShare(LOBE_OF_VALUE.get(item.lobe), SIDE_OF_VALUE[item.side], item.share) for item in answer.lobes
    )
    outside_ml = answer.outside_brain_ml if answer.HasField("outside_brain_ml") else None
    return Description(measures_from(answer.regions), lobes, answer.component_count, outside_ml)


def measures_from(messages: Sequence[pb.RegionMeasure]) -> tuple[RegionMeasure, ...]:
    """Returns size and place of each region."""
    return tuple(_measure_from(item) for item in messages)


def _measure_from(message: pb.RegionMeasure) -> RegionMeasure:
    centroid_mm = None
    if message.centroid_mm:
        x, y, z = message.centroid_mm
        centroid_mm = (x, y, z)
    return RegionMeasure(convert.REGION_OF_VALUE[message.region], message.volume_ml, centroid_mm)


def _step_from(message: pb.EditStep) -> EditStep:
    return EditStep(
        edit=edit_from(message.edit, field="edit"),
        done=tuple(edit_from(item, field="done") for item in message.done),
        draws=message.draw_count,
        before=measures_from(message.before),
        after=measures_from(message.after),
        clipped_ml=message.clipped_ml,
    )
