"""``gliosynth models``: what the server can run, with versions and digests."""

from typing import Annotated

import typer
from rich.table import Table

from gliosynth.cli import options
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import OUT
from gliosynth.client import ModelDescription


def models(
    cards: Annotated[bool, typer.Option("--cards", help="Print the models' cards as well.")] = False,
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """List the models of the server's repository."""
    with Connection(server, timeout, model_repository, tls_ca).open() as client:
        found = client.list_models()
    OUT.print(models_table(found))
    if cards:
        for model in found:
            OUT.print(f"\n{model.card}", markup=False)


def models_table(models: tuple[ModelDescription, ...]) -> Table:
    """Returns the models as a table.

    Args:
        models: What the server answered.
    """
    table = Table()
    for header in ("Model", "Versions", "Engine", "Precision", "Channels"):
        table.add_column(header, overflow="fold")
    table.add_column("Digest of the newest", no_wrap=True)
    for model in models:
        identity = model.identity
        versions, channels = ", ".join(model.versions), model.parameters.get("channels", "-")
        table.add_row(identity.name, versions, identity.engine, identity.precision, channels, identity.digest[:19])
    return table
