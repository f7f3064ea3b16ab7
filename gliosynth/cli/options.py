"""Options that several commands share, written once."""

from pathlib import Path
from typing import Annotated

import typer

from gliosynth.client.client import DEFAULT_TIMEOUT_S

ServerOption = Annotated[
    str, typer.Option("--server", metavar="HOST:PORT", help="Server to ask. Default: one of its own, for this command.")
]
"""Address of a server; empty for the embedded one."""

TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Deadline of each request.")
]
"""Deadline of each request in seconds."""

ModelRepositoryOption = Annotated[
    Path | None,
    typer.Option("--model-repository", help="Models of the embedded server. Default: model_repository/ here, or ours."),
]
"""Folder of the embedded server's models."""

TlsCaOption = Annotated[
    Path | None,
    typer.Option("--tls-ca", exists=True, dir_okay=False, help="PEM of the server's authority; turns TLS on."),
]
"""Certificate of the authority that signed the server's."""

OutOption = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the results; made if needed.")]
"""Folder of the results."""

DEFAULT_TIMEOUT: float = DEFAULT_TIMEOUT_S
"""Default of `TimeoutOption`."""
