"""Puts a version into the model repository whole: it is there with its configuration and card, or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gliosynth.errors import InvalidParameterError

POLICY: Final = "version_policy"
"""Start of the line of config.pbtxt that may differ between versions that are served side by side."""


@dataclass(frozen=True)
class Version:
    """A place in the repository.

    Attributes:
        folder: The model's folder.
        number: The version.
    """

    folder: Path
    number: int


def versions_of(folder: Path) -> list[int]:
    """Returns the versions that a model's folder holds, oldest first; none where there is no folder."""
    children = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(int(child.name) for child in children if child.is_dir() and child.name.isdecimal())


def next_version(folder: Path, *, wanted: int | None) -> Version:
    """Returns where a new version goes: the next number, or the one that is asked for.

    Args:
        folder: The model's folder; it need not exist.
        wanted: A number that is asked for; one that is there is replaced.

    Raises:
        InvalidParameterError: The number is below 1, or older than what is there (BAD_VERSION).
    """
    newest = max(versions_of(folder), default=0)
    number = newest + 1 if wanted is None else wanted
    if number < max(newest, 1):
        raise InvalidParameterError(
            f"version {number} of {folder.name} cannot be written: version {newest} is there, and the newest is served;"
            f" name {max(newest, 1)} to replace it or {newest + 1} to follow it",
            field="version",
            got=str(number),
            reason="BAD_VERSION",
        )
    return Version(folder, number)


def keeps_meaning(folder: Path, config: str) -> bool:
    """Returns whether the versions that are there may be served under a new configuration, the policy aside.

    Args:
        folder: The model's folder.
        config: Text of the new config.pbtxt.
    """
    path = folder / "config.pbtxt"
    return path.is_file() and _meaning(path.read_text(encoding="utf-8")) == _meaning(config)


def _meaning(config: str) -> list[str]:
    return [line for line in config.splitlines() if not line.startswith(POLICY)]


def digest_of(config: str, file: Path) -> str:
    """Returns what the services call a version's digest, before it is put down.

    Args:
        config: Text of its config.pbtxt.
        file: The network's file, the only one of its version folder.

    Returns:
        SHA-256 in hexadecimal over the two lines of ``sha256sum``, paths relative to the model's folder; the version is
        part of the path, so ``file.parent`` must have its number as name.
    """
    sums = {
        "config.pbtxt": hashlib.sha256(config.encode()).hexdigest(),
        f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    lines = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    return hashlib.sha256(lines.encode()).hexdigest()


def put_version(version: Version, *, files: tuple[Path, ...], config: str, card: str) -> None:
    """Writes one version; the versions before stay.

    The model's folder is built anew beside the old one and takes its place by renaming, so no reader ever sees a new
    network under an old configuration. A crash between the two renamings leaves the old folder under a hidden name.

    Args:
        version: Where.
        files: Files of the version folder.
        config: Text of config.pbtxt.
        card: Text of card.md.
    """
    with _staging(version.folder) as staged:
        if version.folder.is_dir():
            shutil.copytree(version.folder, staged, dirs_exist_ok=True)
        target = staged / str(version.number)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for file in files:
            shutil.copyfile(file, target / file.name)
        (staged / "config.pbtxt").write_text(config, encoding="utf-8")
        (staged / "card.md").write_text(card, encoding="utf-8")
        _exchange(staged, version.folder)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Yields an empty folder beside a folder, hidden so that readers pass over it; nothing of it is left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        staged = Path(scratch) / "new"
        staged.mkdir()
        yield staged


def _exchange(staged: Path, folder: Path) -> None:
    """Renames a staged folder to its place, what was there into the staging area, and back if that fails."""
    before = staged.with_name("old")
    if folder.exists():
        folder.rename(before)
    try:
        staged.rename(folder)
    except OSError:
        if before.exists():
            before.rename(folder)
        raise
