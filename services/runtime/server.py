"""The bootstrap of every server: listen, warm up, serve, drain."""

import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gliosynth import __version__
from gliosynth.client.transfer import LARGEST_MESSAGE_BYTES
from gliosynth.errors import GliosynthError
from services.runtime.admission import Admission
from services.runtime.deadlines import DeadlineInterceptor
from services.runtime.errors import ErrorInterceptor
from services.runtime.logs import LogInterceptor, set_up_logs, traceback_lines
from services.runtime.models import Models
from services.runtime.service import Runtime, Service
from services.runtime.settings import Settings
from services.runtime.stopping import StopRequest
from services.runtime.telemetry import MetricsInterceptor, MetricsServer, Telemetry

SPARE_THREADS: Final = 16
"""Threads beyond the computed requests and the streams: for health, reflection, model lists and refusals."""

ServiceBuilder = Callable[[Runtime], Service]
"""Makes a service from what the bootstrap gives it."""


class Server:
    """One process' gRPC server with its health, reflection and metrics.

    Life: made (listening, NOT_SERVING), `warm` (SERVING), `drain` (NOT_SERVING, finishes what runs, stopped).
    """

    def __init__(self, settings: Settings, builders: Sequence[ServiceBuilder]) -> None:
        """Listens on the port; health says NOT_SERVING.

        Args:
            settings: The server's settings.
            builders: One for each service.

        Raises:
            GliosynthError: A service cannot be made, such as for want of a model.
            OSError: A port is taken or a TLS file cannot be read.
        """
        self._settings = settings
        self._telemetry = Telemetry(git_sha=settings.git_sha)
        workers = settings.max_concurrent_requests
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="work")
        self._models = Models(settings, self._telemetry)
        runtime = Runtime(settings, self._telemetry, Admission(settings), self._workers, self._models)
        built = [build(runtime) for build in builders]
        self._services = [each for service in built for each in (service, *service.companions)]
        threads = workers + settings.max_streams + SPARE_THREADS
        self._calls = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._server = grpc.server(
            self._calls,
            interceptors=[
                MetricsInterceptor(self._telemetry),
                LogInterceptor(),
                ErrorInterceptor(),
                DeadlineInterceptor(),
            ],
            options=(("grpc.max_receive_message_length", LARGEST_MESSAGE_BYTES), ("grpc.so_reuseport", 0)),
        )
        self._health = health.HealthServicer(experimental_non_blocking=True, experimental_thread_pool=self._calls)
        self._register()
        self.port = _listen(self._server, settings)
        self._server.start()
        self._metrics = MetricsServer(self._telemetry, host=settings.host, port=settings.metrics_port)
        self.metrics_port = self._metrics.port

    def warm(self, stop: StopRequest) -> None:
        """Lets every model answer once, then turns each service and the whole to SERVING.

        Args:
            stop: Ends the warm-up between two models, nothing turned to SERVING after it.

        Raises:
            GliosynthError: A model cannot answer.
        """
        for service in self._services:
            for identity in service.warm():
                self._telemetry.model_ready(identity)
                if stop.is_set():
                    return
            self._health.set(service.descriptor.full_name, health_pb2.HealthCheckResponse.SERVING)
        self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    def drain(self) -> None:
        """Says NOT_SERVING, refuses new calls, lets the running ones finish within the grace, then stops."""
        self._health.enter_graceful_shutdown()
        time.sleep(self._settings.drain_delay_s)
        for service in self._services:
            service.drain()
        self._server.stop(self._settings.drain_grace_s).wait()
        self._workers.shutdown(wait=True)
        self._calls.shutdown(wait=True)
        for service in self._services:
            service.close()
        self._models.close()
        self._metrics.stop()

    def _register(self) -> None:
        names = [service.descriptor.full_name for service in self._services]
        for service in self._services:
            service.register(service.servicer, self._server)
            self._telemetry.initialise(service.descriptor)
        for name in ("", *names):
            self._health.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)


def _listen(server: grpc.Server, settings: Settings) -> int:
    """Opens the port, with TLS if it is set, and returns its number."""
    address = f"{settings.host}:{settings.port}"
    credentials = _credentials(settings)
    if credentials is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, credentials)


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    if settings.tls_key is None or settings.tls_certificate is None:
        return None
    client_ca = settings.tls_client_ca.read_bytes() if settings.tls_client_ca is not None else None
    return grpc.ssl_server_credentials(
        [(settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def serve(settings: Settings, builders: Sequence[ServiceBuilder]) -> int:
    """Runs a server until SIGTERM or SIGINT and returns the exit status: 0 after a drain, 1 if it could not start.

    Two JSON lines on standard output tell a parent process where it listens and when it is ready: `{"event":
    "listening", "port": ..., "metrics_port": ...}`, then the same with `"serving"`. Logs go to standard error.

    Args:
        settings: The server's settings.
        builders: One for each service.
    """
    set_up_logs(settings)
    log = structlog.get_logger("gliosynth.server")
    stop = StopRequest()
    stop.on_signals(signal.SIGTERM, signal.SIGINT)
    try:
        server = Server(settings, builders)
    except (GliosynthError, OSError, RuntimeError) as error:
        log.error("start_failed", error=str(error), traceback=traceback_lines(error))
        return 1
    log.info("listening", version=__version__, port=server.port, metrics_port=server.metrics_port)
    _announce("listening", server)
    ready = _warm(server, stop)
    if ready and not stop.is_set():
        _announce("serving", server)
        stop.wait()
    log.info("draining")
    server.drain()
    log.info("stopped")
    return 0 if ready else 1


def _warm(server: Server, stop: StopRequest) -> bool:
    """Warms the server up and says whether it may serve; a model that fails is logged with its remedy."""
    try:
        server.warm(stop)
    except GliosynthError as error:
        structlog.get_logger("gliosynth.server").error("warm_up_failed", reason=error.reason, error=str(error))
        return False
    return True


def _announce(event: str, server: Server) -> None:
    """Writes one line for the parent process."""
    line = json.dumps({"event": event, "port": server.port, "metrics_port": server.metrics_port})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
