"""Where the files of cohorts lie in the store, and in which order they are written.

::

    cohorts/<id>/data/<path>           the data set's files
    cohorts/<id>/cases/<number>.json   a case's summary: written last, so a case without one does not exist
    cohorts/<id>/files.json            every file of the complete data set: written last of all
    label-maps/<id>.nii.gz             uploaded label maps

A killed worker may leave files of a case without summary; the next one writes the same bytes over them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from gliosynth.cohort.case import CaseArtefacts
from gliosynth.cohort.summary import CaseSummary, FileRecord
from services.runtime.storage import Store


@dataclass(frozen=True)
class FileList:
    """Every file of a complete data set.

    Attributes:
        reports: Files about the data set as a whole, in the order in which they are sent: first.
        cases: Files of the cases, by number, then as their makers list them.
    """

    reports: tuple[FileRecord, ...]
    cases: tuple[FileRecord, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.byte_count for file in (*self.reports, *self.cases))


_FILE_LIST: Final = TypeAdapter(FileList)


class Artefacts:
    """The files of one cohort."""

    def __init__(self, store: Store, cohort_id: str) -> None:
        """Keeps where they lie.

        Args:
            store: The store.
            cohort_id: The cohort.
        """
        self._store = store
        self._root = f"cohorts/{cohort_id}"

    def has_case(self, number: int) -> bool:
        """Returns whether a case is there, whole.

        Args:
            number: The case, from 0.

        Raises:
            StorageError: The store cannot be read.
        """
        return self._store.exists(self._summary_key(number))

    def write_case(self, number: int, case: CaseArtefacts) -> None:
        """Writes a case: its files, then its summary.

        Args:
            number: The case, from 0.
            case: What was made.

        Raises:
            StorageError: The store is full, refuses or cannot be reached; the case is not there then.
        """
        for path, data in case.files.items():
            self._store.put(self.key(path), data)
        self._store.put(self._summary_key(number), case.summary.to_json())

    def summary(self, number: int) -> CaseSummary:
        """Returns the summary of a case that is there.

        Args:
            number: The case, from 0.

        Raises:
            UnknownResourceError: It is not there.
            StorageError: The store cannot be read.
        """
        return CaseSummary.from_json(self._store.get(self._summary_key(number)))

    def read(self, path: str) -> bytes:
        """Returns a file of the data set.

        Args:
            path: Relative to the data set's root.

        Raises:
            UnknownResourceError: It is not there.
            StorageError: The store cannot be read.
        """
        return self._store.get(self.key(path))

    def write_dataset(self, files: Mapping[str, bytes], summaries: Sequence[CaseSummary]) -> FileList:
        """Writes what completes the data set, then the list of all files, and returns that list.

        Args:
            files: Files about the data set as a whole, by path.
            summaries: The cases, by number.

        Raises:
            StorageError: The store is full, refuses or cannot be reached; the data set is not complete then.
        """
        for path, data in files.items():
            self._store.put(self.key(path), data)
        listed = FileList(
            reports=tuple(FileRecord.of(path, data) for path, data in sorted(files.items())),
            cases=tuple(file for summary in summaries for file in summary.files),
        )
        self._store.put(self._list_key, _FILE_LIST.dump_json(listed))
        return listed

    def files(self) -> FileList:
        """Returns the list of all files of a complete data set.

        Raises:
            UnknownResourceError: It is not complete.
            StorageError: The store cannot be read.
        """
        return _FILE_LIST.validate_json(self._store.get(self._list_key))

    def delete(self) -> None:
        """Deletes everything of the cohort.

        Raises:
            StorageError: The store refuses or cannot be reached.
        """
        self._store.delete_folder(self._root)

    def key(self, path: str) -> str:
        """Returns the store's key of a file of the data set.

        Args:
            path: Relative to the data set's root.
        """
        return f"{self._root}/data/{path}"

    def _summary_key(self, number: int) -> str:
        return f"{self._root}/cases/{number:05d}.json"

    @property
    def _list_key(self) -> str:
        return f"{self._root}/files.json"
