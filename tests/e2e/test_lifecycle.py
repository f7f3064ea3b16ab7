"""The life of a real server process: listening, serving, observed, drained."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gliosynth.client.transfer import volume_parts
from gliosynth.nifti import write_nifti
from gliosynth.v1 import metrics_pb2, metrics_pb2_grpc, segmentation_pb2, segmentation_pb2_grpc, volume_pb2
from gliosynth.volume import Volume

ROOT = Path(__file__).parents[2]
SERVICES = (
    "gliosynth.v1.PreprocessingService",
    "gliosynth.v1.SegmentationService",
    "gliosynth.v1.MetricsService",
    "gliosynth.v1.TumourMapService",
    "gliosynth.v1.CohortService",
)


@dataclass(frozen=True)
class Started:
    """A server process and what it said on standard output."""

    process: "subprocess.Popen[str]"
    port: int
    metrics_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ends_with(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on free ports, with cohorts of their own, waits for an event of theirs, and leaves none behind."""
    processes: list[subprocess.Popen[str]] = []

    def run(*options: str, module: str = "services", until: str = "serving") -> Started:
        ports = ("--port", "0", "--metrics-port", "0", "--cohort-folder", str(tmp_path / "cohorts"))
        command = [sys.executable, "-m", module, *ports, "--threads", "1", *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == until:
                return Started(process, event["port"], event["metrics_port"])
        pytest.fail(f"the server ended: {process.stderr.read() if process.stderr else ''}")

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def health_of(channel: grpc.Channel, service: str = "") -> int:
    check = health_pb2_grpc.HealthStub(channel).Check
    return check(health_pb2.HealthCheckRequest(service=service), timeout=10, wait_for_ready=True).status


def test_one_process_serves_everything(start: Start) -> None:
    """Health by service, reflection, models with their digest and all metrics come from one process."""
    server = start("--git-sha", "0123abc")
    with grpc.insecure_channel(server.address) as channel:
        assert {health_of(channel, name) for name in ("", *SERVICES)} == {health_pb2.HealthCheckResponse.SERVING}
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=10)
        assert {service.name for service in answer.list_services_response.service} > set(SERVICES)
        listed = segmentation_pb2_grpc.SegmentationServiceStub(channel).ListModels(
            segmentation_pb2.ListModelsRequest(), timeout=10
        )
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics") as scraped:
        metrics = scraped.read().decode()
    names = {line.split()[2] for line in metrics.splitlines() if line.startswith("# TYPE")}
    assert names >= {
        "grpc_server_started_total",
        "grpc_server_handled_total",
        "grpc_server_handling_seconds",
        "grpc_server_msg_received_total",
        "grpc_server_msg_sent_total",
        "grpc_server_in_flight",
        "gliosynth_bytes_received_total",
        "gliosynth_bytes_sent_total",
        "gliosynth_stage_seconds",
        "gliosynth_build_info",
        "gliosynth_model_info",
    }
    assert 'git_sha="0123abc"' in metrics
    digests = {model.name: model.newest.digest for model in listed.models}
    for name in ("segmenter_wt", "segmenter_tc", "segmenter_et", "skull_strip"):
        assert digests[name].startswith("sha256:")
        assert f'digest="{digests[name]}",model="{name}"' in metrics, f"{name} is not ready"
    assert server.ends_with(signal.SIGTERM) == 0


@pytest.mark.parametrize("name", ["segmentation", "preprocessing", "metrics", "tumour_map", "cohort"])
def test_each_service_runs_alone(start: Start, name: str) -> None:
    """`python -m services.<name>` serves that service and no other."""
    server = start(module=f"services.{name}")
    mine = f"gliosynth.v1.{name.title().replace('_', '')}Service"
    with grpc.insecure_channel(server.address) as channel:
        assert health_of(channel) == health_of(channel, mine) == health_pb2.HealthCheckResponse.SERVING
        for other in set(SERVICES) - {mine}:
            with pytest.raises(grpc.RpcError) as caught:
                health_of(channel, other)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert server.ends_with(signal.SIGTERM) == 0


def test_health_is_not_serving_until_the_models_answered(start: Start) -> None:
    """From the moment it listens the server says NOT_SERVING, and nothing else until SERVING.

    How long that takes is the machine's affair; `tests/services/runtime/test_server.py` holds the warm-up still.
    """
    server = start(until="listening")
    seen = []
    with grpc.insecure_channel(server.address) as channel:
        while not seen or seen[-1] != health_pb2.HealthCheckResponse.SERVING:
            seen.append(health_of(channel))
            time.sleep(0.005)
    assert set(seen[:-1]) <= {health_pb2.HealthCheckResponse.NOT_SERVING}


