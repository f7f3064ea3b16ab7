"""What a person sees of a cohort: tables, progress bars, and how the command ends."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from gliosynth.cli.console import ERR, OUT
from gliosynth.cli.exit_codes import ExitCode
from gliosynth.client import Cohort, CohortState, GliosynthClient
from gliosynth.client.cohort_download import DownloadProgress
from gliosynth.client.cohort_results import PREFIX

ENDINGS: Final = {
    CohortState.SUCCEEDED: ExitCode.OK,
    CohortState.WITHHELD: ExitCode.WITHHELD,
    CohortState.CANCELLED: ExitCode.CANCELLED,
    CohortState.FAILED: ExitCode.SERVER_FAILED,
}
"""How the command ends with a cohort."""


def watch_with_bar(client: GliosynthClient, cohort: str) -> Cohort:
    """Shows a cohort's progress until its work is over, and returns it.

    Args:
        client: To the server that keeps it.
        cohort: Its name or id.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task(cohort, total=None, note="")
        for latest in client.cohorts.watch(cohort):
            note = _note(latest)
            bar.update(
                task, description=latest.display_name, completed=latest.cases_made, total=latest.case_count, note=note
            )
    return latest


def exit_for(cohort: Cohort) -> None:
    """Prints how a cohort ended, and ends the command accordingly.

    Args:
        cohort: A cohort whose work is over.

    Raises:
        Exit: It did not succeed.
    """
    OUT.print(cohort_table(cohort))
    code = ENDINGS[cohort.state]
    if code is not ExitCode.OK:
        raise typer.Exit(code)


@contextmanager
def download_bar() -> Iterator[DownloadProgress]:
    """Yields a callback that moves the bar of a download."""
    columns = (TextColumn("download"), BarColumn(), TaskProgressColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, _path: str) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def price_table(seconds: float, size_bytes: int, memory_bytes: int) -> Table:
    """Returns a price as a table.

    Args:
        seconds: Seconds of work.
        size_bytes: Bytes of the data set.
        memory_bytes: Bytes of memory of one worker.
    """
    table = Table(show_header=False)
    table.add_row("Time", duration(seconds))
    table.add_row("Data set", decimal(size_bytes))
    table.add_row("Memory of a worker", decimal(memory_bytes))
    return table


def cohort_table(cohort: Cohort) -> Table:
    """Returns a cohort as a table.

    Args:
        cohort: As it stands.
    """
    table = Table(title=cohort.name, title_justify="left", show_header=False)
    table.add_row("Name", cohort.display_name)
    table.add_row("State", cohort.state.name.lower())
    table.add_row("Cases", f"{cohort.cases_made} of {cohort.case_count}")
    table.add_row("Size", decimal(cohort.size_bytes))
    table.add_row("Generator", cohort.generator_version)
    if cohort.rejections:
        table.add_row("Drawn again", ", ".join(f"{reason} {count}x" for reason, count in cohort.rejections.items()))
    if cohort.error_message:
        table.add_row("Stopped", f"{cohort.error_message} ({cohort.error_reason})")
    for reason in cohort.withheld_reasons:
        table.add_row("Withheld", reason)
    if cohort.expire_time is not None:
        table.add_row("Kept until", f"{cohort.expire_time:%Y-%m-%d %H:%M} UTC")
    return table


def cohorts_table(cohorts: Iterable[Cohort]) -> Table:
    """Returns cohorts as a table, one row for each.

    Args:
        cohorts: Newest first.
    """
    table = Table()
    for header in ("Cohort", "Name", "State", "Cases", "Size", "Created (UTC)"):
        table.add_column(header, justify="right" if header in ("Cases", "Size") else "left", no_wrap=header == "Cohort")
    for cohort in cohorts:
        created = "" if cohort.create_time is None else f"{cohort.create_time:%Y-%m-%d %H:%M}"
        cases = f"{cohort.cases_made}/{cohort.case_count}"
        name = cohort.name.removeprefix(PREFIX)
        table.add_row(name, cohort.display_name, cohort.state.name.lower(), cases, decimal(cohort.size_bytes), created)
    return table


def duration(seconds: float) -> str:
    """Returns a duration for a person: ``"42 s"``, ``"3 min 20 s"``, ``"5 h 12 min"``.

    Args:
        seconds: At least 0.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _note(cohort: Cohort) -> str:
    rejected = sum(cohort.rejections.values())
    words = [cohort.state.name.lower(), f"{rejected} drawn again" if rejected else ""]
    if cohort.cases_made == cohort.case_count and not cohort.state.is_over:
        words[0] = "writing the reports"
    return ", ".join(word for word in words if word)
