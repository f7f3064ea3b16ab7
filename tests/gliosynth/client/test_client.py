"""The client against a server in this process: the real wire, no models."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from gliosynth.client import CasePayload, GliosynthClient, Progress, TlsOptions, VolumeFile
from gliosynth.client.fake import FakeServer
from gliosynth.client.payloads import Encoding
from gliosynth.errors import (
    DeadlineExceededError,
    GliosynthError,
    InvalidCaseError,
    InvalidVolumeError,
    ModelError,
    UnknownModelError,
)
from gliosynth.labels import CONTRASTS, Contrast, Region
from gliosynth.nifti import read_label_map, write_nifti
from gliosynth.volume import Volume

AFFINE = np.array([[-2.0, 0, 0, 10], [0, 1, 0, -20], [0, 0, 5, 30], [0, 0, 0, 1]])


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def client(server: FakeServer) -> Iterator[GliosynthClient]:
    with GliosynthClient(server.target, timeout_s=20) as connected:
        yield connected


def payload() -> CasePayload:
    """Four contrasts of 4 x 5 x 6 voxels; two neighbouring voxels of the t1c are bright."""
    data = np.arange(120, dtype=np.int16).reshape(4, 5, 6)
    bright = data.copy()
    bright[1, 2, 3] = bright[1, 2, 4] = 1000
    volumes = {contrast: bright if contrast is Contrast.T1C else data for contrast in CONTRASTS}
    return CasePayload({name: VolumeFile.from_volume(Volume(image, AFFINE)) for name, image in volumes.items()})


def test_the_label_map_comes_back_on_the_t1c_grid(client: GliosynthClient) -> None:
    """Labels, affine, volumes and centres are those the server computed; two voxels of 10 mm3 are 0.02 ml."""
    result = client.segment(payload())
    assert np.argwhere(result.labels.data == 3).tolist() == [[1, 2, 3], [1, 2, 4]]
    np.testing.assert_array_equal(result.labels.affine, AFFINE)
    assert [region.region for region in result.regions] == [Region.WT, Region.TC, Region.ET]
    assert [region.volume_ml for region in result.regions] == pytest.approx([0.02] * 3)
    assert result.regions[2].centroid_mm == pytest.approx((8.0, -18.0, 47.5))


def test_the_bytes_are_the_servers_own(client: GliosynthClient) -> None:
    """What is written to disk is what was sent, and it reads as the same label map."""
    result = client.segment(payload())
    np.testing.assert_array_equal(read_label_map(result.labels_nifti, name="seg").data, result.labels.data)


def test_the_report_is_complete(client: GliosynthClient) -> None:
    """Flags, models, steps and times arrive as dataclasses."""
    result = client.segment(payload())
    assert [(flag.id, flag.is_warning) for flag in result.flags] == [("FAKE_MODEL", True)]
    assert [(model.name, model.version) for model in result.models] == [("fake_wt", "1")]
    assert [(step.name, step.volume, step.parameters) for step in result.steps] == [
        ("threshold", "t1c", {"share": 0.75})
    ]
    assert [(item.stage, item.seconds) for item in result.times] == [("infer", 0.25)]
    assert result.brain_volume_ml == 1234.5


def test_progress_is_handed_on_in_order(client: GliosynthClient) -> None:
    """Every event reaches the caller before the result does."""
    events: list[Progress] = []
    client.segment(payload(), on_progress=events.append)
    assert [(event.stage, event.fraction) for event in events] == [("infer", 0.5), ("encode", 1.0)]


def test_file_names_never_leave_this_side(client: GliosynthClient, server: FakeServer, tmp_path: Path) -> None:
    """Volumes are called by their contrast, whatever the file is called."""
    path = tmp_path / "Doe_Jane_t1c.nii.gz"
    path.write_bytes(payload().contrasts[Contrast.T1C].data)
    client.segment(CasePayload({Contrast.T1C: VolumeFile.from_path(path)}, VolumeFile.from_path(path)))
    assert server.segmentation.received_names == ("t1c", "brain_mask")


@pytest.mark.parametrize(
    "failure",
    [
        InvalidVolumeError("t2f: the file is not NIfTI; send NIfTI", field="t2f", got="PK", reason="NOT_NIFTI"),
        UnknownModelError("no model 'x'; ask for one of the list", field="model", got="x"),
        ModelError("the model answered NaN; report it"),
    ],
)
def test_an_error_of_the_server_is_raised_again(
    client: GliosynthClient, server: FakeServer, failure: GliosynthError
) -> None:
    """Class, message, reason, field and value survive the wire."""
    server.segmentation.failure = failure
    with pytest.raises(type(failure)) as caught:
        client.segment(payload())
    assert type(caught.value) is type(failure)
    assert str(caught.value) == str(failure)
    assert (caught.value.reason, caught.value.field, caught.value.got) == (failure.reason, failure.field, failure.got)


def test_a_missing_contrast_is_the_servers_rule(client: GliosynthClient) -> None:
    """The client sends what it is given; the error names the volume."""
    with pytest.raises(InvalidCaseError) as caught:
        client.segment(CasePayload({Contrast.T1N: payload().contrasts[Contrast.T1N]}))
    assert (caught.value.reason, caught.value.field) == ("CONTRAST_MISSING", "t1c")


def test_the_deadline_is_always_set(server: FakeServer) -> None:
    """A deadline that has no chance ends as such, not as a hang."""
    with GliosynthClient(server.target, timeout_s=1e-6) as client, pytest.raises(DeadlineExceededError) as caught:
        client.segment(payload())
    assert caught.value.reason == "RPC_DEADLINE_EXCEEDED"


def test_a_server_that_is_not_there_is_said_so() -> None:
    """The message names the address and what to check."""
    with (
        GliosynthClient(f"127.0.0.1:{free_port()}", timeout_s=20) as client,
        pytest.raises(GliosynthError, match="cannot be reached") as caught,
    ):
        client.list_models()
    assert caught.value.reason == "RPC_UNAVAILABLE"


def test_a_server_that_starts_late_is_waited_for() -> None:
    """A refused connection is tried again: nothing was sent, so nothing can be done twice."""
    port = free_port()
    servers: list[FakeServer] = []
    starter = threading.Timer(0.3, lambda: servers.append(FakeServer(port=port).__enter__()))
    starter.start()
    try:
        with GliosynthClient(f"127.0.0.1:{port}", timeout_s=20) as client:
            assert client.segment(payload()).brain_volume_ml == 1234.5
    finally:
        starter.join()
        for server in servers:
            server.__exit__(None, None, None)


def test_every_page_of_models_is_fetched(client: GliosynthClient) -> None:
    """The list ends with the empty token, not with the first page."""
    models = client.list_models()
    assert [model.identity.name for model in models] == ["fake_wt", "fake_wt"]
    assert models[0].versions == ("1",)


def test_health_is_the_standard_services_word(client: GliosynthClient) -> None:
    """SERVING for the server, an error for a service it does not have."""
    assert client.health() == "SERVING"
    with pytest.raises(GliosynthError):
        client.health("gliosynth.v1.NoSuchService")


def test_the_bytes_say_whether_a_file_is_compressed(tmp_path: Path) -> None:
    """A gzip file called .nii is sent as what it is."""
    volume = Volume(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    (tmp_path / "a.nii").write_bytes(write_nifti(volume))
    (tmp_path / "b.nii.gz").write_bytes(write_nifti(volume, compress=False))
    assert VolumeFile.from_path(tmp_path / "a.nii").encoding is Encoding.NIFTI_GZ
    assert VolumeFile.from_path(tmp_path / "b.nii.gz").encoding is Encoding.NIFTI


@pytest.mark.parametrize(("content", "reason"), [(b"", "FILE_EMPTY"), (None, "FILE_UNREADABLE")])
def test_a_file_that_cannot_be_sent_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """Empty and missing files fail here, before anything is sent."""
    path = tmp_path / "a_t1.nii.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidVolumeError, match=r"a_t1\.nii\.gz") as caught:
        VolumeFile.from_path(path)
    assert caught.value.reason == reason


def test_tls_is_spoken_with_the_authority_that_was_given(tmp_path: Path) -> None:
    """A server whose certificate the given authority signed is believed; without the authority it is not."""
    key, certificate = self_signed(tmp_path)
    with FakeServer(credentials=grpc.ssl_server_credentials([(key, certificate)])) as server:
        with GliosynthClient(server.target, timeout_s=20, tls=TlsOptions(certificate)) as client:
            assert client.segment(payload()).brain_volume_ml == 1234.5
        with GliosynthClient(server.target, timeout_s=20, tls=TlsOptions()) as client, pytest.raises(GliosynthError):
            client.segment(payload())


def self_signed(folder: Path) -> tuple[bytes, bytes]:
    """Returns a key and a certificate for 127.0.0.1, in PEM."""
    paths = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    name = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["openssl", "req", *kind, *name, *paths], check=True, capture_output=True)
    return (folder / "key.pem").read_bytes(), (folder / "cert.pem").read_bytes()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
