"""What bad input gets, through a real server process: one clear error each, and a server that goes on serving."""

import functools
import gzip
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import nibabel as nib
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from numpy.typing import NDArray

from gliosynth.client.transfer import volume_parts
from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc, volume_pb2

ROOT = Path(__file__).parents[2]

MAX_VOXELS = 200_000
"""Voxel budget of the server under test; the good case has 40 x 48 x 40."""

MAX_INFLATED_BYTES = 4 << 20
MAX_REQUEST_BYTES = 8 << 20

AFFINE = np.diag([2.6, 2.6, 2.6, 1.0])
CONTRASTS = {
    "t1n": volume_pb2.CONTRAST_T1N,
    "t1c": volume_pb2.CONTRAST_T1C,
    "t2w": volume_pb2.CONTRAST_T2W,
    "t2f": volume_pb2.CONTRAST_T2F,
}


@dataclass(frozen=True)
class Running:
    """The server under test."""

    process: "subprocess.Popen[str]"
    channel: grpc.Channel
    metrics_url: str

    @property
    def segment(self) -> grpc.StreamStreamMultiCallable:
        return segmentation_pb2_grpc.SegmentationServiceStub(self.channel).Segment

    def metric(self, series: str) -> float:
        with urllib.request.urlopen(self.metrics_url) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(series)))

    def memory_kib(self, kind: str = "VmRSS") -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in status if line.startswith(kind)))


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """`python -m services` with small budgets, serving."""
    command = [
        *(sys.executable, "-m", "services", "--port", "0", "--metrics-port", "0", "--threads", "1"),
        *("--max-volume-voxels", str(MAX_VOXELS), "--max-inflated-bytes", str(MAX_INFLATED_BYTES)),
        *("--max-request-bytes", str(MAX_REQUEST_BYTES), "--keepalive-s", "0.2"),
        # Work that nobody waits for any more keeps its place until its stage ends; the next test has its own.
        *("--max-concurrent-requests", "8"),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout)
        serving = next(event for event in events if event["event"] == "serving")
        with grpc.insecure_channel(f"127.0.0.1:{serving['port']}") as channel:
            yield Running(process, channel, f"http://127.0.0.1:{serving['metrics_port']}/metrics")
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture(autouse=True)
def _still_serves(server: Running) -> Iterator[None]:
    """After each bad request the process is alive, healthy, and no request is left in it."""
    yield
    check = health_pb2_grpc.HealthStub(server.channel).Check
    assert check(health_pb2.HealthCheckRequest(), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
    end = time.monotonic() + 30
    while server.metric('grpc_server_in_flight{method="Segment"') > 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert server.metric('grpc_server_in_flight{method="Segment"') == 0


def head(seed: int = 0, tissue: int = 1) -> NDArray[np.int16]:
    """Returns a small stripped head of 0.35 l: anatomy and outline of a seed, seen in one of several contrasts."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, size) for size in (40, 48, 40)), indexing="ij")
    waves = sum(
        np.sin(rng.uniform(2, 9) * (a * x + b * y + c * z) + rng.uniform(0, 6)) for a, b, c in rng.normal(size=(12, 3))
    )
    anatomy = 300 + 60 * waves if tissue == 1 else 300 + 150 * np.cos(tissue * 0.3 * waves)
    radii = (0.8, 0.83, 0.75) if seed == 0 else (0.95, 0.65, 0.85)
    brain = sum((axis / radius) ** 2 for axis, radius in zip((x, y, z), radii, strict=True)) < 1
    return np.where(brain, np.clip(anatomy, 1, 2000), 0).astype(np.int16)


def nifti(data: NDArray[np.generic], affine: NDArray[np.float64] = AFFINE, *, zipped: bool = True) -> bytes:
    image = nib.Nifti1Image(data, affine)
    body = image.to_bytes()
    return gzip.compress(body, 1) if zipped else body


GOOD = {name: nifti(head(tissue=tissue)) for tissue, name in enumerate(CONTRASTS, start=1)}


def header(name: str, data: bytes, **changes: object) -> volume_pb2.VolumeHeader:
    gzipped = data[:2] == b"\x1f\x8b"
    fields = {
        "name": name,
        "role": volume_pb2.VOLUME_ROLE_CONTRAST,
        "contrast": CONTRASTS.get(name, volume_pb2.CONTRAST_UNSPECIFIED),
        "encoding": volume_pb2.VOLUME_ENCODING_NIFTI_GZ if gzipped else volume_pb2.VOLUME_ENCODING_NIFTI,
    }
    return volume_pb2.VolumeHeader(**{**fields, **changes})


def parts(volumes: dict[str, bytes]) -> list[volume_pb2.VolumePart]:
    return [part for name, data in volumes.items() for part in volume_parts(header(name, data), data)]


def request(volumes: list[volume_pb2.VolumePart], **options: object) -> Iterator[segmentation_pb2.SegmentRequest]:
    yield segmentation_pb2.SegmentRequest(options=segmentation_pb2.SegmentOptions(**options))
    for part in volumes:
        yield segmentation_pb2.SegmentRequest(volume=part)


@dataclass(frozen=True)
class Refusal:
    """What a caller sees of an error."""

    code: str
    reason: str
    field: str
    message: str


def refused(server: Running, messages: Iterator[segmentation_pb2.SegmentRequest]) -> Refusal:
    """Sends a request that must fail, checks that no result came before the error, and returns the error."""
    answers: list[str | None] = []
    with pytest.raises(grpc.RpcError) as caught:
        answers.extend(answer.WhichOneof("part") for answer in server.segment(messages, timeout=120))
    assert set(answers) <= {"progress"}
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    details = rpc_status.from_call(caught.value).details
    assert any(detail.Unpack(info) for detail in details)
    if caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT:
        assert any(detail.Unpack(request) for detail in details)
        (violation,) = request.field_violations
        assert (violation.field, violation.reason) == (info.metadata["field"], info.reason)
    assert info.domain == "gliosynth"
    return Refusal(caught.value.code().name, info.reason, info.metadata["field"], caught.value.details())


def with_voxel(value: float) -> NDArray[np.float32]:
    data = head().astype(np.float32)
    data[20, 20, 20] = value
    return data


def with_header(**fields: object) -> bytes:
    """Returns an uncompressed file whose header says something else than its body."""
    image = nib.Nifti1Image(head(), AFFINE)
    body = bytearray(image.to_bytes())
    changed = image.header.copy()
    for name, value in {"vox_offset": 352, **fields}.items():
        changed[name] = value
    body[:348] = changed.binaryblock
    return bytes(body)


def with_affine(column: list[float]) -> bytes:
    rows = AFFINE.astype(np.float32)
    rows[:3, 0] = column
    return with_header(sform_code=1, qform_code=0, srow_x=rows[0], srow_y=rows[1], srow_z=rows[2])


@functools.cache
def bomb() -> bytes:
    """Returns a small file that inflates to 256 MiB behind the header of a small image."""
    small = nib.Nifti1Image(head(), AFFINE).to_bytes()
    return gzip.compress(small) + gzip.compress(bytes(1 << 20), 6) * 256


WHOLE = nifti(head(), zipped=False)
RGB = np.zeros((40, 48, 40), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
INVALID, EXHAUSTED = "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"

BAD_FILES = {
    "not NIfTI": (b"MZ, a program and no image " * 100, INVALID, "NOT_NIFTI", "t2f"),
    "a text file in gzip": (gzip.compress(b"no image " * 1000), INVALID, "NOT_NIFTI", "t2f"),
    "truncated": (WHOLE[: len(WHOLE) // 2], INVALID, "TRUNCATED", "t2f"),
    "truncated in gzip": (GOOD["t2f"][: len(GOOD["t2f"]) // 2], INVALID, "TRUNCATED", "t2f"),
    "truncated inside the header": (WHOLE[:200], INVALID, "NOT_NIFTI", "t2f"),
    "damaged gzip": (GOOD["t2f"][:5000] + bytes(500) + GOOD["t2f"][5500:], INVALID, "DAMAGED_BODY", "t2f"),
    "gzip bomb behind a small header": (bomb, INVALID, "SIZE_MISMATCH", "t2f"),
    "gzip bomb that announces itself": (
        lambda: gzip.compress(with_header(dim=[3, 800, 800, 800, 1, 1, 1, 1])),
        EXHAUSTED,
        "TOO_MANY_VOXELS",
        "t2f",
    ),
    "header claims more voxels": (with_header(dim=[3, 40, 48, 41, 1, 1, 1, 1]), INVALID, "TRUNCATED", "t2f"),
    "header claims fewer voxels": (with_header(dim=[3, 40, 48, 39, 1, 1, 1, 1]), INVALID, "SIZE_MISMATCH", "t2f"),
    "header claims no voxels": (with_header(dim=[3, 40, 48, 0, 1, 1, 1, 1]), INVALID, "NOT_3D", "t2f"),
    "NaN": (nifti(with_voxel(np.nan)), INVALID, "NOT_FINITE", "t2f"),
    "infinity": (nifti(with_voxel(np.inf)), INVALID, "NOT_FINITE", "t2f"),
    "constant image": (nifti(np.full((40, 48, 40), 7, np.int16)), INVALID, "CONSTANT_IMAGE", "t2f"),
    "4D": (nifti(np.stack([head(), head()], axis=-1)), INVALID, "NOT_3D", "t2f"),
    "complex": (nifti(head().astype(np.complex64)), INVALID, "UNSUPPORTED_DTYPE", "t2f.datatype"),
    "RGB": (nifti(RGB), INVALID, "UNSUPPORTED_DTYPE", "t2f.datatype"),
    "singular affine": (with_affine([0.0, 4.0, 0.0]), INVALID, "AFFINE_SINGULAR", "t2f.affine"),
    "affine with NaN": (with_affine([np.nan, 0.0, 0.0]), INVALID, "AFFINE_NOT_FINITE", "t2f.affine"),
    "affine of unbelievable spacing": (with_affine([400.0, 0.0, 0.0]), INVALID, "AFFINE_SPACING", "t2f.affine"),
    "more voxels than the budget": (nifti(np.zeros((80, 80, 80), np.uint8)), EXHAUSTED, "TOO_MANY_VOXELS", "t2f"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_named_with_its_rule(server: Running, what: str) -> None:
    """Code, reason and field are those of the rule, and the message names the file first."""
    data, code, reason, field = BAD_FILES[what]
    refusal = refused(server, request(parts({**GOOD, "t2f": data() if callable(data) else data})))
    assert (refusal.code, refusal.reason, refusal.field) == (code, reason, field)
    assert refusal.message.startswith("t2f: ")
    assert len(refusal.message) > len("t2f: ") + 20


def test_a_gzip_bomb_takes_no_memory(server: Running) -> None:
    """256 MiB behind the header of an image of 150 KiB never enter the process."""
    before_kib = server.memory_kib("VmHWM")
    refused(server, request(parts({**GOOD, "t2f": bomb()})))
    assert server.memory_kib("VmHWM") - before_kib < 64 << 10


def test_a_missing_contrast_is_named(server: Running) -> None:
    """Three contrasts are no case."""
    refusal = refused(server, request(parts({name: GOOD[name] for name in ("t1n", "t1c", "t2w")})))
    assert (refusal.code, refusal.reason, refusal.field) == (INVALID, "MISSING_CONTRAST", "t2f")
    assert "t2f" in refusal.message


def test_no_contrast_at_all_is_a_missing_one(server: Running) -> None:
    """Options alone are no case either."""
    assert refused(server, request([])).reason == "MISSING_CONTRAST"


def test_a_contrast_given_twice_is_named(server: Running) -> None:
    """Two files for one contrast are refused, not guessed between."""
    again = header("again", GOOD["t1c"], contrast=volume_pb2.CONTRAST_T1C)
    refusal = refused(server, request([*parts(GOOD), *volume_parts(again, GOOD["t1c"])]))
    assert (refusal.code, refusal.reason, refusal.field) == (INVALID, "DUPLICATE_CONTRAST", "t1c")
    assert "2 volumes" in refusal.message


def test_contrasts_of_different_subjects_are_refused(server: Running) -> None:
    """A FLAIR of another head cannot be registered, and the result is not guessed."""
    refusal = refused(server, request(parts({**GOOD, "t2f": nifti(head(seed=99, tissue=4))})))
    assert (refusal.code, refusal.reason, refusal.field) == (INVALID, "DIFFERENT_SUBJECTS", "t2f")
    assert "t2f" in refusal.message


def test_an_empty_brain_mask_is_refused(server: Running) -> None:
    """A mask without a voxel is an error, not an empty result."""
    mask = nifti(np.zeros((40, 48, 40), np.uint8))
    empty = header("brain_mask", mask, role=volume_pb2.VOLUME_ROLE_BRAIN_MASK)
    refusal = refused(server, request([*parts(GOOD), *volume_parts(empty, mask)]))
    assert (refusal.code, refusal.reason, refusal.field) == (INVALID, "EMPTY_BRAIN_MASK", "brain_mask")


def test_a_role_without_a_place_is_refused(server: Running) -> None:
    """A label map of an expert has nothing to do in a request for segmentation."""
    expert = header("expert", GOOD["t1c"], role=volume_pb2.VOLUME_ROLE_REFERENCE)
    refusal = refused(server, request([*parts(GOOD), *volume_parts(expert, GOOD["t1c"])]))
    assert (refusal.code, refusal.reason, refusal.field) == (INVALID, "UNEXPECTED_ROLE", "expert.role")


@pytest.mark.parametrize(
    ("options", "reason", "field"),
    [
        ({"model": "oracle"}, "UNKNOWN_MODEL", "model"),
        ({"model_version": "999"}, "UNKNOWN_MODEL_VERSION", "model_version"),
    ],
)
def test_an_unknown_model_is_not_found(server: Running, options: dict[str, str], reason: str, field: str) -> None:
    """A model or version that the repository lacks is NOT_FOUND, with what there is."""
    refusal = refused(server, request(parts(GOOD), **options))
    assert (refusal.code, refusal.reason, refusal.field) == ("NOT_FOUND", reason, field)
    assert next(iter(options.values())) in refusal.message
    assert "segmenter_wt" in refusal.message


def test_an_unknown_result_encoding_is_refused(server: Running) -> None:
    """An encoding that the proto does not know cannot be answered in."""
    refusal = refused(server, request(parts(GOOD), result_encoding=99))
    assert (refusal.code, refusal.field) == (INVALID, "options.result_encoding")


def test_more_bytes_than_the_budget_are_refused_when_announced(server: Running) -> None:
    """A header that announces too much is enough; no byte of the volume has to be sent."""
    announced = header("t1c", b"\x1f\x8b", size_bytes=MAX_REQUEST_BYTES + 1)
    refusal = refused(server, request([volume_pb2.VolumePart(header=announced)]))
    assert (refusal.code, refusal.reason, refusal.field) == (EXHAUSTED, "REQUEST_TOO_LARGE", "t1c")
    assert str(MAX_REQUEST_BYTES) in refusal.message


def test_a_call_without_a_deadline_is_refused(server: Running) -> None:
    """Nothing is computed for a caller that would wait for ever."""
    with pytest.raises(grpc.RpcError) as caught:
        list(server.segment(request(parts(GOOD))))
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    assert (caught.value.code().name, info.reason) == (INVALID, "DEADLINE_REQUIRED")


def test_a_deadline_that_passes_ends_the_work(server: Running) -> None:
    """The caller gets DEADLINE_EXCEEDED, and the server counts it and stops (see `_still_serves`)."""
    series = 'grpc_server_handled_total{grpc_code="DEADLINE_EXCEEDED",grpc_method="Segment"'
    before = server.metric(series)
    with pytest.raises(grpc.RpcError) as caught:
        list(server.segment(request(parts(GOOD)), timeout=0.3))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    end = time.monotonic() + 10
    while server.metric(series) == before and time.monotonic() < end:
        time.sleep(0.02)
    assert server.metric(series) == before + 1


FIRST = parts({"t1c": GOOD["t1c"]})
PROTOCOL = {
    "chunk before header": (request(FIRST[1:]), INVALID, "CHUNK_BEFORE_HEADER", "volume"),
    "more bytes than announced": (
        request([volume_pb2.VolumePart(header=header("t1c", GOOD["t1c"], size_bytes=100)), *FIRST[1:]]),
        INVALID,
        "TOO_MANY_BYTES",
        "t1c.size_bytes",
    ),
    "fewer bytes than announced": (request(FIRST[:1]), INVALID, "VOLUME_INCOMPLETE", "t1c"),
    "another checksum": (
        request(
            [
                volume_pb2.VolumePart(header=header("t1c", GOOD["t1c"], size_bytes=len(GOOD["t1c"]), sha256=bytes(32))),
                *FIRST[1:],
            ]
        ),
        INVALID,
        "SHA256_MISMATCH",
        "t1c.sha256",
    ),
    "two volumes of one name": (request([*FIRST, *FIRST]), INVALID, "NAME_TWICE", "t1c"),
    "a part of nothing": (request([volume_pb2.VolumePart()]), INVALID, "EMPTY_PART", "volume"),
    "options twice": (iter([*request([]), *request([])]), INVALID, "OPTIONS_TWICE", "options"),
    "no options": (
        iter([segmentation_pb2.SegmentRequest(volume=part) for part in FIRST]),
        INVALID,
        "OPTIONS_MISSING",
        "options",
    ),
    "an empty stream": (iter(()), INVALID, "EMPTY_REQUEST", "request"),
}


@pytest.mark.parametrize("what", PROTOCOL)
def test_a_broken_protocol_is_named(server: Running, what: str) -> None:
    """Whatever breaks the order or the sizes of the stream has its own reason."""
    messages, code, reason, field = PROTOCOL[what]
    refusal = refused(server, messages)
    assert (refusal.code, refusal.reason, refusal.field) == (code, reason, field)
    assert refusal.message.startswith(field.split(".")[0])


def test_a_chunk_above_the_message_limit_never_arrives(server: Running) -> None:
    """The transport refuses a message of 4 MiB before our code sees it."""
    start = volume_pb2.VolumePart(header=header("t1c", b"", size_bytes=4 << 20))
    with pytest.raises(grpc.RpcError) as caught:
        list(server.segment(request([start, volume_pb2.VolumePart(chunk=bytes(4 << 20))]), timeout=30))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_caller_that_leaves_in_the_middle_leaves_nothing(server: Running) -> None:
    """Cancelling while sending ends the request; `_still_serves` sees that nothing is in flight."""

    def half() -> Iterator[segmentation_pb2.SegmentRequest]:
        yield from request(FIRST)
        yield segmentation_pb2.SegmentRequest(volume=volume_pb2.VolumePart(header=header("t2w", b"", size_bytes=10)))
        time.sleep(1.0)

    call = server.segment(half(), timeout=60)
    assert next(iter(call)).progress.stage == "receive"
    call.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() is grpc.StatusCode.CANCELLED


def test_the_good_case_is_answered_after_all_that(server: Running) -> None:
    """The same server still segments, and doing it again does not grow the process: memory was given back."""
    answers = list(server.segment(request(parts(GOOD)), timeout=300))
    kinds = [answer.WhichOneof("part") for answer in answers]
    first = kinds.index("report")
    assert set(kinds[:first]) == {"progress"}
    assert set(kinds[first + 1 :]) == {"volume"}
    fractions = [answer.progress.fraction for answer in answers[:first]]
    assert fractions == sorted(fractions)
    report = answers[first].report
    assert tuple(report.geometry.shape) == (40, 48, 40)
    assert np.allclose(np.reshape(report.geometry.affine, (4, 4)), AFFINE)
    before_kib = server.memory_kib()
    list(server.segment(request(parts(GOOD)), timeout=300))
    assert server.memory_kib() - before_kib < 64 << 10
