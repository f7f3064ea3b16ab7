"""Tests of the preprocessing service through a real server: a small stripped head, in and out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gliosynth.client.transfer import TransferBudget, VolumeReceiver, volume_parts
from gliosynth.nifti import read_nifti, write_nifti
from gliosynth.v1 import preprocessing_pb2, preprocessing_pb2_grpc, volume_pb2
from gliosynth.volume import Volume
from services.preprocessing import build

REPOSITORY = Path(__file__).parents[3] / "model_repository"
CONTRASTS = {
    "t1n": volume_pb2.CONTRAST_T1N,
    "t1c": volume_pb2.CONTRAST_T1C,
    "t2w": volume_pb2.CONTRAST_T2W,
    "t2f": volume_pb2.CONTRAST_T2F,
}


def head(tissue: int) -> np.ndarray:
    """A small stripped head of 0.35 l, as one of several contrasts."""
    rng = np.random.default_rng(0)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, size) for size in (40, 48, 40)), indexing="ij")
    waves = sum(
        np.sin(rng.uniform(2, 9) * (a * x + b * y + c * z) + rng.uniform(0, 6)) for a, b, c in rng.normal(size=(12, 3))
    )
    brain = (x / 0.8) ** 2 + (y / 0.83) ** 2 + (z / 0.75) ** 2 < 1
    anatomy = 300 + 60 * waves if tissue == 1 else 300 + 150 * np.cos(tissue * 0.3 * waves)
    return np.where(brain, np.clip(anatomy, 1, 2000), 0).astype(np.int16)


def messages() -> Iterator[preprocessing_pb2.PreprocessRequest]:
    options = preprocessing_pb2.PreprocessOptions(result_encoding=volume_pb2.VOLUME_ENCODING_NIFTI)
    yield preprocessing_pb2.PreprocessRequest(options=options)
    for tissue, (name, contrast) in enumerate(CONTRASTS.items(), start=1):
        header = volume_pb2.VolumeHeader(
            name=name,
            role=volume_pb2.VOLUME_ROLE_CONTRAST,
            contrast=contrast,
            encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ,
        )
        data = write_nifti(Volume(head(tissue), np.diag([2.6, 2.6, 2.6, 1.0])))
        for part in volume_parts(header, data):
            yield preprocessing_pb2.PreprocessRequest(volume=part)


def test_a_case_comes_back_normalised_on_one_grid(start_server, connect) -> None:
    """Progress, one report, then four z-scored contrasts and the brain mask, all at 1 mm on the report's grid."""
    server = start_server(build, model_repository=REPOSITORY, threads=1)
    stub = preprocessing_pb2_grpc.PreprocessingServiceStub(connect(server))
    answers = list(stub.Preprocess(messages(), timeout=300))
    kinds = [answer.WhichOneof("part") for answer in answers]
    first = kinds.index("report")
    assert set(kinds[:first]) == {"progress"}
    report = answers[first].report
    receiver = VolumeReceiver(TransferBudget(1 << 30, 5))
    for answer in answers[first + 1 :]:
        receiver.feed(answer.volume)
    volumes = {received.header.name: received for received in receiver.finish()}
    assert list(volumes) == [*CONTRASTS, "brain_mask"]
    brain = read_nifti(volumes["brain_mask"].data, name="brain_mask")
    inside = brain.data > 0
    assert brain.spacing_mm == (1.0, 1.0, 1.0)
    assert tuple(report.geometry.shape) == brain.shape
    assert np.allclose(np.reshape(report.geometry.affine, (4, 4)), brain.affine, atol=1e-4)
    for name, contrast in CONTRASTS.items():
        assert volumes[name].header.contrast == contrast
        image = read_nifti(volumes[name].data, name=name)
        assert image.data.dtype == np.float32
        assert abs(float(image.data[inside].mean())) < 0.05
        assert abs(float(image.data[inside].std()) - 1.0) < 0.05
        assert not image.data[~inside].any()
    assert np.isclose(report.brain_volume_ml, np.count_nonzero(inside) / 1000)
    assert [step.name for step in report.steps].count("register") == 4
    assert {flag.id for flag in report.flags} >= {"ALREADY_STRIPPED"}
    assert not report.HasField("skull_strip_model")
