"""The volumes from which a brain map is built."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.client.transfer import ReceivedVolume
from gliosynth.geometry import axis_codes, grid_of
from gliosynth.labels import LabelMap, Mask
from gliosynth.raw import VolumeLimits
from gliosynth.tumour_map.surroundings import check_same_grid
from gliosynth.v1 import volume_pb2
from gliosynth.volume import Affine, Volume
from services.runtime.volumes import decode_image, decode_labels, decode_mask
from services.tumour_map.inputs import no_place, wrong_count

_NAMES: Final[dict["volume_pb2.VolumeRole.ValueType", str]] = {
    volume_pb2.VOLUME_ROLE_CONTRAST: "contrast",
    volume_pb2.VOLUME_ROLE_TUMOUR_MAP: "tumour_map",
    volume_pb2.VOLUME_ROLE_REFERENCE: "reference",
    volume_pb2.VOLUME_ROLE_BRAIN_MASK: "brain_mask",
}
"""Roles that have a place in the request, in words."""


@dataclass(frozen=True, eq=False)
class BrainMapInputs:
    """A decoded request.

    Attributes:
        image: Intensities.
        tumour: ``(X, Y, Z)``: where the tumour shall be.
        brain: ``(X, Y, Z)``.
        moved_from: ``(X, Y, Z)``: where the tumour is in the image, or None.
        slice_axis: The axis that points closest to the vertex or the feet.
    """

    image: Volume[np.float32]
    tumour: LabelMap
    brain: Mask
    moved_from: LabelMap | None
    slice_axis: int


def read_brain_map_inputs(volumes: Sequence[ReceivedVolume], limits: VolumeLimits) -> BrainMapInputs:
    """Returns the volumes of a request.

    Args:
        volumes: Everything that was received.
        limits: What one volume may cost.

    Raises:
        InvalidCaseError: A volume is missing, given twice, on another grid, or has no place here.
        InvalidVolumeError: A volume cannot be used.
        InvalidLabelError: A label map holds what it must not.
        BudgetExceededError: A volume is larger than the limits allow.
    """
    for item in volumes:
        if item.header.role not in _NAMES:
            raise no_place(item.header, "one CONTRAST, one TUMOUR_MAP, and perhaps a BRAIN_MASK and a REFERENCE")
    image = decode_image(_one(volumes, volume_pb2.VOLUME_ROLE_CONTRAST), limits)
    tumour = decode_labels(_one(volumes, volume_pb2.VOLUME_ROLE_TUMOUR_MAP), limits)
    masks = _at_most_one(volumes, volume_pb2.VOLUME_ROLE_BRAIN_MASK)
    references = _at_most_one(volumes, volume_pb2.VOLUME_ROLE_REFERENCE)
    brain = decode_mask(masks[0], limits) if masks else None
    moved_from = decode_labels(references[0], limits) if references else None
    for other in (image, brain, moved_from):
        if other is not None:
            check_same_grid(grid_of(tumour), grid_of(other), name=other.name)
    return BrainMapInputs(
        image=Volume(image.data.astype(np.float32, copy=False), image.affine, image.name),
        tumour=tumour.data,
        brain=image.data != 0 if brain is None else brain.data,
        moved_from=None if moved_from is None else moved_from.data,
        slice_axis=_slice_axis(image.affine),
    )


def _one(volumes: Sequence[ReceivedVolume], role: "volume_pb2.VolumeRole.ValueType") -> ReceivedVolume:
    found = _at_most_one(volumes, role)
    if not found:
        raise wrong_count(_NAMES[role], 0)
    return found[0]


def _at_most_one(volumes: Sequence[ReceivedVolume], role: "volume_pb2.VolumeRole.ValueType") -> list[ReceivedVolume]:
    found = [volume for volume in volumes if volume.header.role == role]
    if len(found) > 1:
        raise wrong_count(_NAMES[role], len(found))
    return found


def _slice_axis(affine: Affine) -> int:
    return next(axis for axis, code in enumerate(axis_codes(affine)) if code in "SI")
