"""A download that survives being cut off: files appear whole and checked, the rest is remembered beside them."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gliosynth.errors import InvalidParameterError, ModelError, StorageError
from gliosynth.v1 import cohort_pb2

JOURNAL: Final = ".gliosynth-download.json"
"""File that says whose broken download a folder holds; it is removed at the end."""

PARTIAL: Final = ".gliosynth-download.part"
"""File that is being received."""

RECEIVE_AGAIN: Final = "RECEIVE_AGAIN"
"""Reason of the error after which the same file is asked for once more."""

DownloadProgress = Callable[[int, int, str], None]
"""Called with the bytes so far, all bytes, and the file at hand."""


def check_folder(folder: Path) -> None:
    """Refuses a folder that no download can go to, before anything starts.

    Args:
        folder: Where a data set is to go.

    Raises:
        InvalidParameterError: It is not empty and holds no broken download, or is no folder.
    """
    try:
        if not folder.exists() or (folder / JOURNAL).exists() or not any(folder.iterdir()):
            return
    except OSError as error:
        raise _folder_error(folder, f"it cannot be read, {error.strerror}") from error
    raise _folder_error(folder, "it is not empty")


def _folder_error(folder: Path, why: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"{folder}: the data set cannot go here ({why}); name an empty folder", field="--out", got=str(folder)
    )


@dataclass(frozen=True)
class Place:
    """Where a download goes on.

    Attributes:
        path: The file that is wanted next; empty for the first.
        offset: Its first byte that is wanted.
    """

    path: str
    offset: int


class DownloadFolder:
    """The folder of one download."""

    def __init__(self, folder: Path, *, cohort: str, on_progress: DownloadProgress | None) -> None:
        """Opens an empty folder, or that of a broken download of the same cohort.

        Args:
            folder: Made if needed.
            cohort: Resource name.
            on_progress: Called for each message with bytes.

        Raises:
            InvalidParameterError: The folder holds something else, or cannot be written.
        """
        self._folder = folder
        self._cohort = cohort
        self._on_progress = on_progress
        self._file: cohort_pb2.FileHeader | None = None
        self._broken_path = ""
        self._total_bytes = 0
        self.received_bytes = 0
        self.place = self._opened()

    def receive(self, messages: Iterable[cohort_pb2.DownloadCohortResponse]) -> None:
        """Takes the messages of one call; `place` says where the next one would go on.

        Args:
            messages: The server's.

        Raises:
            ModelError: A file arrived broken twice, or its path leads out of the folder.
            StorageError: The disk is full or refuses.
        """
        self._file = None
        try:
            for message in messages:
                self._take(message)
            self._close_file()
        except OSError as error:
            raise StorageError(
                f"{self._folder}: the download cannot be written ({error.strerror}); make room, then download again:"
                " it goes on where it stopped",
                field="--out",
                reason="DOWNLOAD_FOLDER_FAILED",
            ) from error

    def finish(self) -> Path:
        """Removes what only a broken download needs, and returns the folder."""
        self._journal.unlink(missing_ok=True)
        return self._folder

    @property
    def _journal(self) -> Path:
        return self._folder / JOURNAL

    @property
    def _partial(self) -> Path:
        return self._folder / PARTIAL

    def _opened(self) -> Place:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            check_folder(self._folder)
            if self._journal.exists():
                return self._continued(json.loads(self._journal.read_text()))
            self._note("")
        except OSError as error:
            raise _folder_error(self._folder, f"it cannot be written, {error.strerror}") from error
        return Place("", 0)

    def _continued(self, journal: dict[str, str]) -> Place:
        if journal["cohort"] != self._cohort:
            raise _folder_error(self._folder, f"it holds a broken download of {journal['cohort']}")
        return Place(journal["path"], self._partial.stat().st_size if self._partial.exists() else 0)

    def _note(self, path: str) -> None:
        """Remembers which file the partial one is; renamed into place, so that it is never half a note."""
        draft = self._folder / f"{JOURNAL}.new"
        draft.write_text(json.dumps({"cohort": self._cohort, "path": path}))
        draft.replace(self._journal)

    def _take(self, message: cohort_pb2.DownloadCohortResponse) -> None:
        kind = message.WhichOneof("part")
        if kind == "totals":
            self._total_bytes = message.totals.size_bytes
            self.received_bytes = message.totals.bytes_before
        elif kind == "file":
            self._close_file()
            self._open_file(message.file)
        elif kind == "chunk" and self._file is not None:
            with self._partial.open("ab") as file:
                file.write(message.chunk)
            self.received_bytes += len(message.chunk)
            self.place = Place(self._file.path, self.place.offset + len(message.chunk))
            self._report(self._file.path)

    def _open_file(self, header: cohort_pb2.FileHeader) -> None:
        if header.offset == 0:
            self._partial.write_bytes(b"")
        self._note(header.path)
        self._file = header
        self.place = Place(header.path, header.offset)

    def _close_file(self) -> None:
        """Checks the file that is complete now, and moves it into place."""
        header, self._file = self._file, None
        if header is None:
            return
        with self._partial.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            os.fsync(file.fileno())
        if digest != header.sha256:
            self._break(header.path)
        target = self._target(header.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._partial.replace(target)
        self._report(header.path)

    def _break(self, path: str) -> None:
        """Drops a file that arrived broken; the second time it is an error for good."""
        self._partial.unlink()
        self.place = Place(path, 0)
        again = self._broken_path == path
        self._broken_path = path
        raise ModelError(
            f"{path}: its bytes are not those that the server announced; "
            + ("it happened twice, ask the server's operator" if again else "it is received again"),
            field=path,
            reason="DOWNLOAD_BROKEN" if again else RECEIVE_AGAIN,
        )

    def _target(self, path: str) -> Path:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\\" in path or not parts.parts:
            raise ModelError(
                f"{path[:200]!r}: the server names a file outside the data set; do not trust it",
                field="path",
                reason="UNSAFE_PATH",
            )
        return self._folder / parts

    def _report(self, path: str) -> None:
        if self._on_progress is not None:
            self._on_progress(self.received_bytes, self._total_bytes, path)
