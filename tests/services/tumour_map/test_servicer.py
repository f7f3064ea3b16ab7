"""Tests of the tumour-map service through a real server: hand-made maps, and what does not fit together."""

from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gliosynth.brain_map import BrainChannel
from gliosynth.client.transfer import TransferBudget, VolumeReceiver, volume_parts
from gliosynth.client.tumour_edits import edit_message
from gliosynth.labels import Label
from gliosynth.nifti import read_label_map, read_nifti, write_nifti
from gliosynth.tumour_map import parse_edit
from gliosynth.v1 import segmentation_pb2, tumour_map_pb2, tumour_map_pb2_grpc, volume_pb2
from gliosynth.volume import Volume
from services.tumour_map import build

TUMOUR = volume_pb2.VOLUME_ROLE_TUMOUR_MAP
BRAIN = volume_pb2.VOLUME_ROLE_BRAIN_MASK
LABELS = volume_pb2.VOLUME_ROLE_LABEL_MAP
IMAGE = volume_pb2.VOLUME_ROLE_CONTRAST
REFERENCE = volume_pb2.VOLUME_ROLE_REFERENCE
PREDICTION = volume_pb2.VOLUME_ROLE_PREDICTION
AFFINE = np.diag([-2.0, -2.0, 2.0, 1.0])
SHAPE = (30, 30, 20)

Part = volume_pb2.VolumePart


