"""NIfTI from bytes: round trips, all that a header may say, and all that bad files do."""

import gzip
import struct
import tracemalloc
from collections.abc import Callable

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliosynth.errors import BudgetExceededError, InvalidInputError, InvalidLabelError, InvalidVolumeError
from gliosynth.nifti import read_label_map, read_mask, read_nifti, write_nifti
from gliosynth.raw import VolumeLimits
from gliosynth.volume import Volume

OBLIQUE = np.array(
    [[-0.89, 0.02, 0.30, 90.7], [-0.015, 0.86, -1.57, -71.4], [0.05, 0.26, 5.26, -98.4], [0.0, 0.0, 0.0, 1.0]]
)


def image(dtype: str = "int16", shape: tuple[int, int, int] = (5, 4, 3)) -> Volume[np.generic]:
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    return Volume(values, OBLIQUE, "image")


def patched(data: bytes, offset: int, form: str, *values: float) -> bytes:
    """Returns the file with header fields overwritten, byte offsets as in nifti1.h."""
    changed = bytearray(data)
    struct.pack_into("<" + form, changed, offset, *values)
    return bytes(changed)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64", "int64"]
)
@pytest.mark.parametrize("compress", [True, False])
def test_what_is_written_is_read_back(dtype: str, compress: bool) -> None:
    """Voxels, dtype and affine survive, compressed or not."""
    volume = image(dtype)
    read = read_nifti(write_nifti(volume, compress=compress), name="image")
    assert read.data.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read.data, volume.data)
    np.testing.assert_allclose(read.affine, volume.affine, atol=1e-5)


def test_nibabel_reads_what_is_written() -> None:
    """The file is a valid NIfTI for others, its sform and qform in scanner space."""
    volume = image("float32")
    other = nib.Nifti1Image.from_bytes(gzip.decompress(write_nifti(volume)))
    np.testing.assert_array_equal(np.asarray(other.dataobj), volume.data)
    np.testing.assert_allclose(other.affine, volume.affine, atol=1e-5)
    assert (int(other.header["sform_code"]), int(other.header["qform_code"])) == (1, 1)
    assert other.header.get_xyzt_units()[0] == "mm"


def test_same_volume_gives_same_bytes() -> None:
    """No time stamp enters the file."""
    assert write_nifti(image()) == write_nifti(image())


def test_a_reversed_view_is_written_as_seen() -> None:
    """Flipped and transposed views are written in their logical order."""
    volume = image()
    view = Volume(volume.data[::-1].transpose(1, 0, 2), OBLIQUE, "view")
    np.testing.assert_array_equal(read_nifti(write_nifti(view), name="view").data, view.data)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(2, 9)),
    seed=st.integers(0, 2**31),
    compress=st.booleans(),
)
def test_round_trip_holds_for_any_small_volume(shape: tuple[int, int, int], seed: int, compress: bool) -> None:
    """Whatever the voxels, reading undoes writing."""
    data = np.random.default_rng(seed).integers(-30_000, 30_000, shape).astype(np.int16)
    data[0, 0, :2] = (1, 2)
    volume = Volume(data, OBLIQUE, "any")
    np.testing.assert_array_equal(read_nifti(write_nifti(volume, compress=compress), name="any").data, data)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_both_versions_and_byte_orders_are_read(kind: type[nib.Nifti1Image], endian: str) -> None:
    """NIfTI-1 and NIfTI-2, little and big endian, give native-endian voxels."""
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(np.dtype("int16").newbyteorder(endian))
    values = np.arange(-30, 30).reshape(5, 4, 3).astype(np.int16)
    data = kind(values, OBLIQUE, header).to_bytes()
    read = read_nifti(data, name="image")
    np.testing.assert_array_equal(read.data, values)
    assert read.data.dtype.isnative
    np.testing.assert_allclose(read.affine, OBLIQUE, atol=1e-5)


def test_slope_and_intercept_are_applied() -> None:
    """Stored 0, 1, 2 with slope 2.5 and intercept -1 are intensities -1, 1.5, 4."""
    plain = write_nifti(Volume(np.array([0, 1, 2], dtype=np.int16).reshape(3, 1, 1), np.eye(4)), compress=False)
    read = read_nifti(patched(plain, 112, "2f", 2.5, -1.0), name="scaled")
    assert read.data.dtype == np.float32
    assert read.data.ravel().tolist() == [-1.0, 1.5, 4.0]


def test_a_slope_of_zero_means_no_scaling() -> None:
    """The standard says so; the voxels keep their dtype."""
    read = read_nifti(patched(write_nifti(image(), compress=False), 112, "2f", 0.0, 5.0), name="image")
    assert read.data.dtype == np.int16


