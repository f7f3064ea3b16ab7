"""How a volume crosses the wire: a header, then chunks, into one buffer that is allocated once.

Both ends use this module: the caller to send contrasts and receive label maps, the server the other way round. A sender
slices the volume's own memory; a receiver copies each chunk once, into place. Nothing here knows channels or servers.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gliosynth.errors import BudgetExceededError, InvalidParameterError, InvalidVolumeError
from gliosynth.v1 import volume_pb2 as pb

CHUNK_BYTES: Final = 1 << 20
"""Bytes in a chunk: 1 MiB, the fastest size for the synchronous stack (256 KiB to 2 MiB are within a tenth)."""

LARGEST_CHUNK_BYTES: Final = 2 << 20
"""Most bytes that a receiver accepts in one chunk."""

LARGEST_MESSAGE_BYTES: Final = LARGEST_CHUNK_BYTES + (64 << 10)
"""Receive limit of a channel or server: the largest chunk and slack for its framing. It is the memory guard as well."""

LONGEST_NAME: Final = 128
"""Most characters in a volume's name."""


@dataclass(frozen=True)
class TransferBudget:
    """What one request may send.

    Attributes:
        max_bytes: Most bytes over all volumes together.
        max_volumes: Most volumes.
    """

    max_bytes: int
    max_volumes: int


@dataclass(frozen=True, eq=False)
class ReceivedVolume:
    """One complete volume as it came over the wire, not decoded.

    Attributes:
        header: What was announced.
        data: The bytes that followed, exactly as many as announced.
    """

    header: pb.VolumeHeader
    data: memoryview


def volume_parts(
    header: pb.VolumeHeader,
    data: bytes | bytearray | memoryview,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    checksum: bool = True,
) -> Iterator[pb.VolumePart]:
    """Yields the header, completed with size and SHA-256, then the bytes in chunks.

    Args:
        header: Name, role, encoding and, where needed, contrast and geometry. `size_bytes` and `sha256` are filled in.
        data: The encoded volume; any contiguous buffer of bytes. It is not copied as a whole.
        chunk_bytes: Bytes in a chunk, 1 to `LARGEST_CHUNK_BYTES`.
        checksum: Whether to send the SHA-256; it costs both ends more than the transfer of uncompressed volumes.
    """
    view = memoryview(data).cast("B")
    announced = pb.VolumeHeader()
    announced.CopyFrom(header)
    announced.size_bytes = len(view)
    if checksum:
        announced.sha256 = hashlib.sha256(view).digest()
    yield pb.VolumePart(header=announced)
    for start in range(0, len(view), chunk_bytes):
        yield pb.VolumePart(chunk=bytes(view[start : start + chunk_bytes]))


def check_header(header: pb.VolumeHeader) -> None:
    """Refuses a header that does not say what follows.

    Args:
        header: As received.

    Raises:
        InvalidVolumeError: Name, role, contrast, encoding, size, checksum or raw layout is missing or out of range.
    """
    checks = (
        ("name", "NAME_INVALID", 0 < len(header.name) <= LONGEST_NAME, "give it a name of 1 to 128 characters"),
        ("role", "ROLE_MISSING", header.role in _ROLES, "say whether it is a contrast, mask, prediction or reference"),
        ("contrast", "CONTRAST_MISSING", _contrast_fits(header), "a contrast, and only that, is t1n, t1c, t2w or t2f"),
        ("encoding", "ENCODING_MISSING", header.encoding in _ENCODINGS, "say how the bytes that follow are encoded"),
        ("size_bytes", "EMPTY_VOLUME", header.size_bytes > 0, "it announces 0 bytes; send the whole file"),
        ("sha256", "SHA256_LENGTH", len(header.sha256) in (0, 32), "a SHA-256 digest has 32 bytes"),
    )
    name = (header.name or "volume")[:LONGEST_NAME]
    for part, reason, holds, remedy in checks:
        if not holds:
            message = f"{name}: the header's {part} is wrong: {remedy}"
            raise InvalidVolumeError(message, field=f"{name}.{part}", reason=reason)


_ROLES: Final = frozenset(pb.VolumeRole.values()) - {pb.VOLUME_ROLE_UNSPECIFIED}
_CONTRASTS: Final = frozenset(pb.Contrast.values()) - {pb.CONTRAST_UNSPECIFIED}
_ENCODINGS: Final = frozenset(pb.VolumeEncoding.values()) - {pb.VOLUME_ENCODING_UNSPECIFIED}


def _contrast_fits(header: pb.VolumeHeader) -> bool:
    """Says whether the contrast is there exactly when the role needs it."""
    return (header.contrast in _CONTRASTS) == (header.role == pb.VOLUME_ROLE_CONTRAST)