def block(value: int = Label.ED, at: int = 10) -> np.ndarray:
    """4 x 4 x 4 voxels of 8 mm3, one of them ET."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[at : at + 4, 12:16, 8:12] = value
    labels[at, 12, 8] = Label.ET
    return labels


def brain() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:27, 3:27, 2:18] = 1
    return mask


def sent(role: int, data: np.ndarray, affine: np.ndarray = AFFINE, name: str = "") -> list[Part]:
    header = volume_pb2.VolumeHeader(
        name=name or f"volume {role}",
        role=role,
        encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ,
        contrast=volume_pb2.CONTRAST_T1C if role == IMAGE else volume_pb2.CONTRAST_UNSPECIFIED,
    )
    return list(volume_parts(header, write_nifti(Volume(data, affine))))


class Answer:
    """The answers of one stream, put together."""

    def __init__(self, responses: Iterator[object]) -> None:
        receiver = VolumeReceiver(TransferBudget(1 << 24, 8))
        self.stages: list[str] = []
        self.fractions: list[float] = []
        for response in responses:
            part = response.WhichOneof("part")
            if part == "progress":
                self.stages.append(response.progress.stage)
                self.fractions.append(response.progress.fraction)
            elif part == "report":
                self.report = response.report
            else:
                receiver.feed(response.volume)
        self.volumes = {item.header.role: item for item in receiver.finish()}

    def labels(self, role: int) -> Volume[np.generic]:
        return read_nifti(bytes(self.volumes[role].data), name="answer")


@pytest.fixture
def stub(start_server, connect) -> tumour_map_pb2_grpc.TumourMapServiceStub:
    """A tumour-map service in this process."""
    return tumour_map_pb2_grpc.TumourMapServiceStub(connect(start_server(build)))


def edit(stub, parts: list[Part], *words: str, **options: object) -> Answer:
    messages = [edit_message(parse_edit(line)) for line in words]
    return call(stub.EditTumourMap, "EditTumourMap", parts, edits=messages, **options)


def call(method, name: str, parts: list[Part], **options: object) -> Answer:
    return Answer(method(requests(name, parts, **options), timeout=60))


def requests(name: str, parts: list[Part], **options: object) -> Iterator[object]:
    request = getattr(tumour_map_pb2, f"{name}Request")
    yield request(options=getattr(tumour_map_pb2, f"{name}Options")(**options))
    for part in parts:
        yield request(volume=part)


def describe(stub, parts: list[Part]) -> tumour_map_pb2.DescribeTumourMapResponse:
    return stub.DescribeTumourMap(requests("DescribeTumourMap", parts), timeout=60)


def refusal(act) -> tuple[str, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        act()
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    return caught.value.code().name, info.reason, info.metadata["field"]


def test_an_edited_map_comes_back_on_its_grid_with_its_report(stub) -> None:
    """10 mm to the right are 5 voxels down the X axis of an LPS grid; 64 voxels are 0.512 ml."""
    answer = edit(stub, [*sent(TUMOUR, block(), name="seg"), *sent(BRAIN, brain())], "translate 10 0 0", "grow ET 2")
    moved = read_label_map(bytes(answer.volumes[TUMOUR].data), name="seg")
    assert np.array_equal(moved.affine, AFFINE)
    expected = np.roll(block(), -5, axis=0)
    assert np.array_equal(moved.data != 0, (expected != 0) | (moved.data == Label.ET))
    assert moved.data[6, 12, 8] == Label.ET
    assert answer.volumes[TUMOUR].header.name == "seg"
    steps = answer.report.steps
    assert [step.edit.WhichOneof("edit") for step in steps] == ["translate", "grow"]
    assert steps[0].before[0].volume_ml == pytest.approx(0.512)
    shift = np.subtract(steps[0].after[0].centroid_mm, steps[0].before[0].centroid_mm)
    assert shift == pytest.approx([10, 0, 0])
    assert [item.region for item in answer.report.after] == [
        segmentation_pb2.REGION_WT,
        segmentation_pb2.REGION_TC,
        segmentation_pb2.REGION_ET,
    ]
    assert answer.report.clipped_ml == 0.0
    assert answer.report.geometry.shape == list(SHAPE)
    assert answer.fractions == sorted(answer.fractions)
    assert list(dict.fromkeys(answer.stages)) == ["receive", "decode", "edit", "encode"]
    assert {item.stage for item in answer.report.times} >= {"decode", "edit"}


def test_the_same_request_gives_the_same_bytes(stub) -> None:
    """Idempotent, random edits included."""
    parts = [*sent(TUMOUR, block()), *sent(BRAIN, brain())]
    first, second = (edit(stub, parts, "random 3", "deform 1 2 5") for _ in range(2))
    assert bytes(first.volumes[TUMOUR].data) == bytes(second.volumes[TUMOUR].data)
    assert first.report.steps == second.report.steps
    assert first.report.steps[0].done[0].WhichOneof("edit") == "rotate"


def test_a_label_map_comes_back_healed(stub) -> None:
    """Tissue 4 on one side, 5 on the other: the hole takes the other side's. Values above 255 stay what they are."""
    tissues = brain().astype(np.uint16) * 4
    tissues[15:][tissues[15:] > 0] = 500
    key = tumour_map_pb2.TissueKey(brain_labels=[4, 500])
    answer = edit(stub, [*sent(TUMOUR, block(at=4)), *sent(LABELS, tissues)], "translate 0 0 -8", tissue_key=key)
    healed = np.asarray(answer.labels(LABELS).data)
    assert set(np.unique(healed)) == {0, 4, 500}
    hole = block(at=4) != 0
    hole &= np.roll(block(at=4), -4, axis=2) == 0
    assert (healed[hole] == 500).all()
    assert answer.report.healing.mirrored_ml == pytest.approx(hole.sum() * 0.008)


def test_a_brain_map_is_edited_by_its_own_rule(stub) -> None:
    """No tumour map is needed: the tumour is in the channels; what it leaves becomes the third band."""
    channels = np.where(brain() != 0, BrainChannel.BAND_1, BrainChannel.BACKGROUND).astype(np.uint8)
    channels[10:14, 12:16, 8:12] = BrainChannel.ED
    answer = edit(
        stub,
        sent(LABELS, channels),
        "translate -8 0 0",
        label_map_kind=tumour_map_pb2.LABEL_MAP_KIND_BRAIN_MAP,
    )
    edited = np.asarray(answer.labels(LABELS).data)
    assert (edited[10:14, 12:16, 8:12] == BrainChannel.BAND_3).all()
    assert (edited[14:18, 12:16, 8:12] == BrainChannel.ED).all()
    assert np.count_nonzero(edited != channels) == 128
    assert np.asarray(answer.labels(TUMOUR).data)[14, 12, 8] == Label.ED
    assert not answer.report.HasField("healing")


