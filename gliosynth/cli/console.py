"""What a person sees: progress and remarks on standard error, results on standard output."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from gliosynth.client import Progress as ProgressEvent
from gliosynth.client.answers import ProgressCallback

OUT: Final = Console(highlight=False)
"""Results: tables and paths."""

ERR: Final = Console(stderr=True, highlight=False)
"""Everything else."""


def status(text: str) -> AbstractContextManager[object]:
    """Returns a spinner that stands while something is waited for.

    Args:
        text: What is waited for.
    """
    return ERR.status(text)


@contextmanager
def progress_bar(title: str) -> Iterator[ProgressCallback]:
    """Yields a callback that moves a progress bar.

    Args:
        title: What is being done, such as the id of the case.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[stage]}"),
    )
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task(title, total=1.0, stage="send")

        def show(event: ProgressEvent) -> None:
            words = (event.stage.replace("_", " "), event.message)
            bar.update(task, completed=event.fraction, stage=" ".join(word for word in words if word))

        yield show
