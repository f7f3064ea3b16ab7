"""Starts a real Triton server on this machine over a model repository, without a container and without a GPU.

    python deploy/triton/serve_local.py

It makes the environment `.venv-triton` (the server of the wheel nvidia-pytriton, numpy 1, onnxruntime) if it is not
there, puts a backend folder together (`onnxruntime`; `pytorch` too, if the Python that runs this has torch: TorchScript
then runs in the torch that exported it), takes free ports, waits until every model is ready and prints one line of
JSON: `{"event": "ready", "grpc_port": ..., "http_port": ..., "metrics_port": ..., "pid": ...}`. SIGTERM or SIGINT stops
the server. The server's own log goes to standard error.
"""

import argparse
import ctypes
import fcntl
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
DEFAULT_ENVIRONMENT = HERE.parents[1] / ".venv-triton"
DEFAULT_MODELS = HERE.parents[1] / "model_repository"

START_TIMEOUT_S = 120.0
"""Seconds until every model must be ready."""

STOP_TIMEOUT_S = 20.0
"""Seconds that the server has for its running requests before it is killed."""


@dataclass(frozen=True)
class Ports:
    """Where the server listens, on 127.0.0.1."""

    grpc_port: int
    http_port: int
    metrics_port: int


def make_environment(folder: Path) -> Path:
    """Returns the environment's site-packages, after installing what is missing.

    Args:
        folder: The virtual environment; made if it is not there or was made from other requirements.
    """
    marker = folder / "installed.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        # Two test processes may come here at once: the second one waits and finds everything there.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            install = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]
            subprocess.run(install, check=True, stdout=sys.stderr)
            marker.write_text(wanted, encoding="utf-8")
    return folder / "lib" / f"python{_python_version()}" / "site-packages"


def require_libpython() -> None:
    """Refuses a machine without the shared library that Triton's Python backend is linked against.

    Raises:
        SystemExit: It is not there; the message says how to install it.
    """
    library = f"libpython{_python_version()}.so.1.0"
    try:
        ctypes.CDLL(str(Path(sysconfig.get_config_var("LIBDIR")) / library))
    except OSError:
        try:
            ctypes.CDLL(library)
        except OSError:
            raise SystemExit(f"{library} is missing; try: apt-get install libpython{_python_version()}") from None


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def fill_backend_directory(folder: Path, server: Path) -> None:
    """Puts Triton's Python backend and the Python-based onnxruntime and pytorch backends into a folder.

    Args:
        folder: An empty folder.
        server: The folder `pytriton/tritonserver` of the wheel.
    """
    python = folder / "python"
    python.mkdir()
    for name in ("libtriton_python.so", "triton_python_backend_utils.py"):
        shutil.copy(server / "backends" / "python" / name, python)
    shutil.copy(server / "python_backend_stubs" / _python_version() / "triton_python_backend_stub", python)
    for name in ("onnxruntime", "pytorch"):
        shutil.copytree(HERE / "backends" / name, folder / name)


def torch_packages() -> str:
    """Returns the site-packages of the torch that this Python has, or an empty string."""
    found = importlib.util.find_spec("torch")
    return "" if found is None or found.origin is None else str(Path(found.origin).parents[1])


def free_ports() -> Ports:
    """Returns three ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(3)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        grpc_port, http_port, metrics_port = (each.getsockname()[1] for each in sockets)
    finally:
        for each in sockets:
            each.close()
    return Ports(grpc_port, http_port, metrics_port)


def start_server(
    site_packages: Path, backends: Path, *, models: Path, ports: Ports, threads: int
) -> subprocess.Popen[bytes]:
    """Returns the server's process, just started.

    Args:
        site_packages: Of the environment that holds the server.
        backends: A filled backend directory.
        models: The model repository.
        ports: Where to listen.
        threads: Threads of all instances of a model together; 0 for every core.
    """
    command = [
        str(site_packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"),
        f"--model-repository={models.resolve()}",
        f"--backend-directory={backends}",
        "--disable-auto-complete-config",
        "--grpc-address=127.0.0.1",
        "--http-address=127.0.0.1",
        "--metrics-address=127.0.0.1",
        f"--grpc-port={ports.grpc_port}",
        f"--http-port={ports.http_port}",
        f"--metrics-port={ports.metrics_port}",
    ]
    libraries = f"{sysconfig.get_config_var('LIBDIR')}:{site_packages / 'nvidia_pytriton.libs'}"
    settings = {
        "LD_LIBRARY_PATH": libraries,
        "TRITON_SITE_PACKAGES": str(site_packages),
        "TRITON_TORCH_PACKAGES": torch_packages(),
        "TRITON_THREADS": str(threads),
    }
    return subprocess.Popen(command, env={**os.environ, **settings}, stdout=sys.stderr)


def wait_until_ready(process: subprocess.Popen[bytes], http_port: int) -> None:
    """Returns once every model answers.

    Args:
        process: The server.
        http_port: Its HTTP port.

    Raises:
        SystemExit: The server ended, or was not ready in time.
    """
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            raise SystemExit(f"tritonserver ended with {process.returncode} before it was ready; its log says why")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/v2/health/ready", timeout=2.0) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            pass
        time.sleep(0.2)
    raise SystemExit(f"tritonserver was not ready within {START_TIMEOUT_S:g} s; its log says why")


def stop_server(process: subprocess.Popen[bytes]) -> None:
    """Ends the server: politely, then by force.

    Args:
        process: The server.
    """
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-repository", type=Path, default=DEFAULT_MODELS, help="folder of the models")
    parser.add_argument("--environment", type=Path, default=DEFAULT_ENVIRONMENT, help="virtual environment to use")
    parser.add_argument("--threads", type=int, default=0, help="threads of a model; 0 for every core")
    parser.add_argument("--install-only", action="store_true", help="make the environment and end")
    options = parser.parse_args()
    require_libpython()
    site_packages = make_environment(options.environment)
    if options.install_only:
        return
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="triton-backends-") as folder:
        backends = Path(folder)
        fill_backend_directory(backends, site_packages / "pytriton" / "tritonserver")
        ports = free_ports()
        process = start_server(
            site_packages, backends, models=options.model_repository, ports=ports, threads=options.threads
        )
        try:
            wait_until_ready(process, ports.http_port)
            print(json.dumps({"event": "ready", **asdict(ports), "pid": process.pid}), flush=True)
            process.wait()
        except KeyboardInterrupt:
            pass
        finally:
            stop_server(process)


if __name__ == "__main__":
    main()