def test_an_image_that_is_0_outside_the_brain_bounds_the_tumour(stub) -> None:
    """14 mm to the left: two of four slabs would leave the brain at voxel 27, so half the tumour is cut off."""
    image = brain().astype(np.float32) * np.random.default_rng(0).uniform(50, 100, SHAPE).astype(np.float32)
    answer = edit(stub, [*sent(TUMOUR, block(at=18)), *sent(IMAGE, image)], "translate -14 0 0")
    assert answer.report.clipped_ml == pytest.approx(32 * 0.008)
    assert [flag.id for flag in answer.report.flags] == ["MUCH_CLIPPED"]
    assert not np.asarray(answer.labels(TUMOUR).data)[brain() == 0].any()


def test_a_tumour_is_transplanted_into_a_head_that_was_sent(stub) -> None:
    """The other head has its own grid, and the answer lies on it."""
    other = np.zeros((40, 36, 24), np.uint8)
    other[5:35, 4:32, 3:21] = 1
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    parts = [*sent(TUMOUR, block()), *sent(BRAIN, brain()), *sent(BRAIN, other, affine, name="neighbour")]
    answer = edit(stub, parts, "transplant neighbour")
    moved = answer.labels(TUMOUR)
    assert moved.shape == other.shape
    assert np.array_equal(moved.affine, affine)
    assert np.count_nonzero(moved.data) == 64
    assert not np.asarray(moved.data)[other == 0].any()


def test_a_tumour_goes_into_a_built_in_head(stub) -> None:
    """By name; nothing else is sent of it."""
    answer = edit(stub, [*sent(TUMOUR, block()), *sent(BRAIN, brain())], "transplant head_03")
    assert answer.labels(TUMOUR).shape != SHAPE
    assert answer.report.after[0].volume_ml + answer.report.clipped_ml == pytest.approx(0.512, rel=0.01)


def test_impossible_edits_name_their_place_in_the_list(stub) -> None:
    """Field violations begin with the index of the edit."""
    parts = [*sent(TUMOUR, block()), *sent(BRAIN, brain())]
    invalid = "INVALID_ARGUMENT"
    for words, reason, field in (
        ("translate 400 0 0", "OUTSIDE_BRAIN", "edits[1].edit"),
        ("thicken_rim 2", "REGION_ABSENT", "edits[1].region"),
        ("resize WT 900", "VOLUME_UNREACHABLE", "edits[1].volume_ml"),
        ("grow WT 0.5", "NOTHING_CHANGES", "edits[1].mm"),
        ("transplant nowhere", "UNKNOWN_ANATOMY", "edits[1].anatomy"),
        ("add_satellite 40", "NO_ROOM", "edits[1].volume_ml"),
        ("random 1 smallest_inside=1 shift_mm=400 dz_mm=400", "NO_DRAW_FITS", "edits[1].smallest_inside"),
    ):
        assert refusal(lambda words=words: edit(stub, parts, "scale 1", words)) == (invalid, reason, field)
    lone = sent(TUMOUR, block())
    assert refusal(lambda: edit(stub, lone, "relocate deep left"))[1:] == ("BRAIN_UNKNOWN", "edits[0].lobe")
    assert refusal(lambda: edit(stub, lone))[2] == "edits"
    empty = tumour_map_pb2.TumourEdit()
    assert refusal(lambda: call(stub.EditTumourMap, "EditTumourMap", lone, edits=[empty]))[2] == "edits[0]"


