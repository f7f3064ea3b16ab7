"""A client for a command: to the server that was named, or to an embedded one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gliosynth
from gliosynth.cli.console import status
from gliosynth.client import EmbeddedServer, GliosynthClient, TlsOptions
from gliosynth.client.embedded import ALL_SERVICES
from gliosynth.errors import InvalidParameterError

CHECKOUT: Final = Path(gliosynth.__file__).parents[1]
"""Folder that holds the package: the repository's root in a checkout."""


@dataclass(frozen=True)
class Connection:
    """What the options of a command say about the server.

    Attributes:
        server: ``host:port``, or ``""`` for an embedded server.
        timeout_s: Deadline of each request in seconds.
        model_repository: Models of the embedded server, or None for the default.
        tls_ca: PEM file of the server's authority, or None for a plain connection.
        module: What the embedded server runs: all services, or the one that is needed.
    """

    server: str
    timeout_s: float
    model_repository: Path | None = None
    tls_ca: Path | None = None
    module: str = ALL_SERVICES

    @contextmanager
    def open(self) -> Iterator[GliosynthClient]:
        """Yields a client; an embedded server lives as long as it.

        Raises:
            InvalidParameterError: ``--server`` and ``--model-repository`` are both given.
            ModelError: The embedded server does not start.
        """
        if self.server:
            self._check_remote()
            tls = TlsOptions(self.tls_ca.read_bytes()) if self.tls_ca is not None else None
            with GliosynthClient(self.server, timeout_s=self.timeout_s, tls=tls) as client:
                yield client
            return
        with self._embedded() as server, GliosynthClient(server.target, timeout_s=self.timeout_s) as client:
            yield client

    @contextmanager
    def _embedded(self) -> Iterator[EmbeddedServer]:
        models = self.model_repository or default_model_repository()
        with ExitStack() as stack:
            with status("Starting the services and warming the models"):
                started = EmbeddedServer.started(model_repository=models, module=self.module)
                server = stack.enter_context(started)
            yield server

    def _check_remote(self) -> None:
        if self.model_repository is not None:
            raise InvalidParameterError(
                "--model-repository is for the embedded server, but --server names another; give one of the two",
                field="--model-repository",
                got=str(self.model_repository),
            )


def default_model_repository() -> Path | None:
    """Returns the models of the current folder, else those of the checkout, else None: the server's own default."""
    for folder in (Path.cwd(), CHECKOUT):
        if (folder / "model_repository").is_dir():
            return folder / "model_repository"
    return None
