"""``gliosynth cohort``: synthetic cohorts from a spec to a data set on this disk."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import typer

from gliosynth.cli import options
from gliosynth.cli.cohort_local import make_locally
from gliosynth.cli.cohort_views import (
    cohort_table,
    cohorts_table,
    download_bar,
    exit_for,
    price_table,
    watch_with_bar,
)
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import ERR, OUT
from gliosynth.cli.exit_codes import EXIT_CODE_HELP
from gliosynth.client import CohortState, GliosynthClient, VolumeFile
from gliosynth.client.cohort_download import check_folder
from gliosynth.cohort.price import price_of
from gliosynth.cohort.spec import json_schema, parse_spec
from gliosynth.errors import InvalidParameterError

app = typer.Typer(
    name="cohort",
    help="Make synthetic cohorts: watch, cancel, resume, download them as BIDS data sets.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)
"""The subcommands."""

SpecArgument = Annotated[
    Path, typer.Argument(help="The spec, YAML or JSON; `gliosynth cohort schema` has its schema.", dir_okay=False)
]
"""The file that describes a cohort."""

CohortArgument = Annotated[str, typer.Argument(metavar="COHORT", help="Name or id of a cohort.")]
"""Which cohort."""

ServerOption = Annotated[
    str, typer.Option("--server", metavar="HOST:PORT", envvar="GLIOSYNTH_SERVER", help="Server that keeps the cohorts.")
]
"""Address of the server; cohorts outlive the command, so there is no embedded one."""

STATE_NAMES: Final = tuple(state.name.lower() for state in CohortState if state is not CohortState.UNSPECIFIED)
"""States as the command spells them."""


@app.command(epilog=EXIT_CODE_HELP)
def create(
    spec: SpecArgument,
    out: Annotated[Path | None, typer.Option("--out", file_okay=False, help="Download the data set to here.")] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Make it on this machine, without a server; interrupted, it resumes.")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="With --local: worker processes.")] = 1,
    detach: Annotated[bool, typer.Option("--detach", help="Only queue it and print its name.")] = False,
    request_id: Annotated[str, typer.Option("--request-id", help="Makes the command safe to repeat.")] = "",
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Make a cohort and watch it; Ctrl-C leaves it at work."""
    document = _read(spec)
    if out is not None:
        check_folder(out)
    if local:
        if out is None or server or detach:
            raise InvalidParameterError(
                "--local needs --out, and neither --server nor --detach: it makes the cohort here, now", field="--local"
            )
        exit_for(make_locally(document, out, workers=workers, model_repository=model_repository))
        return
    with _connect(server, timeout, tls_ca) as client:
        cohort = client.cohorts.create(document, request_id=request_id or str(uuid4()))
        if detach:
            OUT.print(cohort.name)
            return
        ERR.print(f"{cohort.name} (Ctrl-C leaves it at work)", style="dim")
        cohort = watch_with_bar(client, cohort.name)
        if out is not None and cohort.state in (CohortState.SUCCEEDED, CohortState.WITHHELD):
            _download(client, cohort.name, out)
    exit_for(cohort)


@app.command(epilog=EXIT_CODE_HELP)
def price(
    spec: SpecArgument,
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Check a spec and say what its cohort costs; a server also checks what only it knows."""
    document = _read(spec)
    if server:
        with _connect(server, timeout, tls_ca) as client:
            found = client.cohorts.price(document).price
        OUT.print(price_table(found.seconds, found.size_bytes, found.memory_bytes))
        return
    estimated = price_of(parse_spec(document))
    OUT.print(price_table(estimated.seconds, estimated.bytes, estimated.memory_bytes))


@app.command(epilog=EXIT_CODE_HELP)
def schema() -> None:
    """Print the JSON schema of specs."""
    OUT.print_json(data=json_schema())


@app.command("list", epilog=EXIT_CODE_HELP)
def list_cohorts(
    state: Annotated[list[str] | None, typer.Option("--state", help=f"Only these: {', '.join(STATE_NAMES)}.")] = None,
    name: Annotated[str, typer.Option("--name", help="Only data sets of this name.")] = "",
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """List the server's cohorts, newest first."""
    states = [_state(each) for each in state or ()]
    with _connect(server, timeout, tls_ca) as client:
        OUT.print(cohorts_table(client.cohorts.list(states=states, display_name=name)))


@app.command(epilog=EXIT_CODE_HELP)
def get(
    cohort: CohortArgument,
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Show how a cohort stands."""
    with _connect(server, timeout, tls_ca) as client:
        OUT.print(cohort_table(client.cohorts.get(cohort)))


@app.command(epilog=EXIT_CODE_HELP)
def watch(
    cohort: CohortArgument,
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Follow a cohort until its work is over."""
    with _connect(server, timeout, tls_ca) as client:
        exit_for(watch_with_bar(client, cohort))


@app.command(epilog=EXIT_CODE_HELP)
def cancel(
    cohort: CohortArgument,
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Stop the work on a cohort; what is made stays."""
    with _connect(server, timeout, tls_ca) as client:
        OUT.print(cohort_table(client.cohorts.cancel(cohort)))


@app.command(epilog=EXIT_CODE_HELP)
def resume(
    cohort: CohortArgument,
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Take up the work on a cohort that failed or was cancelled."""
    with _connect(server, timeout, tls_ca) as client:
        OUT.print(cohort_table(client.cohorts.resume(cohort)))


@app.command(epilog=EXIT_CODE_HELP)
def delete(
    cohort: CohortArgument,
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Delete a cohort and everything that was made for it."""
    with _connect(server, timeout, tls_ca) as client:
        client.cohorts.delete(cohort)


@app.command(epilog=EXIT_CODE_HELP)
def download(
    cohort: CohortArgument,
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Empty folder, or that of a broken download.")],
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Download a data set; every file is checked, a broken download goes on where it stopped."""
    with _connect(server, timeout, tls_ca) as client:
        _download(client, cohort, out)


@app.command(epilog=EXIT_CODE_HELP)
def upload(
    label_map: Annotated[Path, typer.Argument(help="Label map of a head, .nii or .nii.gz.")],
    server: ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Upload a label map of your own, for `anatomies.own` of a spec."""
    with _connect(server, timeout, tls_ca) as client:
        uploaded = client.cohorts.upload_anatomy(VolumeFile.from_path(label_map))
    OUT.print(f"{uploaded.anatomy_id} with the labels {', '.join(map(str, uploaded.labels))}")


def _connect(server: str, timeout: float, tls_ca: Path | None) -> AbstractContextManager[GliosynthClient]:
    if not server:
        raise InvalidParameterError(
            "name the server that keeps the cohorts with --server or GLIOSYNTH_SERVER, or make one here with"
            " `gliosynth cohort create --local --out FOLDER`",
            field="--server",
        )
    return Connection(server, timeout, None, tls_ca).open()


def _download(client: GliosynthClient, cohort: str, out: Path) -> None:
    with download_bar() as show:
        client.cohorts.download(cohort, out, on_progress=show)
    OUT.print(str(out))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidParameterError(
            f"{path}: the spec cannot be read ({error.strerror}); check the path", field="SPEC", got=str(path)
        ) from error


def _state(name: str) -> CohortState:
    if name.lower() not in STATE_NAMES:
        raise InvalidParameterError(
            f"--state {name}: choose among {', '.join(STATE_NAMES)}", field="--state", got=name[:64]
        )
    return CohortState[name.upper()]