@dataclass
class _Filling:
    """A volume whose bytes are still arriving."""

    header: pb.VolumeHeader
    buffer: bytearray
    received: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class VolumeReceiver:
    """Puts the parts of a stream together, one preallocated buffer for each volume.

    Sizes are checked when they are announced, before memory is taken. The object is fed by one thread.
    """

    def __init__(self, budget: TransferBudget, *, reserve: Callable[[int], None] | None = None) -> None:
        """Starts with nothing received.

        Args:
            budget: What the request may send.
            reserve: Called with the size of each volume before its buffer is allocated; may raise to refuse it.
        """
        self._budget = budget
        self._reserve = reserve
        self._filling: _Filling | None = None
        self._volumes: list[ReceivedVolume] = []
        self._announced_bytes = 0

    def feed(self, part: pb.VolumePart) -> None:
        """Takes the next part of the stream.

        Args:
            part: A header or a chunk.

        Raises:
            InvalidVolumeError: The part breaks the protocol: see `check_header`, and CHUNK_BEFORE_HEADER,
                VOLUME_INCOMPLETE, NAME_TWICE, TOO_MANY_BYTES, SHA256_MISMATCH.
            InvalidParameterError: The part is empty.
            BudgetExceededError: More bytes or volumes were announced than the budget allows.
        """
        kind = part.WhichOneof("part")
        if kind == "header":
            self._start(part.header)
        elif kind == "chunk":
            self._append(part.chunk)
        else:
            raise InvalidParameterError(
                "volume: the part holds neither a header nor a chunk; send one of the two",
                field="volume",
                reason="EMPTY_PART",
            )

    def finish(self) -> list[ReceivedVolume]:
        """Returns the volumes in the order they were announced.

        Raises:
            InvalidVolumeError: The last volume is incomplete.
        """
        self._check_complete()
        return list(self._volumes)

    def _start(self, header: pb.VolumeHeader) -> None:
        self._check_complete()
        check_header(header)
        if any(volume.header.name == header.name for volume in self._volumes):
            raise InvalidVolumeError(
                f"{header.name}: two volumes of the request have this name; give each its own",
                field=header.name,
                got=header.name,
                reason="NAME_TWICE",
            )
        self._check_budget(header)
        if self._reserve is not None:
            self._reserve(header.size_bytes)
        self._announced_bytes += header.size_bytes
        self._filling = _Filling(header, bytearray(header.size_bytes))

    def _check_budget(self, header: pb.VolumeHeader) -> None:
        total = self._announced_bytes + header.size_bytes
        if total > self._budget.max_bytes:
            raise BudgetExceededError(
                f"{header.name}: the request announces {total} bytes, at most {self._budget.max_bytes} are allowed;"
                " crop or compress the volumes",
                field=header.name,
                got=str(total),
                reason="REQUEST_TOO_LARGE",
            )
        if len(self._volumes) >= self._budget.max_volumes:
            raise BudgetExceededError(
                f"{header.name}: the request may hold {self._budget.max_volumes} volumes; leave this one out",
                field=header.name,
                got=str(len(self._volumes) + 1),
                reason="TOO_MANY_VOLUMES",
            )

    def _append(self, chunk: bytes) -> None:
        filling = self._filling
        if filling is None:
            raise InvalidVolumeError(
                f"volume: a chunk of {len(chunk)} bytes arrived while no announced volume was open; send its header"
                " first, and no more bytes than it announces",
                field="volume",
                got=str(len(chunk)),
                reason="TOO_MANY_BYTES" if self._volumes else "CHUNK_BEFORE_HEADER",
            )
        end = filling.received + len(chunk)
        if end > len(filling.buffer):
            raise InvalidVolumeError(
                f"{filling.header.name}: {end} bytes arrived, but its header announced {len(filling.buffer)};"
                " announce the true size",
                field=f"{filling.header.name}.size_bytes",
                got=str(end),
                reason="TOO_MANY_BYTES",
            )
        filling.buffer[filling.received : end] = chunk
        filling.received = end
        if filling.header.sha256:
            filling.digest.update(chunk)
        if end == len(filling.buffer):
            self._complete(filling)

    def _complete(self, filling: _Filling) -> None:
        if filling.header.sha256 and filling.digest.digest() != filling.header.sha256:
            raise InvalidVolumeError(
                f"{filling.header.name}: the bytes do not match the announced SHA-256; send the file again",
                field=f"{filling.header.name}.sha256",
                got=filling.digest.hexdigest(),
                reason="SHA256_MISMATCH",
            )
        self._volumes.append(ReceivedVolume(filling.header, memoryview(filling.buffer)))
        self._filling = None

    def _check_complete(self) -> None:
        filling = self._filling
        if filling is not None:
            raise InvalidVolumeError(
                f"{filling.header.name}: {filling.received} of {len(filling.buffer)} announced bytes arrived;"
                " send all of them before the next volume or the end",
                field=filling.header.name,
                got=str(filling.received),
                reason="VOLUME_INCOMPLETE",
            )