def test_what_does_not_fit_together_is_refused(stub) -> None:
    """Missing, twice, another grid, another role, no tumour, no label, no brain, no integer, an unknown kind."""
    tumour, mask = sent(TUMOUR, block()), sent(BRAIN, brain())
    shifted = AFFINE.copy()
    shifted[0, 3] = 4.0
    half = brain() * np.float32(1.5)
    half[5, 5, 5] = 7.25
    for parts, reason, field in (
        (mask, "MISSING_VOLUME", "tumour_map"),
        ([*tumour, *sent(TUMOUR, block(), name="second")], "DUPLICATE_VOLUME", "tumour_map"),
        ([*tumour, *mask, *sent(LABELS, brain(), name="tissues")], "DUPLICATE_VOLUME", "tissues"),
        ([*tumour, *sent(BRAIN, brain(), shifted, name="brain")], "GRID_MISMATCH", "brain"),
        ([*tumour, *sent(PREDICTION, block(), name="other")], "UNEXPECTED_ROLE", "other.role"),
        (sent(TUMOUR, block() * 0, name="empty"), "EMPTY_TUMOUR_MAP", "empty"),
        (sent(TUMOUR, block(value=9), name="odd"), "INVALID_LABEL", "odd"),
        ([*tumour, *sent(LABELS, brain() * 200, name="tissues")], "EMPTY_BRAIN_MASK", "tissues"),
        ([*tumour, *sent(LABELS, half, name="tissues")], "INVALID_LABEL", "tissues"),
    ):
        assert refusal(lambda parts=parts: edit(stub, parts, "scale 1.1")) == ("INVALID_ARGUMENT", reason, field)
    elsewhere = sent(BRAIN, np.roll(block() != 0, 9, axis=1).astype(np.uint8))
    assert refusal(lambda: edit(stub, [*tumour, *elsewhere], "scale 1.1"))[1] == "OUTSIDE_BRAIN"
    assert refusal(lambda: edit(stub, tumour, "scale 1.1", label_map_kind=9))[2] == "options.label_map_kind"
    assert refusal(lambda: edit(stub, tumour, "scale 1.1", result_encoding=9))[2] == "options.result_encoding"
    key = tumour_map_pb2.TissueKey(brain_labels=[1], barred_labels=[2])
    assert refusal(lambda: edit(stub, tumour, "scale 1.1", tissue_key=key))[2] == "tissue_key.barred_labels"


def test_a_brain_map_is_built_from_an_image(stub) -> None:
    """The image's own tumour becomes the third band, the new one its channels; volumes are those of the voxels."""
    image = brain().astype(np.float32) * 100
    image[4:8, 4:8, 5] = 60
    parts = [*sent(IMAGE, image), *sent(TUMOUR, block(at=16)), *sent(REFERENCE, block(at=10))]
    answer = call(stub.BuildBrainMap, "BuildBrainMap", parts)
    built = np.asarray(answer.labels(LABELS).data)
    assert (built[10:14, 12:16, 8:12] == BrainChannel.BAND_3).all()
    assert built[16, 12, 8] == BrainChannel.ET
    assert (built[4:8, 4:8, 5] == BrainChannel.BAND_2).all()
    assert (built[brain() == 0] == BrainChannel.BACKGROUND).all()
    assert list(answer.report.channels) == [channel.name for channel in BrainChannel]
    assert answer.report.volumes_ml == pytest.approx([np.count_nonzero(built == c) * 0.008 for c in BrainChannel])


def test_a_brain_map_needs_an_image_that_was_not_normalised(stub) -> None:
    """Missing parts, parts that do not belong here, negative intensities."""
    image = brain().astype(np.float32)
    image[5, 5, 5] = -3
    tumour = sent(TUMOUR, block())

    def build_map(parts: list[Part]) -> Answer:
        return call(stub.BuildBrainMap, "BuildBrainMap", parts)

    assert refusal(lambda: build_map(tumour))[1:] == ("MISSING_VOLUME", "contrast")
    assert refusal(lambda: build_map(sent(IMAGE, abs(image))))[1:] == ("MISSING_VOLUME", "tumour_map")
    assert refusal(lambda: build_map([*sent(IMAGE, image), *tumour]))[2] == "image"
    stray = [*sent(IMAGE, abs(image)), *tumour, *sent(LABELS, brain(), name="tissues")]
    assert refusal(lambda: build_map(stray))[1:] == ("UNEXPECTED_ROLE", "tissues.role")


def test_a_map_is_described(stub) -> None:
    """With a brain lobes are named, without it they are not; an empty map is described as well."""
    alone = describe(stub, sent(TUMOUR, block()))
    assert [item.volume_ml for item in alone.regions] == pytest.approx([0.512, 0.008, 0.008])
    assert (alone.component_count, len(alone.lobes)) == (1, 0)
    assert not alone.HasField("outside_brain_ml")
    known = describe(stub, [*sent(TUMOUR, block()), *sent(BRAIN, brain())])
    assert sum(item.share for item in known.lobes) == pytest.approx(1)
    assert known.outside_brain_ml == 0.0
    assert describe(stub, sent(TUMOUR, block() * 0)).component_count == 0


def test_a_call_without_deadline_is_refused(stub) -> None:
    """As every streaming method."""
    messages = requests("DescribeTumourMap", sent(TUMOUR, block()))
    assert refusal(lambda: stub.DescribeTumourMap(messages))[1] == "DEADLINE_REQUIRED"
