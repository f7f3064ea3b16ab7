"""Errors of the server that name the file they are about.

The server knows volumes by what they are (``t1c``, ``tumour_map``) only: file names may hold patient text and are never
sent.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gliosynth.errors import GliosynthError


@contextmanager
def naming_files(paths: Mapping[str, Path]) -> Iterator[None]:
    """Adds to an error the path of the file that it is about.

    Args:
        paths: The file of each name that was sent.

    Raises:
        GliosynthError: The same error, naming the file.
    """
    try:
        yield
    except GliosynthError as error:
        path = paths.get(error.field.split(".")[0])
        if path is None or str(path) in str(error):
            raise
        message = f"{error} (file: {path})"
        raise type(error)(message, field=error.field, got=error.got, reason=error.reason) from error
