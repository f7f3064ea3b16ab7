"""``gliosynth doctor``: does everything that a case needs work here, and what to do if not."""

from pathlib import Path

import typer
from rich.table import Table

from gliosynth.cli import options
from gliosynth.cli.checks import (
    MEMORY_FILE,
    PROCESSOR_FILE,
    Check,
    check_health,
    check_memory,
    check_models,
    check_packages,
    check_processor,
    check_python,
)
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import OUT
from gliosynth.cli.exit_codes import ExitCode
from gliosynth.errors import GliosynthError


def doctor(
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Check Python, packages, memory, processor, models and the server; exit with 1 if something must be put right."""
    here = [check_memory(_text_of(MEMORY_FILE)), check_processor(_text_of(PROCESSOR_FILE))]
    checks = [check_python(), *check_packages(), *here]
    checks += server_checks(Connection(server, timeout, model_repository, tls_ca))
    OUT.print(checks_table(checks))
    if any(check.passed is False for check in checks):
        raise typer.Exit(ExitCode.CHECK_FAILED)


def server_checks(connection: Connection) -> list[Check]:
    """Returns what can be said about the server; if it cannot be asked, that is the finding.

    Args:
        connection: Which server.
    """
    try:
        with connection.open() as client:
            return [*check_health(client), *check_models(client.list_models())]
    except GliosynthError as error:
        return [Check("Server", False, error.reason, str(error))]


def checks_table(checks: list[Check]) -> Table:
    """Returns the checks as a table, with the remedy of each that failed.

    Args:
        checks: In the order of the table.
    """
    marks = {True: "[green]ok[/]", False: "[bold red]bad[/]", None: "[dim]-[/]"}
    table = Table(show_edge=False)
    for header in ("Check", "", "Seen", "What to do"):
        table.add_column(header, overflow="fold")
    for check in checks:
        table.add_row(check.name, marks[check.passed], check.seen, check.remedy if check.passed is False else "")
    return table


def _text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""
