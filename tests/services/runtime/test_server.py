"""Tests of services.runtime.server with a real server in this process: health, reflection, drain, overload, TLS."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc
from services.runtime.stopping import StopRequest

NAME = "gliosynth.v1.SegmentationService"


def options_only() -> Iterator[segmentation_pb2.SegmentRequest]:
    yield segmentation_pb2.SegmentRequest(options=segmentation_pb2.SegmentOptions())


def stub(channel: grpc.Channel) -> segmentation_pb2_grpc.SegmentationServiceStub:
    return segmentation_pb2_grpc.SegmentationServiceStub(channel)


def health_of(channel: grpc.Channel, service: str = "") -> int:
    check = health_pb2_grpc.HealthStub(channel).Check
    return check(health_pb2.HealthCheckRequest(service=service), timeout=5).status


def wait_for_refusal(channel: grpc.Channel) -> grpc.StatusCode:
    """Calls until the server refuses, and returns how."""
    while True:
        try:
            stub(channel).ListModels(segmentation_pb2.ListModelsRequest(), timeout=5)
        except grpc.RpcError as error:
            return error.code()


def answer_when_free(channel: grpc.Channel) -> segmentation_pb2.SegmentResponse:
    """Asks until a place is free, and returns the last answer; any other refusal is raised."""
    while True:
        try:
            return list(stub(channel).Segment(options_only(), timeout=30))[-1]
        except grpc.RpcError as error:
            if reason_of(error) != "TOO_MANY_REQUESTS":
                raise


def reason_of(error: grpc.RpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    return next(info.reason for detail in rpc_status.from_call(error).details if detail.Unpack(info))


def test_health_turns_serving_only_after_the_models_answered(start_server, connect, work) -> None:
    """While a model warms up the server listens and says NOT_SERVING; then SERVING, as a whole and by service."""
    work.may_warm.clear()
    server = start_server(work.build, warm=False)
    channel = connect(server)
    warming = threading.Thread(target=server.warm, args=(StopRequest(),))
    warming.start()
    assert health_of(channel) == health_of(channel, NAME) == health_pb2.HealthCheckResponse.NOT_SERVING
    work.may_warm.set()
    warming.join()
    assert health_of(channel) == health_of(channel, NAME) == health_pb2.HealthCheckResponse.SERVING


def test_a_warm_up_that_is_stopped_never_serves(start_server, connect, work) -> None:
    """SIGTERM during the warm-up leaves the server NOT_SERVING."""
    server = start_server(work.build, warm=False)
    stop = StopRequest()
    stop.set()
    server.warm(stop)
    assert health_of(connect(server)) == health_pb2.HealthCheckResponse.NOT_SERVING


def test_reflection_lists_the_services(start_server, connect, work) -> None:
    """A tool without our protos finds the services and the health service."""
    stub = reflection_pb2_grpc.ServerReflectionStub(connect(start_server(work.build)))
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=5)
    names = {service.name for service in answer.list_services_response.service}
    assert names == {NAME, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def test_draining_finishes_what_runs_and_refuses_what_comes(start_server, connect, work) -> None:
    """A running request gets its answer; a new one is refused."""
    server = start_server(work.build)
    running = stub(connect(server)).Segment(options_only(), timeout=30)
    work.begun.wait()
    draining = threading.Thread(target=server.drain)
    draining.start()
    assert wait_for_refusal(connect(server)) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    work.go_on.set()
    assert [answer.WhichOneof("part") for answer in running][-1] == "report"
    draining.join()


def test_work_beyond_the_grace_is_cancelled(start_server, connect, work) -> None:
    """A request that does not finish within the grace is stopped at its next check."""
    server = start_server(work.build, drain_grace_s=0.1)
    running = stub(connect(server)).Segment(options_only(), timeout=30)
    work.begun.wait()
    server.drain()
    assert work.ended.is_set()
    with pytest.raises(grpc.RpcError):
        list(running)


def test_one_request_too_many_is_told_when_to_come_back(start_server, connect, work) -> None:
    """The request above the limit gets RESOURCE_EXHAUSTED with a retry delay; the running one is not disturbed."""
    server = start_server(work.build, max_concurrent_requests=1)
    segment = stub(connect(server)).Segment
    running = segment(options_only(), timeout=30)
    work.begun.wait()
    with pytest.raises(grpc.RpcError) as caught:
        list(segment(options_only(), timeout=30))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(caught.value) == "TOO_MANY_REQUESTS"
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in rpc_status.from_call(caught.value).details)
    assert retry.retry_delay.seconds == 5
    work.go_on.set()
    assert list(running)[-1].HasField("report")


def test_a_call_without_a_deadline_is_refused(start_server, connect, work) -> None:
    """Neither a stream nor a single call runs for a caller that would wait for ever; health does."""
    channel = connect(start_server(work.build))
    for call in (
        lambda: list(stub(channel).Segment(options_only())),
        lambda: stub(channel).ListModels(segmentation_pb2.ListModelsRequest()),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(caught.value) == "DEADLINE_REQUIRED"
    health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


@pytest.mark.parametrize("leaving", ["cancel", "deadline"])
def test_work_stops_when_the_caller_leaves(start_server, connect, work, leaving: str) -> None:
    """Cancelling, or a deadline that passes, reaches the work, and its place becomes free."""
    server = start_server(work.build, max_concurrent_requests=1)
    segment = stub(connect(server)).Segment
    running = segment(options_only(), timeout=30 if leaving == "cancel" else 0.5)
    work.begun.wait()
    if leaving == "cancel":
        running.cancel()
    with pytest.raises(grpc.RpcError):
        list(running)
    assert work.ended.wait(5)
    work.go_on.set()
    assert answer_when_free(connect(server)).HasField("report")


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A key and a certificate for localhost that is its own authority."""
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
    return tmp_path


def test_tls_works_with_a_certificate_of_ones_own(start_server, work, certificates: Path) -> None:
    """A caller that trusts the certificate is served; one without TLS is not."""
    key, certificate = certificates / "key.pem", certificates / "cert.pem"
    server = start_server(work.build, tls_key=key, tls_certificate=certificate)
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
        assert health_of(channel) == health_pb2.HealthCheckResponse.SERVING
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, pytest.raises(grpc.RpcError) as caught:
        health_of(channel)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_mutual_tls_refuses_a_caller_without_a_certificate(start_server, work, certificates: Path) -> None:
    """With an authority for clients, only a caller with its certificate is served."""
    key, certificate = certificates / "key.pem", certificates / "cert.pem"
    server = start_server(work.build, tls_key=key, tls_certificate=certificate, tls_client_ca=certificate)
    trusted = certificate.read_bytes()
    known = grpc.ssl_channel_credentials(trusted, key.read_bytes(), trusted)
    with grpc.secure_channel(f"localhost:{server.port}", known) as channel:
        assert health_of(channel) == health_pb2.HealthCheckResponse.SERVING
    stranger = grpc.ssl_channel_credentials(trusted)
    with grpc.secure_channel(f"localhost:{server.port}", stranger) as channel, pytest.raises(grpc.RpcError) as caught:
        health_of(channel)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
