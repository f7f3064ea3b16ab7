"""The volumes of a request, by what they are for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gliosynth.anatomy import anatomy_names, load_anatomy
from gliosynth.brain_map import BrainChannel, BrainMap, check_brain_map, tumour_of
from gliosynth.client.transfer import ReceivedVolume
from gliosynth.errors import InvalidCaseError, InvalidLabelError, InvalidParameterError
from gliosynth.geometry import grid_of
from gliosynth.raw import VolumeLimits
from gliosynth.tumour_map import GLIOSYNTH_KEY, Surroundings, TissueKey
from gliosynth.tumour_map.surroundings import check_same_grid
from gliosynth.v1 import tumour_map_pb2, volume_pb2
from gliosynth.volume import Volume
from services.runtime.volumes import decode_image, decode_labels, decode_mask

HEAD_ROLES: Final = (
    volume_pb2.VOLUME_ROLE_BRAIN_MASK,
    volume_pb2.VOLUME_ROLE_LABEL_MAP,
    volume_pb2.VOLUME_ROLE_CONTRAST,
)
"""Roles of the volumes that say where the brain is."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """A decoded request.

    Attributes:
        tumour: The tumour map.
        around: The head on the same grid, or None.
        label_map: The label map that was sent with it, or None.
        brain_map: The same as a brain map, where it is one.
        heads: Other heads by name, for transplants.
    """

    tumour: Volume[np.uint8]
    around: Surroundings | None = None
    label_map: Volume[np.integer] | None = None
    brain_map: BrainMap | None = None
    heads: dict[str, Surroundings] = field(default_factory=dict)

    def anatomy(self, name: str) -> Surroundings:
        """Returns the head of a name: one that was sent, or a built-in one.

        Raises:
            InvalidParameterError: UNKNOWN_ANATOMY.
        """
        if name in self.heads:
            return self.heads[name]
        if name not in anatomy_names():
            sent = ", ".join(self.heads) or "none"
            raise InvalidParameterError(
                f"anatomy: there is no head {name[:64]!r}; send a BRAIN_MASK or LABEL_MAP of this name (sent: {sent}),"
                f" or choose one of {anatomy_names()[0]} to {anatomy_names()[-1]}",
                field="anatomy",
                got=name[:64],
                reason="UNKNOWN_ANATOMY",
            )
        return Surroundings.of_anatomy(load_anatomy(name))


def key_of(message: tumour_map_pb2.TissueKey) -> TissueKey:
    """Returns what the values of a label map mean.

    Args:
        message: As received; empty for gliosynth's own values.

    Raises:
        InvalidParameterError: Values that are barred are no brain.
    """
    if not message.brain_labels and not message.barred_labels:
        return GLIOSYNTH_KEY
    stray = sorted(set(message.barred_labels) - set(message.brain_labels))
    if stray:
        raise InvalidParameterError(
            f"tissue_key.barred_labels: {stray[:5]} are not among brain_labels; name them there as well",
            field="tissue_key.barred_labels",
            got=str(stray[:5]),
        )
    return TissueKey(tuple(message.brain_labels), tuple(message.barred_labels))


def is_brain_map_kind(kind: tumour_map_pb2.LabelMapKind.ValueType) -> bool:
    """Returns whether a label map is a brain map.

    Args:
        kind: As received; UNSPECIFIED stands for tissues.

    Raises:
        InvalidParameterError: It is not one of the proto's.
    """
    if kind not in tumour_map_pb2.LabelMapKind.values():
        raise InvalidParameterError(
            f"options.label_map_kind: {kind} is no kind; use one of LabelMapKind",
            field="options.label_map_kind",
            got=str(kind),
        )
    return kind == tumour_map_pb2.LABEL_MAP_KIND_BRAIN_MAP


def read_inputs(
    volumes: Sequence[ReceivedVolume],
    *,
    limits: VolumeLimits,
    key: TissueKey,
    heads: Sequence[str] = (),
    is_brain_map: bool = False,
) -> Inputs:
    """Returns the volumes of a request.

    Args:
        volumes: Everything that was received.
        limits: What one volume may cost.
        key: What the values of a label map of tissues mean.
        heads: Names of volumes that are the heads of transplants.
        is_brain_map: Whether the label map is a brain map.

    Raises:
        InvalidCaseError: A volume is missing, given twice, on another grid, or has no place here.
        InvalidVolumeError: A volume cannot be used.
        InvalidLabelError: A label map holds what it must not.
        BudgetExceededError: A volume is larger than the limits allow.
    """
    named = [item for item in volumes if item.header.name in heads and item.header.role in HEAD_ROLES]
    rest = [item for item in volumes if not any(item is other for other in named)]
    others = {item.header.name: _head(item, limits, key) for item in named}
    maps, around = _sorted(rest)
    label_map = tissue_labels(around, limits) if around is not None and _is_label_map(around) else None
    if is_brain_map and label_map is not None:
        return _of_brain_map(maps, label_map, limits, others)
    if len(maps) != 1:
        raise wrong_count("tumour_map", len(maps))
    tumour = decode_labels(maps[0], limits)
    head = None
    if label_map is not None:
        head = Surroundings.of_tissues(label_map, key)
    elif around is not None:
        head = _head(around, limits, key)
    if around is not None and head is not None:
        check_same_grid(grid_of(tumour), head.grid, name=around.header.name)
    return Inputs(tumour, head, label_map, None, others)


def tissue_labels(received: ReceivedVolume, limits: VolumeLimits) -> Volume[np.integer]:
    """Returns a label map of tissues: uint8 where its values allow it, else uint16.

    Args:
        received: The volume as it came.
        limits: What it may cost.

    Raises:
        InvalidVolumeError: It cannot be read.
        InvalidLabelError: A value is no integer of 0 to 65535.
    """
    image = decode_image(received, limits)
    lowest, highest = float(image.data.min()), float(image.data.max())
    dtype = np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16
    if lowest < 0 or highest > np.iinfo(np.uint16).max or not _integral(image.data):
        raise InvalidLabelError(
            f"{image.name}: a label map holds integers of 0 to 65535, not {lowest:g} to {highest:g}; send labels, not"
            " intensities",
            field=image.name,
            got=f"{lowest:g} to {highest:g}",
        )
    return Volume[np.integer](image.data.astype(dtype), image.affine, image.name)


def wrong_count(name: str, count: int) -> InvalidCaseError:
    """Returns the error for a volume that is missing or given twice.

    Args:
        name: Role of the volume, in words.
        count: How many there are.
    """
    return InvalidCaseError(
        f"{name}: {count} volumes have this role; send exactly one",
        field=name,
        got=str(count),
        reason="DUPLICATE_VOLUME" if count else "MISSING_VOLUME",
    )


def no_place(header: volume_pb2.VolumeHeader, wanted: str) -> InvalidCaseError:
    """Returns the error for a volume whose role a request does not know.

    Args:
        header: Its header.
        wanted: What the request wants instead.
    """
    role = volume_pb2.VolumeRole.Name(header.role)
    return InvalidCaseError(
        f"{header.name}: a volume of {role} has no place in this request; send {wanted}",
        field=f"{header.name}.role",
        got=role,
        reason="UNEXPECTED_ROLE",
    )


def _sorted(volumes: Sequence[ReceivedVolume]) -> tuple[list[ReceivedVolume], ReceivedVolume | None]:
    """Returns the tumour maps, and the one volume that says where the brain is."""
    maps = [item for item in volumes if item.header.role == volume_pb2.VOLUME_ROLE_TUMOUR_MAP]
    heads = [item for item in volumes if item.header.role in HEAD_ROLES]
    for item in volumes:
        if item.header.role not in (volume_pb2.VOLUME_ROLE_TUMOUR_MAP, *HEAD_ROLES):
            raise no_place(item.header, "a TUMOUR_MAP and at most one BRAIN_MASK, LABEL_MAP or CONTRAST")
    if len(heads) > 1:
        raise InvalidCaseError(
            f"{heads[1].header.name}: {len(heads)} volumes say where the brain is; send at most one of BRAIN_MASK,"
            " LABEL_MAP and CONTRAST (heads of transplants bear the names that the edits give them)",
            field=heads[1].header.name,
            got=str(len(heads)),
            reason="DUPLICATE_VOLUME",
        )
    return maps, heads[0] if heads else None


def _of_brain_map(
    maps: Sequence[ReceivedVolume],
    label_map: Volume[np.integer],
    limits: VolumeLimits,
    heads: dict[str, Surroundings],
) -> Inputs:
    brain_map = check_brain_map(label_map.data, name=label_map.name)
    if len(maps) > 1:
        raise wrong_count("tumour_map", len(maps))
    tumour = decode_labels(maps[0], limits) if maps else Volume(tumour_of(brain_map), label_map.affine, "tumour_map")
    check_same_grid(grid_of(tumour), grid_of(label_map), name=label_map.name)
    brain = Volume[np.bool_](brain_map != BrainChannel.BACKGROUND, label_map.affine, label_map.name)
    return Inputs(tumour, Surroundings.of_mask(brain), label_map, brain_map, heads)


def _head(received: ReceivedVolume, limits: VolumeLimits, key: TissueKey) -> Surroundings:
    if received.header.role == volume_pb2.VOLUME_ROLE_BRAIN_MASK:
        return Surroundings.of_mask(decode_mask(received, limits))
    if _is_label_map(received):
        return Surroundings.of_tissues(tissue_labels(received, limits), key)
    return Surroundings.of_image(decode_image(received, limits))


def _is_label_map(received: ReceivedVolume) -> bool:
    return received.header.role == volume_pb2.VOLUME_ROLE_LABEL_MAP


def _integral(data: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bool:
    return bool(np.issubdtype(data.dtype, np.integer) or np.array_equal(data, np.rint(data)))