def test_sform_wins_over_qform_and_qform_over_sizes() -> None:
    """The affine is the one that nibabel chooses."""
    plain = write_nifti(image(), compress=False)
    no_sform = patched(plain, 254, "h", 0)
    np.testing.assert_allclose(
        read_nifti(no_sform, name="q").affine, nib.Nifti1Image.from_bytes(no_sform).affine, atol=1e-6
    )
    moved = patched(plain, 280, "4f", 1.0, 0.0, 0.0, 17.0)
    assert read_nifti(moved, name="s").affine[0, 3] == 17.0


def test_a_trailing_dimension_of_one_is_dropped() -> None:
    """(5, 4, 3, 1) is one volume."""
    data = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(5, 4, 3, 1), np.eye(4)).to_bytes()
    assert read_nifti(data, name="image").shape == (5, 4, 3)


def test_all_members_of_a_gzip_file_are_read() -> None:
    """A file of several gzip members, as pigz -i and bgzip write, is read whole."""
    plain = write_nifti(image(), compress=False)
    members = b"".join(gzip.compress(plain[start : start + 100]) for start in range(0, len(plain), 100))
    np.testing.assert_array_equal(read_nifti(members, name="image").data, image().data)


def test_a_memoryview_is_read_without_a_copy_of_the_file() -> None:
    """Any buffer will do; uncompressed voxels are a view of it."""
    plain = bytearray(write_nifti(image(), compress=False))
    read = read_nifti(memoryview(plain), name="image")
    assert np.shares_memory(read.data, np.frombuffer(plain, dtype=np.uint8))


def test_extensions_are_skipped() -> None:
    """Voxels start at vox_offset; what lies before them (possibly patient text) is not kept."""
    other = nib.Nifti1Image(np.asarray(image().data), OBLIQUE)
    other.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"DOE^JANE"))
    read = read_nifti(other.to_bytes(), name="image")
    np.testing.assert_array_equal(read.data, image().data)
    assert b"DOE" not in write_nifti(Volume(read.data, read.affine), compress=False)


def plain() -> bytes:
    return write_nifti(image(), compress=False)


def float_image(value: float) -> bytes:
    data = np.arange(60, dtype=np.float32).reshape(5, 4, 3)
    data[2, 2, 2] = value
    return write_nifti(Volume(data, np.eye(4)))


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "NOT_NIFTI"),
    "text": (lambda: b"patient,age\n" * 100, "NOT_NIFTI"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(600), "NOT_NIFTI"),
    "gzipped text": (lambda: gzip.compress(b"not an image " * 100), "NOT_NIFTI"),
    "gzip magic alone": (lambda: b"\x1f\x8b", "NOT_NIFTI"),
    "damaged gzip": (lambda: b"\x1f\x8b" + bytes(600), "DAMAGED_BODY"),
    "header of a pair": (lambda: patched(plain(), 344, "3s", b"ni1"), "NOT_NIFTI"),  # type: ignore[arg-type]
    "half a header": (lambda: plain()[:200], "NOT_NIFTI"),
    "truncated": (lambda: plain()[:-1], "TRUNCATED"),
    "truncated gzip": (lambda: write_nifti(image("float64", (20, 20, 20)))[:-700], "TRUNCATED"),
    "too long": (lambda: plain() + b"\0", "SIZE_MISMATCH"),
    "too long gzip": (lambda: gzip.compress(plain() + b"\0"), "SIZE_MISMATCH"),
    "second member too much": (lambda: gzip.compress(plain()) + gzip.compress(b"\0" * 1000), "SIZE_MISMATCH"),
    "larger dims than data": (lambda: patched(plain(), 40, "8h", 3, 50, 40, 3, 1, 1, 1, 1), "TRUNCATED"),
    "smaller dims than data": (lambda: patched(plain(), 40, "8h", 3, 5, 4, 2, 1, 1, 1, 1), "SIZE_MISMATCH"),
    "voxels inside the header": (lambda: patched(plain(), 108, "f", 10.0), "SIZE_MISMATCH"),
    "voxels at NaN": (lambda: patched(plain(), 108, "f", float("nan")), "SIZE_MISMATCH"),
    "voxels beyond the file": (lambda: patched(plain(), 108, "f", 1e6), "TRUNCATED"),
    "4D": (lambda: nib.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), np.eye(4)).to_bytes(), "NOT_3D"),
    "2D": (lambda: patched(plain(), 40, "8h", 2, 5, 12, 1, 1, 1, 1, 1), "NOT_3D"),
    "dimension count of 9": (lambda: patched(plain(), 40, "h", 9), "NOT_3D"),
    "negative size": (lambda: patched(plain(), 42, "h", -5), "NOT_3D"),
    "complex": (lambda: nib.Nifti1Image(np.ones((3, 3, 3), np.complex64), np.eye(4)).to_bytes(), "UNSUPPORTED_DTYPE"),
    "RGB": (lambda: patched(plain(), 70, "2h", 128, 24), "UNSUPPORTED_DTYPE"),
    "unknown datatype": (lambda: patched(plain(), 70, "2h", 4711, 16), "UNSUPPORTED_DTYPE"),
    "bit count that lies": (lambda: patched(plain(), 72, "h", 64), "UNSUPPORTED_DTYPE"),
    "NaN": (lambda: float_image(float("nan")), "NOT_FINITE"),
    "infinity": (lambda: float_image(float("-inf")), "NOT_FINITE"),
    "constant": (lambda: write_nifti(Volume(np.full((3, 3, 3), 7, np.int16), np.eye(4))), "CONSTANT_IMAGE"),
    "NaN intercept": (lambda: patched(plain(), 112, "2f", 2.0, float("nan")), "BAD_SCALING"),
    "NaN affine": (lambda: patched(plain(), 280, "f", float("nan")), "AFFINE_NOT_FINITE"),
    "singular affine": (lambda: patched(plain(), 280, "12f", 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0), "AFFINE_SINGULAR"),
    "no voxel size": (lambda: patched(plain(), 280, "12f", *([0.0] * 12)), "AFFINE_SPACING"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_its_reason(case: str) -> None:
    """Each defect has its own reason, names the field, and is never a crash."""
    make, reason = BAD_FILES[case]
    with pytest.raises(InvalidVolumeError) as caught:
        read_nifti(make(), name="t2f")
    assert caught.value.reason == reason
    assert caught.value.field.split(".")[0] == "t2f"
    assert str(caught.value).startswith("t2f")


def test_more_voxels_than_the_budget_are_refused() -> None:
    """The limit counts voxels and bytes."""
    with pytest.raises(BudgetExceededError) as voxels:
        read_nifti(plain(), name="t1c", limits=VolumeLimits(max_voxels=59))
    with pytest.raises(BudgetExceededError) as size:
        read_nifti(plain(), name="t1c", limits=VolumeLimits(max_bytes=400))
    assert (voxels.value.reason, size.value.reason) == ("TOO_MANY_VOXELS", "TOO_MANY_BYTES")


def test_a_gzip_bomb_takes_no_memory() -> None:
    """256 MiB of zeros behind an honest small header, and a header that asks for 16 GiB: both refused within 4 MiB."""
    small = gzip.compress(plain() + bytes(1 << 28), compresslevel=1)
    huge = gzip.compress(patched(plain(), 40, "8h", 3, 2048, 2048, 2048, 1, 1, 1, 1))
    tracemalloc.start()
    with pytest.raises(InvalidVolumeError, match="more"):
        read_nifti(small, name="bomb")
    with pytest.raises(BudgetExceededError):
        read_nifti(huge, name="huge")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 351), value=st.integers(0, 255))
