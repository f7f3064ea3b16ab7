"""Tests of the metrics service through a real server: hand-made masks, and what does not fit together."""

from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gliosynth.client.transfer import volume_parts
from gliosynth.nifti import write_nifti
from gliosynth.raw import write_raw
from gliosynth.v1 import metrics_pb2, metrics_pb2_grpc, segmentation_pb2, volume_pb2
from gliosynth.volume import Volume
from services.metrics import build

REFERENCE, PREDICTION = volume_pb2.VOLUME_ROLE_REFERENCE, volume_pb2.VOLUME_ROLE_PREDICTION
BRAIN = volume_pb2.VOLUME_ROLE_BRAIN_MASK
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def cube(size: int, label: int = 3, shape: int = 12) -> np.ndarray:
    labels = np.zeros((shape, shape, shape), np.uint8)
    labels[2 : 2 + size, 2:6, 2:6] = label
    return labels


def sent(name: str, role: int, data: np.ndarray, affine: np.ndarray = AFFINE) -> list[volume_pb2.VolumePart]:
    header = volume_pb2.VolumeHeader(name=name, role=role, encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ)
    return list(volume_parts(header, write_nifti(Volume(data, affine))))


def pair(reference: np.ndarray, prediction: np.ndarray, **changes: np.ndarray) -> list[volume_pb2.VolumePart]:
    return [*sent("expert", REFERENCE, reference), *sent("ours", PREDICTION, prediction, **changes)]


@pytest.fixture
def stub(start_server, connect) -> metrics_pb2_grpc.MetricsServiceStub:
    """A metrics service in this process."""
    return metrics_pb2_grpc.MetricsServiceStub(connect(start_server(build)))


def score(stub, parts: list[volume_pb2.VolumePart], **options: object) -> metrics_pb2.ScoreSegmentationResponse:
    def messages() -> Iterator[metrics_pb2.ScoreSegmentationRequest]:
        yield metrics_pb2.ScoreSegmentationRequest(options=metrics_pb2.ScoreSegmentationOptions(**options))
        for part in parts:
            yield metrics_pb2.ScoreSegmentationRequest(volume=part)

    return stub.ScoreSegmentation(messages(), timeout=60)


def compare(stub, parts: list[volume_pb2.VolumePart], data_range: float) -> metrics_pb2.CompareImagesResponse:
    def messages() -> Iterator[metrics_pb2.CompareImagesRequest]:
        yield metrics_pb2.CompareImagesRequest(options=metrics_pb2.CompareImagesOptions(data_range=data_range))
        for part in parts:
            yield metrics_pb2.CompareImagesRequest(volume=part)

    return stub.CompareImages(messages(), timeout=60)


