"""The messages of the tumour-map service in the order it wants them: options first, then each volume and its chunks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from gliosynth.client.payloads import VolumeFile
from gliosynth.client.transfer import volume_parts
from gliosynth.v1 import tumour_map_pb2 as pb
from gliosynth.v1 import volume_pb2


class HeadKind(Enum):
    """What a file says about a head."""

    BRAIN_MASK = volume_pb2.VOLUME_ROLE_BRAIN_MASK
    """Non-zero voxels are brain."""
    LABEL_MAP = volume_pb2.VOLUME_ROLE_LABEL_MAP
    """Tissues, see `TissueKey`; they come back healed."""
    IMAGE = volume_pb2.VOLUME_ROLE_CONTRAST
    """A skull-stripped image: non-zero voxels are brain."""


@dataclass(frozen=True)
class HeadFile:
    """The head around a tumour.

    Attributes:
        volume: The file.
        kind: What it is.
    """

    volume: VolumeFile
    kind: HeadKind


NO_HEADS: Final[Mapping[str, HeadFile]] = MappingProxyType({})
"""No other heads."""

HEAD_NAME: Final = "head"
"""Name of the head that the tumour lies in: file names may hold patient text and are never sent."""


def edit_requests(
    options: pb.EditTumourMapOptions, parts: Iterable[volume_pb2.VolumePart]
) -> Iterator[pb.EditTumourMapRequest]:
    """Yields the messages of ``EditTumourMap``."""
    yield pb.EditTumourMapRequest(options=options)
    for part in parts:
        yield pb.EditTumourMapRequest(volume=part)


def brain_map_requests(parts: Iterable[volume_pb2.VolumePart]) -> Iterator[pb.BuildBrainMapRequest]:
    """Yields the messages of ``BuildBrainMap``."""
    yield pb.BuildBrainMapRequest(options=pb.BuildBrainMapOptions())
    for part in parts:
        yield pb.BuildBrainMapRequest(volume=part)


def describe_requests(
    options: pb.DescribeTumourMapOptions, parts: Iterable[volume_pb2.VolumePart]
) -> Iterator[pb.DescribeTumourMapRequest]:
    """Yields the messages of ``DescribeTumourMap``."""
    yield pb.DescribeTumourMapRequest(options=options)
    for part in parts:
        yield pb.DescribeTumourMapRequest(volume=part)


def tumour_parts(
    tumour: VolumeFile, head: HeadFile | None, other_heads: Mapping[str, HeadFile]
) -> Iterator[volume_pb2.VolumePart]:
    """Yields a tumour map, its head if there is one, then the heads of transplants.

    Args:
        tumour: Label map of the tumour.
        head: The head that it lies in.
        other_heads: Heads by the names that edits give them.
    """
    yield from named("tumour_map", volume_pb2.VOLUME_ROLE_TUMOUR_MAP, tumour)
    if head is not None:
        yield from named(HEAD_NAME, head.kind.value, head.volume)
    for name, other in other_heads.items():
        yield from named(name, other.kind.value, other.volume)


def named(name: str, role: volume_pb2.VolumeRole.ValueType, file: VolumeFile) -> Iterator[volume_pb2.VolumePart]:
    """Yields one volume.

    Args:
        name: What it is called in messages.
        role: What it is. Which contrast an image is does not matter here, but the contract wants one: it goes as t1c.
        file: Its bytes.
    """
    header = volume_pb2.VolumeHeader(name=name, role=role, encoding=file.encoding.value)
    if role == volume_pb2.VOLUME_ROLE_CONTRAST:
        header.contrast = volume_pb2.CONTRAST_T1C
    yield from volume_parts(header, file.data)
