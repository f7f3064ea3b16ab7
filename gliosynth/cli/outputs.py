"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from gliosynth.errors import InvalidParameterError


def write_files(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Writes all files, or none of them, and returns their paths.

    Args:
        folder: Where to; made if needed.
        files: Contents by file name. Files of these names are replaced.

    Raises:
        InvalidParameterError: The folder cannot be made or written.
    """
    token = secrets.token_hex(4)
    temporary = {name: folder / f".{name}.{token}.part" for name in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            _write_durably(temporary[name], data)
        for name, path in temporary.items():
            path.replace(folder / name)
    except OSError as error:
        raise InvalidParameterError(
            f"{folder}: the results cannot be written ({error.strerror}); choose another folder with --out",
            field="--out",
            got=str(folder),
        ) from error
    finally:
        for path in temporary.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return tuple(folder / name for name in files)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