def test_any_wrong_header_byte_is_read_or_refused(position: int, value: int) -> None:
    """No single wrong byte leads to anything but a volume of the right size or one of our errors."""
    changed = bytearray(plain())
    changed[position] = value
    try:
        volume = read_nifti(bytes(changed), name="fuzzed")
    except (InvalidInputError, BudgetExceededError):
        return
    assert np.isfinite(np.asarray(volume.data, dtype=np.float64)).all()


def test_label_map_of_any_brats_year_is_read() -> None:
    """4 of older files is ET; an all-zero map is a valid answer."""
    values = np.array([0, 1, 2, 4], dtype=np.float32).reshape(4, 1, 1)
    assert read_label_map(write_nifti(Volume(values, np.eye(4))), name="seg").data.ravel().tolist() == [0, 1, 2, 3]
    empty = write_nifti(Volume(np.zeros((2, 2, 2), np.uint8), np.eye(4)))
    assert not read_label_map(empty, name="seg").data.any()
    with pytest.raises(InvalidLabelError):
        read_label_map(write_nifti(Volume(values + 0.5, np.eye(4))), name="seg")


def test_mask_has_one_value_and_is_not_empty() -> None:
    """0 and 255 are a mask; nothing, or 1 and 2, are not."""
    values = np.array([0, 255, 255], dtype=np.uint8).reshape(3, 1, 1)
    assert read_mask(write_nifti(Volume(values, np.eye(4))), name="brain").data.ravel().tolist() == [False, True, True]
    with pytest.raises(InvalidLabelError) as empty:
        read_mask(write_nifti(Volume(np.zeros((2, 2, 2), np.uint8), np.eye(4))), name="brain")
    with pytest.raises(InvalidLabelError) as labels:
        read_mask(write_nifti(Volume(np.array([0, 1, 2], np.uint8).reshape(3, 1, 1), np.eye(4))), name="brain")
    assert (empty.value.reason, labels.value.reason) == ("EMPTY_BRAIN_MASK", "NOT_A_MASK")
