"""Edits of tumour maps as messages, and back.

The fields of a message have the names of the dataclass; a field that is absent has the dataclass's default. So one
function in each direction serves all edits, and only the enumerations need a table.
"""

from collections.abc import Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from gliosynth.client.convert import REGION_OF_VALUE
from gliosynth.errors import InvalidParameterError
from gliosynth.tumour_map.edits import Edit
from gliosynth.tumour_map.places import Lobe, MirrorPlane, Side
from gliosynth.tumour_map.recipe import EDIT_CLASSES, edit_of
from gliosynth.v1 import tumour_map_pb2 as pb

LOBE_OF_VALUE: Final = MappingProxyType(
    {
        pb.LOBE_FRONTAL: Lobe.FRONTAL,
        pb.LOBE_PARIETAL: Lobe.PARIETAL,
        pb.LOBE_TEMPORAL: Lobe.TEMPORAL,
        pb.LOBE_OCCIPITAL: Lobe.OCCIPITAL,
        pb.LOBE_INSULA: Lobe.INSULA,
        pb.LOBE_DEEP: Lobe.DEEP,
    }
)
"""Lobe of each wire value."""

SIDE_OF_VALUE: Final = MappingProxyType({pb.SIDE_LEFT: Side.LEFT, pb.SIDE_RIGHT: Side.RIGHT})
"""Hemisphere of each wire value."""

PLANE_OF_VALUE: Final = MappingProxyType(
    {
        pb.MIRROR_PLANE_UNSPECIFIED: MirrorPlane.MIDLINE,
        pb.MIRROR_PLANE_MIDLINE: MirrorPlane.MIDLINE,
        pb.MIRROR_PLANE_SAGITTAL: MirrorPlane.SAGITTAL,
        pb.MIRROR_PLANE_CORONAL: MirrorPlane.CORONAL,
        pb.MIRROR_PLANE_AXIAL: MirrorPlane.AXIAL,
    }
)
"""Plane of each wire value."""

_ENUMS: Final[dict[str, dict[int, StrEnum]]] = {
    "Region": {int(value): region for value, region in REGION_OF_VALUE.items()},
    "Lobe": {int(value): lobe for value, lobe in LOBE_OF_VALUE.items()},
    "Side": {int(value): side for value, side in SIDE_OF_VALUE.items()},
    "MirrorPlane": {int(value): plane for value, plane in PLANE_OF_VALUE.items()},
}
"""Members of each enumeration by its name in the contract."""


def edit_message(edit: Edit) -> pb.TumourEdit:
    """Returns an edit as a message, every field written out.

    Args:
        edit: Any edit.
    """
    message = pb.TumourEdit()
    inner = getattr(message, edit.edit)
    inner.SetInParent()
    for field in inner.DESCRIPTOR.fields:
        value = getattr(edit, field.name)
        if field.enum_type is not None:
            value = _wire_value(field.enum_type.name, value)
        setattr(inner, field.name, value)
    return message


def edit_from(message: pb.TumourEdit, *, field: str) -> Edit:
    """Returns the edit of a message.

    Args:
        message: As received.
        field: Where it stands in the request, such as ``edits[0]``, for messages.

    Raises:
        InvalidParameterError: It names no edit, or a field is out of range.
    """
    name = message.WhichOneof("edit")
    if name is None:
        raise InvalidParameterError(
            f"{field}: the message names no edit; set one of {', '.join(EDIT_CLASSES)}", field=field
        )
    inner = getattr(message, name)
    values: dict[str, Any] = {"edit": name}
    for part in inner.DESCRIPTOR.fields:
        if part.has_presence and not inner.HasField(part.name):
            continue
        value = getattr(inner, part.name)
        if part.enum_type is not None:
            value = _member(part.enum_type.name, value, f"{field}.{part.name}")
        values[part.name] = value
    return edit_of(values, field)


def edits_of(messages: Sequence[pb.TumourEdit]) -> tuple[Edit, ...]:
    """Returns the edits of a request.

    Args:
        messages: As received.

    Raises:
        InvalidParameterError: One of them is wrong; the field begins with ``edits[i]``.
    """
    return tuple(edit_from(message, field=f"edits[{index}]") for index, message in enumerate(messages))


def _wire_value(enum: str, member: StrEnum) -> int:
    return next(value for value, known in reversed(_ENUMS[enum].items()) if known is member)


def _member(enum: str, value: int, field: str) -> StrEnum:
    if value not in _ENUMS[enum]:
        names = ", ".join(member.value for member in dict.fromkeys(_ENUMS[enum].values()))
        raise InvalidParameterError(
            f"{field}: {value} is none of {names}; give one of them", field=field, got=str(value)
        )
    return _ENUMS[enum][value]
