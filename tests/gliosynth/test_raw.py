"""Raw bodies: order, byte order, zstd, and bodies that do not fit their header."""

import numpy as np
import pytest
import zstandard

from gliosynth.errors import BudgetExceededError, InvalidVolumeError
from gliosynth.raw import VolumeLimits, read_raw, write_raw
from gliosynth.volume import Volume


def test_x_runs_fastest_and_bytes_are_little_endian() -> None:
    """Bytes 1 0 2 0 ... of a (2, 2, 1) int16 volume are (0,0)=1, (1,0)=2, (0,1)=3, (1,1)=4."""
    body = bytes([1, 0, 2, 0, 3, 0, 4, 0])
    read = read_raw(body, dtype="int16", shape=(2, 2, 1), affine=np.eye(4), name="raw")
    assert read.data[:, :, 0].tolist() == [[1, 3], [2, 4]]
    assert write_raw(read) == body


@pytest.mark.parametrize("zstd", [True, False])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32", "float64"])
def test_reading_undoes_writing(dtype: str, zstd: bool) -> None:
    """Any dtype, compressed or not, any memory layout; bool comes back as uint8."""
    data = np.random.default_rng(0).integers(0, 2, (4, 5, 6)).astype(dtype)[::-1]
    body = write_raw(Volume(data, np.eye(4)), zstd=zstd)
    wire = "uint8" if dtype == "bool" else dtype
    read = read_raw(body, dtype=wire, shape=(4, 5, 6), affine=np.eye(4), name="raw", zstd=zstd)
    np.testing.assert_array_equal(read.data, data)


BODY = bytes(64)
FRAME = zstandard.ZstdCompressor().compress(BODY)
UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 24))


@pytest.mark.parametrize(
    ("body", "dtype", "shape", "zstd", "reason"),
    [
        (BODY[:-1], "uint8", (4, 4, 4), False, "SIZE_MISMATCH"),
        (BODY + b"\0", "uint8", (4, 4, 4), False, "SIZE_MISMATCH"),
        (FRAME, "int16", (4, 4, 4), True, "SIZE_MISMATCH"),
        (FRAME[:-3], "uint8", (4, 4, 4), True, "DAMAGED_BODY"),
        (FRAME + FRAME, "uint8", (4, 4, 4), True, "DAMAGED_BODY"),
        (UNSIZED, "uint8", (4, 4, 4), True, "DAMAGED_BODY"),
        (b"no frame", "uint8", (4, 4, 4), True, "DAMAGED_BODY"),
        (BODY, "complex64", (2, 2, 2), False, "UNSUPPORTED_DTYPE"),
        (BODY, "uint8", (0, 4, 4), False, "NOT_3D"),
        (BODY, "uint8", (-4, -4, 4), False, "NOT_3D"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(
    body: bytes, dtype: str, shape: tuple[int, int, int], zstd: bool, reason: str
) -> None:
    """Length, frame, dtype and shape must agree; an unsized frame cannot take more than the header says."""
    with pytest.raises(InvalidVolumeError) as caught:
        read_raw(body, dtype=dtype, shape=shape, affine=np.eye(4), name="t1n", zstd=zstd)
    assert caught.value.reason == reason
    assert caught.value.field.startswith("t1n")


def test_the_budget_is_checked_before_the_body() -> None:
    """A header that asks for 2**60 voxels is refused whatever the body holds."""
    with pytest.raises(BudgetExceededError):
        read_raw(b"", dtype="uint8", shape=(1 << 20, 1 << 20, 1 << 20), affine=np.eye(4), name="t1n")
    with pytest.raises(BudgetExceededError):
        read_raw(BODY, dtype="uint8", shape=(4, 4, 4), affine=np.eye(4), name="t1n", limits=VolumeLimits(max_bytes=63))
