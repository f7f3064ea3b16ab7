"""The ``gliosynth`` command: its subcommands, and how errors end it."""

import signal
import sys
from types import FrameType

import typer

from gliosynth import __version__
from gliosynth.cli.cohort import app as cohort
from gliosynth.cli.console import ERR, OUT
from gliosynth.cli.demo import demo
from gliosynth.cli.doctor import doctor
from gliosynth.cli.evaluate import evaluate
from gliosynth.cli.exit_codes import EXIT_CODE_HELP, ExitCode, exit_code_of
from gliosynth.cli.metrics import metrics
from gliosynth.cli.models import models
from gliosynth.cli.preprocess import preprocess
from gliosynth.cli.segment import segment
from gliosynth.cli.tumour_map import app as tumour_map
from gliosynth.errors import GliosynthError

app = typer.Typer(
    name="gliosynth",
    help="Glioma MRI: cohorts, segmentation and metrics over gRPC. Research use only, not a medical device.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for _command in (segment, preprocess, metrics, models, evaluate, doctor, demo):
    app.command(epilog=EXIT_CODE_HELP)(_command)
app.add_typer(tumour_map)
app.add_typer(cohort)


def _print_version(wanted: bool) -> None:
    if wanted:
        OUT.print(f"gliosynth {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Holds the options of the command itself."""


def _end(signal_number: int, frame: FrameType | None) -> None:
    """Ends the command in good order, so that its embedded server ends as well."""
    del signal_number, frame
    sys.exit(ExitCode.TERMINATED)


def main() -> None:
    """Runs the command; an error becomes one sentence on standard error and an exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except GliosynthError as error:
        ERR.print(f"error: {error}", style="bold red", markup=False, soft_wrap=True)
        sys.exit(exit_code_of(error))
