"""Tests of gliosynth.client.transfer: both ends agree, and whatever breaks the protocol is named."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliosynth.client.transfer import LONGEST_NAME, TransferBudget, VolumeReceiver, volume_parts
from gliosynth.errors import BudgetExceededError, GliosynthError, InvalidParameterError, InvalidVolumeError
from gliosynth.v1 import volume_pb2 as pb

BUDGET = TransferBudget(max_bytes=1000, max_volumes=3)


def header(name: str = "t1c", size_bytes: int = 4, **changes: object) -> pb.VolumeHeader:
    fields = {
        "name": name,
        "role": pb.VOLUME_ROLE_CONTRAST,
        "contrast": pb.CONTRAST_T1C,
        "encoding": pb.VOLUME_ENCODING_NIFTI,
        "size_bytes": size_bytes,
    }
    return pb.VolumeHeader(**{**fields, **changes})


def received(*parts: pb.VolumePart, budget: TransferBudget = BUDGET) -> VolumeReceiver:
    receiver = VolumeReceiver(budget)
    for part in parts:
        receiver.feed(part)
    return receiver


@given(data=st.binary(min_size=1, max_size=300), chunk_bytes=st.integers(1, 400))
def test_what_is_sent_is_received(data: bytes, chunk_bytes: int) -> None:
    """The receiver holds the sender's bytes, whatever the chunk size, and the header's size and SHA-256 are theirs."""
    (volume,) = received(*volume_parts(header(), data, chunk_bytes=chunk_bytes)).finish()
    assert bytes(volume.data) == data
    assert volume.header.size_bytes == len(data)
    assert volume.header.sha256 == hashlib.sha256(data).digest()


def test_the_checksum_can_be_left_out() -> None:
    """Without it the bytes arrive all the same, and nothing is checked."""
    (volume,) = received(*volume_parts(header(), b"1234", checksum=False)).finish()
    assert (bytes(volume.data), volume.header.sha256) == (b"1234", b"")


def test_chunks_hold_what_they_should() -> None:
    """Ten bytes in chunks of four are one header, then 4, 4 and 2 bytes."""
    parts = list(volume_parts(header(), b"0123456789", chunk_bytes=4))
    assert parts[0].header.size_bytes == 10
    assert [part.chunk for part in parts[1:]] == [b"0123", b"4567", b"89"]


def test_volumes_come_back_in_order() -> None:
    """Several volumes of one stream are handed out in the order they were announced."""
    parts = [*volume_parts(header("b"), b"22"), *volume_parts(header("a"), b"1")]
    assert [(v.header.name, bytes(v.data)) for v in received(*parts).finish()] == [("b", b"22"), ("a", b"1")]


def test_memory_is_reserved_before_the_buffer_is_made() -> None:
    """`reserve` sees the announced size at the header, and what it raises refuses the volume."""
    seen: list[int] = []

    def refuse(size_bytes: int) -> None:
        seen.append(size_bytes)
        raise BudgetExceededError("full")

    with pytest.raises(BudgetExceededError, match="full"):
        VolumeReceiver(BUDGET, reserve=refuse).feed(pb.VolumePart(header=header(size_bytes=77)))
    assert seen == [77]


CHUNK = pb.VolumePart(chunk=b"1234")
PROTOCOL_ERRORS = {
    "EMPTY_PART": ([pb.VolumePart()], InvalidParameterError, "volume"),
    "CHUNK_BEFORE_HEADER": ([CHUNK], InvalidVolumeError, "volume"),
    "TOO_MANY_BYTES": ([pb.VolumePart(header=header(size_bytes=3)), CHUNK], InvalidVolumeError, "t1c.size_bytes"),
    "VOLUME_INCOMPLETE": (
        [pb.VolumePart(header=header(size_bytes=5)), CHUNK, pb.VolumePart(header=header("t1n"))],
        InvalidVolumeError,
        "t1c",
    ),
    "NAME_TWICE": ([pb.VolumePart(header=header()), CHUNK, pb.VolumePart(header=header())], InvalidVolumeError, "t1c"),
    "SHA256_MISMATCH": (
        [pb.VolumePart(header=header(sha256=bytes(32))), CHUNK],
        InvalidVolumeError,
        "t1c.sha256",
    ),
    "SHA256_LENGTH": ([pb.VolumePart(header=header(sha256=b"short"))], InvalidVolumeError, "t1c.sha256"),
    "NAME_INVALID": (
        [pb.VolumePart(header=header("n" * (LONGEST_NAME + 1)))],
        InvalidVolumeError,
        "n" * LONGEST_NAME + ".name",
    ),
    "ROLE_MISSING": ([pb.VolumePart(header=header(role=0, contrast=0))], InvalidVolumeError, "t1c.role"),
    "CONTRAST_MISSING": ([pb.VolumePart(header=header(contrast=0))], InvalidVolumeError, "t1c.contrast"),
    "ENCODING_MISSING": ([pb.VolumePart(header=header(encoding=0))], InvalidVolumeError, "t1c.encoding"),
    "EMPTY_VOLUME": ([pb.VolumePart(header=header(size_bytes=0))], InvalidVolumeError, "t1c.size_bytes"),
    "REQUEST_TOO_LARGE": ([pb.VolumePart(header=header(size_bytes=1001))], BudgetExceededError, "t1c"),
    "TOO_MANY_VOLUMES": (
        [part for name in "abcd" for part in volume_parts(header(name), b"1")],
        BudgetExceededError,
        "d",
    ),
}


@pytest.mark.parametrize("reason", PROTOCOL_ERRORS)
def test_a_broken_protocol_is_named(reason: str) -> None:
    """Each way to break the protocol has its own reason and names the volume."""
    parts, kind, field = PROTOCOL_ERRORS[reason]
    with pytest.raises(GliosynthError) as caught:
        received(*parts)
    assert (type(caught.value), caught.value.reason, caught.value.field) == (kind, reason, field)
    assert field.split(".")[0] in str(caught.value)


def test_a_chunk_after_the_last_byte_is_too_much() -> None:
    """Bytes beyond a complete volume are refused even when the volume was exactly full."""
    with pytest.raises(InvalidVolumeError) as caught:
        received(*volume_parts(header(), b"1234"), CHUNK)
    assert caught.value.reason == "TOO_MANY_BYTES"


def test_an_unfinished_volume_is_not_handed_out() -> None:
    """A stream that ends in the middle of a volume is an error that says how much arrived."""
    with pytest.raises(InvalidVolumeError, match="4 of 5 announced bytes") as caught:
        received(pb.VolumePart(header=header(size_bytes=5)), CHUNK).finish()
    assert caught.value.reason == "VOLUME_INCOMPLETE"


def test_the_budget_is_for_all_volumes_together() -> None:
    """Two volumes that fit alone are refused when their sum does not."""
    parts = [*volume_parts(header("a"), bytes(600)), pb.VolumePart(header=header("b", size_bytes=401))]
    with pytest.raises(BudgetExceededError) as caught:
        received(*parts)
    assert (caught.value.reason, caught.value.got) == ("REQUEST_TOO_LARGE", "1001")