def refusal(call) -> tuple[str, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    return caught.value.code().name, info.reason, info.metadata["field"]


def test_scores_are_those_of_the_masks(stub) -> None:
    """4 of 6 slabs found: Dice 0.8, sensitivity 2/3, specificity 1; volumes in ml at 2 mm; ET alone is all regions."""
    answer = score(stub, pair(cube(6), cube(4)))
    assert [region.region for region in answer.regions] == [
        segmentation_pb2.REGION_WT,
        segmentation_pb2.REGION_TC,
        segmentation_pb2.REGION_ET,
    ]
    for region in answer.regions:
        assert region.dice == pytest.approx(2 * 64 / (96 + 64))
        assert region.sensitivity == pytest.approx(64 / 96)
        assert region.specificity == 1.0
        assert region.reference_volume_ml == pytest.approx(96 * 8 / 1000)
        assert region.prediction_volume_ml == pytest.approx(64 * 8 / 1000)
        assert [round(each.tolerance_mm, 3) for each in region.surface_dice] == [1.0, 2.0]
        assert (region.lesionwise.true_positives, region.lesionwise.false_negatives) == (1, 0)


def test_a_reference_without_tumour_has_no_sensitivity(stub) -> None:
    """Dice of an empty reference and a prediction is 0, the distance 374 mm, the sensitivity absent."""
    region = score(stub, pair(cube(0), cube(4))).regions[0]
    assert (region.dice, region.hd95_mm) == (0.0, 374.0)
    assert not region.HasField("sensitivity")
    assert region.HasField("specificity")


def test_the_brain_bounds_the_specificity(stub) -> None:
    """One false slab of 16 voxels: among 12³ - 64 healthy ones, or among those of a brain of 6 x 6 x 6 around it."""
    parts = pair(cube(4), cube(5))
    brain = np.zeros((12, 12, 12), np.uint8)
    brain[2:8, 2:8, 2:8] = 1
    assert score(stub, parts).regions[0].specificity == pytest.approx(1 - 16 / (12**3 - 64))
    inside = score(stub, [*parts, *sent("brain", BRAIN, brain)]).regions[0]
    assert inside.specificity == pytest.approx(1 - 16 / (6**3 - 64))


def test_the_definition_is_chosen_by_name_and_named_in_the_answer(stub) -> None:
    """An answer says which HD95 it holds; one that does not exist is refused."""
    named = {score(stub, pair(cube(6), cube(4))).regions[0].hd95_definition for _ in range(2)}
    assert len(named) == 1
    (default,) = named
    chosen = score(stub, pair(cube(6), cube(4)), hd95_definition=default, surface_dice_tolerances_mm=[3.0])
    assert chosen.regions[0].hd95_definition == default
    assert [each.tolerance_mm for each in chosen.regions[0].surface_dice] == [3.0]
    assert refusal(lambda: score(stub, pair(cube(6), cube(4)), hd95_definition="best")) == (
        "INVALID_ARGUMENT",
        "INVALID_PARAMETER",
        "options.hd95_definition",
    )


def test_what_does_not_fit_together_is_refused(stub) -> None:
    """Another shape, another place, a missing or a second volume, a value that is no label."""
    one = sent("expert", REFERENCE, cube(4))
    shifted = AFFINE.copy()
    shifted[0, 3] = 5.0
    invalid = "INVALID_ARGUMENT"
    assert refusal(lambda: score(stub, pair(cube(4), cube(4, shape=13)))) == (invalid, "GRID_MISMATCH", "ours")
    assert refusal(lambda: score(stub, pair(cube(4), cube(4), affine=shifted))) == (invalid, "GRID_MISMATCH", "ours")
    assert refusal(lambda: score(stub, one)) == (invalid, "MISSING_VOLUME", "prediction")
    twice = [*one, *sent("second", REFERENCE, cube(4))]
    assert refusal(lambda: score(stub, twice)) == (invalid, "DUPLICATE_VOLUME", "reference")
    assert refusal(lambda: score(stub, pair(cube(4), cube(4, label=9))))[0::2] == (invalid, "ours")


def test_images_are_compared_in_their_units(stub) -> None:
    """A constant difference of 2 in a range of 20: MSE 4, MAE 2, PSNR 20 dB."""
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 10, (16, 16, 3)).astype(np.float32)
    answer = compare(stub, pair(image, image + 2), data_range=20.0)
    assert answer.mse == pytest.approx(4.0, rel=1e-5)
    assert answer.mae == pytest.approx(2.0, rel=1e-5)
    assert answer.psnr_db == pytest.approx(20.0, rel=1e-5)
    assert 0 < answer.ssim < 1
    assert answer.data_range == 20.0


def test_equal_images_have_infinite_psnr(stub) -> None:
    """Infinity crosses the wire; the structural similarity is 1."""
    image = np.random.default_rng(0).uniform(0, 10, (16, 16, 3)).astype(np.float32)
    answer = compare(stub, pair(image, image), data_range=10.0)
    assert (answer.mse, answer.mae, answer.psnr_db) == (0.0, 0.0, np.inf)
    assert answer.ssim == pytest.approx(1.0)


@pytest.mark.parametrize("data_range", [0.0, -1.0, np.nan, np.inf])
def test_a_comparison_without_a_data_range_is_refused(stub, data_range: float) -> None:
    """PSNR and SSIM mean nothing without it."""
    image = np.random.default_rng(0).uniform(0, 10, (16, 16, 3)).astype(np.float32)
    code, _, field = refusal(lambda: compare(stub, pair(image, image), data_range=data_range))
    assert (code, field) == ("INVALID_ARGUMENT", "data_range")


@pytest.mark.parametrize("zstd", [False, True])
def test_raw_volumes_are_read_as_well(stub, zstd: bool) -> None:
    """The same masks as raw voxels, plain or in a zstd frame, give the same scores."""

    def raw(name: str, role: int, data: np.ndarray) -> list[volume_pb2.VolumePart]:
        header = volume_pb2.VolumeHeader(
            name=name,
            role=role,
            encoding=volume_pb2.VOLUME_ENCODING_RAW_ZSTD if zstd else volume_pb2.VOLUME_ENCODING_RAW,
            scalar_type=volume_pb2.SCALAR_TYPE_UINT8,
            geometry=volume_pb2.Geometry(shape=data.shape, affine=AFFINE.ravel()),
        )
        return list(volume_parts(header, write_raw(Volume(data, AFFINE), zstd=zstd)))

    parts = [*raw("expert", REFERENCE, cube(6)), *raw("ours", PREDICTION, cube(4))]
    assert score(stub, parts) == score(stub, pair(cube(6), cube(4)))
