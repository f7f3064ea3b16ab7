"""What tests of several rooms start: a real tritonserver."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

SERVE = Path(__file__).parents[1] / "deploy" / "triton" / "serve_local.py"

ServeModels = Callable[[Path, Path], AbstractContextManager[dict[str, int]]]
"""Serves a model repository for as long as the context lasts and gives the server's ports."""


@pytest.fixture(scope="session")
def serve_models() -> ServeModels:
    """Starts tritonservers on one thread and free ports; without Triton the test that asks is skipped."""
    install = subprocess.run([sys.executable, SERVE, "--install-only"], capture_output=True, text=True)
    if install.returncode:
        pytest.skip(f"no Triton here; try: python {SERVE.name} --install-only ({install.stderr[-200:]})")

    @contextmanager
    def serve(repository: Path, log: Path) -> Iterator[dict[str, int]]:
        command = [sys.executable, SERVE, "--model-repository", repository, "--threads", "1"]
        with (
            log.open("w") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line, log.read_text()[-3000:]
                yield json.loads(line)
            finally:
                process.terminate()

    return serve
