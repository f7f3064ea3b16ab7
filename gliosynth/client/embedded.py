"""A server of one's own: ``python -m services`` as a child process, for as long as it is needed."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from gliosynth.client.client import GliosynthClient
from gliosynth.errors import GliosynthError, ModelError

ALL_SERVICES: Final = "services"
"""Module that runs all services in one process."""

START_TIMEOUT_S: Final = 120.0
"""Longest wait in seconds until every model of the child has answered once."""

STOP_GRACE_S: Final = 40.0
"""Longest wait in seconds for a child that was asked to stop, before it is killed."""

NO_WORKERS: Final = ("--cohort-workers", "0")
"""A server that is started for one request leaves cohorts in the current folder alone."""

POLL_S: Final = 0.1
"""Seconds between two health checks while the child starts."""


@dataclass(frozen=True)
class EmbeddedServer:
    """A running child process that serves on a free local port.

    Attributes:
        target: ``host:port`` for `GliosynthClient`.
        process_id: Its process id.
    """

    target: str
    process_id: int

    @classmethod
    @contextmanager
    def started(
        cls,
        *,
        model_repository: Path | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
        module: str = ALL_SERVICES,
        options: Sequence[str] = NO_WORKERS,
    ) -> Iterator["EmbeddedServer"]:
        """Starts all services, or one of them, waits until they serve, and stops them at the end.

        Args:
            model_repository: Folder of the models; None for the server's default.
            start_timeout_s: Longest wait until it serves, in seconds.
            module: What is run: all services, or the one that is needed, such as ``services.tumour_map``.
            options: Further options of the server.

        Raises:
            ModelError: The child ended, or did not serve in time; the message shows its last log lines.
        """
        with TemporaryFile() as log:
            process = subprocess.Popen(  # noqa: S603 - our own module and options, no shell
                _command(module, options, model_repository), stdout=subprocess.PIPE, stderr=log, text=True
            )
            try:
                deadline_s = time.monotonic() + start_timeout_s
                target = f"127.0.0.1:{_announced_port(process, log, deadline_s)}"
                _wait_until_serving(process, log, target, deadline_s)
                yield cls(target, process.pid)
            finally:
                _stop(process)


def _command(module: str, options: Sequence[str], model_repository: Path | None) -> list[str]:
    command = [sys.executable, "-m", module, *options]
    command += ["--host", "127.0.0.1", "--port", "0", "--metrics-port", "0", "--log-level", "warning"]
    return command if model_repository is None else [*command, "--model-repository", str(model_repository)]


def _announced_port(process: "subprocess.Popen[str]", log: IO[bytes], deadline_s: float) -> int:
    ports: queue.Queue[int | None] = queue.Queue()
    threading.Thread(target=_read_events, args=(process.stdout, ports), daemon=True).start()
    try:
        port = ports.get(timeout=max(0.0, deadline_s - time.monotonic()))
    except queue.Empty:
        port = None
    if port is None:
        raise _start_error(process, log, deadline_s=deadline_s)
    return port


def _read_events(stdout: IO[str], ports: "queue.Queue[int | None]") -> None:
    """Hands on the port of the ``serving`` event, then keeps the pipe empty; None when the output ends."""
    for line in stdout:
        port = _port_of(line)
        if port is not None:
            ports.put(port)
    ports.put(None)
    stdout.close()


def _port_of(line: str) -> int | None:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    if isinstance(event, dict) and event.get("event") == "serving":
        return int(event["port"])
    return None


def _wait_until_serving(process: "subprocess.Popen[str]", log: IO[bytes], target: str, deadline_s: float) -> None:
    with GliosynthClient(target) as client:
        while time.monotonic() < deadline_s and process.poll() is None:
            if _health(client) == "SERVING":
                return
            time.sleep(POLL_S)
    raise _start_error(process, log, deadline_s=deadline_s)


def _health(client: GliosynthClient) -> str:
    try:
        return client.health()
    except GliosynthError:
        return "UNKNOWN"


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start_error(process: "subprocess.Popen[str]", log: IO[bytes], *, deadline_s: float) -> ModelError:
    code = _exit_code_until(process, deadline_s)
    state = "did not serve in time" if code is None else f"ended with code {code}"
    log.seek(0)
    cause = _last_cause(log.read().decode(errors="replace").splitlines())
    return ModelError(
        f"the embedded server {state}: {cause} (run `gliosynth doctor`, or `python -m services` to see it start)",
        reason="EMBEDDED_SERVER_FAILED",
    )


def _exit_code_until(process: "subprocess.Popen[str]", deadline_s: float) -> int | None:
    """Returns the exit code; a child that closed its output may need a moment to end. None if it still runs."""
    try:
        return process.wait(max(0.0, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _last_cause(lines: list[str]) -> str:
    """Returns what the last event says about an error, or the last line as it is: a traceback ends with its cause."""
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            return line.strip()
        if isinstance(event, dict) and "error" in event:
            return str(event["error"])
    return "it wrote no cause into its log"