def test_sigterm_drains(start: Start) -> None:
    """The running request is answered, health turns NOT_SERVING, a new request is refused, the exit status is 0."""
    server = start(module="services.metrics")
    go_on: queue.SimpleQueue[None] = queue.SimpleQueue()
    mask = np.zeros((8, 8, 8), np.uint8)
    mask[2:5, 2:5, 2:5] = 2
    data = write_nifti(Volume(mask, np.eye(4)))

    def slowly() -> Iterator[metrics_pb2.ScoreSegmentationRequest]:
        yield metrics_pb2.ScoreSegmentationRequest(options=metrics_pb2.ScoreSegmentationOptions())
        go_on.get()
        for name, role in (
            ("reference", volume_pb2.VOLUME_ROLE_REFERENCE),
            ("prediction", volume_pb2.VOLUME_ROLE_PREDICTION),
        ):
            header = volume_pb2.VolumeHeader(name=name, role=role, encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ)
            for part in volume_parts(header, data):
                yield metrics_pb2.ScoreSegmentationRequest(volume=part)

    states: queue.SimpleQueue[int] = queue.SimpleQueue()
    with grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
        threading.Thread(target=_pass_on, args=(watch, states), daemon=True).start()
        assert states.get(timeout=10) == health_pb2.HealthCheckResponse.SERVING
        running = metrics_pb2_grpc.MetricsServiceStub(channel).ScoreSegmentation.future(slowly(), timeout=60)
        series = 'grpc_server_in_flight{method="ScoreSegmentation",service="gliosynth.v1.MetricsService"} 1.0'
        _wait_for_metric(server, series)
        server.process.send_signal(signal.SIGTERM)
        assert states.get(timeout=10) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert _refusal(server.address) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        assert not running.done()
        go_on.put(None)
        assert [region.dice for region in running.result().regions] == [1.0, 1.0, 1.0]
    assert server.process.wait(60) == 0


def _pass_on(watch: Iterator[health_pb2.HealthCheckResponse], states: "queue.SimpleQueue[int]") -> None:
    try:
        for answer in watch:
            states.put(answer.status)
    except grpc.RpcError:
        return


def _wait_for_metric(server: Started, line: str) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics") as scraped:
            if line in scraped.read().decode():
                return
        time.sleep(0.02)
    pytest.fail(f"never seen: {line}")


def _refusal(address: str) -> grpc.StatusCode:
    """Asks the draining server until it refuses, each time over a connection of its own."""
    while True:
        with grpc.insecure_channel(address) as channel:
            try:
                health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
            except grpc.RpcError as error:
                return error.code()


def test_sigint_drains_as_well(start: Start) -> None:
    """Control-C in a terminal is no crash."""
    assert start(module="services.metrics").ends_with(signal.SIGINT) == 0


def test_sigterm_during_the_warm_up_ends_the_process(start: Start) -> None:
    """A server that is not ready yet can be stopped like any other."""
    assert start(until="listening").ends_with(signal.SIGTERM) == 0


def test_without_models_it_does_not_start_and_says_what_to_do(tmp_path: Path) -> None:
    """A repository that is missing ends the process with status 1 and an event that names it."""
    missing = tmp_path / "nowhere"
    command = [*(sys.executable, "-m", "services", "--port", "0", "--metrics-port", "0"), "--model-repository"]
    ended = subprocess.run([*command, missing], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert any(str(missing) in event.get("error", "") for event in events)


def test_a_taken_port_is_an_error(start: Start) -> None:
    """Two servers never share a port in silence."""
    first = start(module="services.metrics")
    command = [sys.executable, "-m", "services.metrics", "--port", str(first.port), "--metrics-port", "0"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "start_failed" in ended.stderr


def test_tls_in_a_process_of_its_own(start: Start, tmp_path: Path) -> None:
    """With a certificate made for the occasion, a caller that trusts it is served."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", "key.pem", "-out", "cert.pem", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    certificate = tmp_path / "cert.pem"
    options = ("--tls-certificate", str(certificate), "--tls-key", str(tmp_path / "key.pem"))
    server = start(*options, module="services.metrics")
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
        assert health_of(channel) == health_pb2.HealthCheckResponse.SERVING
