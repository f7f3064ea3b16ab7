"""Metrics for Prometheus over HTTP: RED per method, stages, models and build, all series at 0 from the start."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from wsgiref.simple_server import WSGIServer

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from gliosynth import __version__
from gliosynth.v1 import volume_pb2 as pb
from services.runtime.interception import KINDS, Call, CallInterceptor

DURATION_BUCKETS_S: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
"""Upper edges in seconds: from a refused request to a whole case on a slow machine."""

STAGES: Final = (
    "receive",
    "decode",
    "register",
    "resample",
    "skull_strip",
    "normalise",
    "infer",
    "postprocess",
    "encode",
)
"""Stages of the proto's `Progress.stage`; others are counted as "other" so that the label stays bounded."""

_METHOD_LABELS: Final = ("grpc_type", "grpc_service", "grpc_method")


class Telemetry:
    """The metrics of one server, in a registry of its own."""

    def __init__(self, *, git_sha: str) -> None:
        """Makes the metrics.

        Args:
            git_sha: Commit of the build, or "unknown".
        """
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.started = Counter("grpc_server_started", "Calls started.", _METHOD_LABELS, registry=registry)
        self.handled = Counter(
            "grpc_server_handled", "Calls ended, by status.", (*_METHOD_LABELS, "grpc_code"), registry=registry
        )
        self.handling = Histogram(
            "grpc_server_handling_seconds",
            "Seconds from start to end of a call.",
            _METHOD_LABELS,
            registry=registry,
            buckets=DURATION_BUCKETS_S,
        )
        self.messages_received = Counter(
            "grpc_server_msg_received", "Messages received.", _METHOD_LABELS, registry=registry
        )
        self.messages_sent = Counter("grpc_server_msg_sent", "Messages sent.", _METHOD_LABELS, registry=registry)
        own = ("service", "method")
        self.in_flight = Gauge("grpc_server_in_flight", "Calls in progress.", own, registry=registry)
        self.bytes_received = Counter("gliosynth_bytes_received", "Bytes of messages received.", own, registry=registry)
        self.bytes_sent = Counter("gliosynth_bytes_sent", "Bytes of messages sent.", own, registry=registry)
        self.stage_seconds = Histogram(
            "gliosynth_stage_seconds",
            "Seconds that a request spent in a stage.",
            ("service", "stage"),
            registry=registry,
            buckets=DURATION_BUCKETS_S,
        )
        self.model_info = Gauge(
            "gliosynth_model_info", "1 for each model that is ready.", ("model", "version", "digest"), registry=registry
        )
        self.triton_seconds = Histogram(
            "gliosynth_triton_seconds",
            "Seconds from sending a batch to Triton to its answer.",
            ("model", "version"),
            registry=registry,
            buckets=DURATION_BUCKETS_S,
        )
        self.triton_errors = Counter(
            "gliosynth_triton_errors",
            "Batches that Triton did not answer, by status.",
            ("model", "version", "grpc_code"),
            registry=registry,
        )
        build_info = Gauge("gliosynth_build_info", "1 for this build.", ("version", "git_sha"), registry=registry)
        build_info.labels(version=__version__, git_sha=git_sha).set(1)

    def initialise(self, service: ServiceDescriptor) -> None:
        """Makes every series of a service, at 0, so that a rate exists from the first scrape on.

        Args:
            service: Descriptor from the generated code.
        """
        for method in service.methods:
            kind = KINDS[method.client_streaming, method.server_streaming]
            labels = (kind, service.full_name, method.name)
            for metric in (self.started, self.handling, self.messages_received, self.messages_sent):
                metric.labels(*labels)
            for code in grpc.StatusCode:
                self.handled.labels(*labels, code.name)
            for own in (self.in_flight, self.bytes_received, self.bytes_sent):
                own.labels(service.full_name, method.name)
        for stage in (*STAGES, "other"):
            self.stage_seconds.labels(service.full_name, stage)

    def observe_stages(self, service: str, times: list[pb.StageTime]) -> None:
        """Adds the stage times of one request.

        Args:
            service: Full service name.
            times: Seconds of each stage.
        """
        for time_of in times:
            stage = time_of.stage if time_of.stage in STAGES else "other"
            self.stage_seconds.labels(service, stage).observe(time_of.seconds)

    def model_ready(self, identity: pb.ModelIdentity) -> None:
        """Notes a model that has answered.

        Args:
            identity: The model.
        """
        self.model_info.labels(identity.name, identity.version, identity.digest).set(1)
        if identity.engine == "triton":
            self.triton_seconds.labels(identity.name, identity.version)
            for code in grpc.StatusCode:
                self.triton_errors.labels(identity.name, identity.version, code.name)


class MetricsServer:
    """`/metrics` over HTTP in a thread of its own."""

    def __init__(self, telemetry: Telemetry, *, host: str, port: int) -> None:
        """Starts to answer.

        Args:
            telemetry: What is served.
            host: Address to listen on.
            port: Port; 0 takes a free one.
        """
        self._server: WSGIServer
        self._server, self._thread = start_http_server(port, addr=host, registry=telemetry.registry)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_port)

    def stop(self) -> None:
        """Stops answering and frees the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class _Outcome:
    """Counts the end of a call once, whoever sees it first: the method's end or gRPC's termination callback."""

    telemetry: Telemetry
    call: Call
    started_s: float
    done: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, code: grpc.StatusCode) -> None:
        with self.lock:
            if self.done:
                return
            self.done = True
        labels = (self.call.kind, self.call.service, self.call.method)
        self.telemetry.handled.labels(*labels, code.name).inc()
        self.telemetry.handling.labels(*labels).observe(time.monotonic() - self.started_s)
        self.telemetry.in_flight.labels(self.call.service, self.call.method).dec()

    def end_by_caller(self) -> None:
        """The call ended before the method did: the caller left, or its deadline passed."""
        late = (self.call.context.time_remaining() or 0.0) <= 0.0
        self.end(grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED)


class MetricsInterceptor(CallInterceptor):
    """Counts and times every call and its messages."""

    def __init__(self, telemetry: Telemetry) -> None:
        """Keeps where to count.

        Args:
            telemetry: The server's metrics.
        """
        self._telemetry = telemetry

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Counts the start of a call, and its end with the status."""
        self._telemetry.started.labels(call.kind, call.service, call.method).inc()
        self._telemetry.in_flight.labels(call.service, call.method).inc()
        outcome = _Outcome(self._telemetry, call, time.monotonic())
        if not call.context.add_callback(outcome.end_by_caller):
            outcome.end_by_caller()
        try:
            yield
        except GeneratorExit:
            outcome.end_by_caller()
            raise
        except BaseException:
            outcome.end(call.status() or grpc.StatusCode.UNKNOWN)
            raise
        outcome.end(call.status() or grpc.StatusCode.OK)

    def received(self, call: Call, message: Message) -> None:
        """Counts a message of the caller."""
        self._telemetry.messages_received.labels(call.kind, call.service, call.method).inc()
        self._telemetry.bytes_received.labels(call.service, call.method).inc(message.ByteSize())

    def sent(self, call: Call, message: Message) -> None:
        """Counts a message of the server."""
        self._telemetry.messages_sent.labels(call.kind, call.service, call.method).inc()
        self._telemetry.bytes_sent.labels(call.service, call.method).inc(message.ByteSize())
