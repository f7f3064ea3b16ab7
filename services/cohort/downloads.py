"""Downloads: the files of a complete data set in one order, from any byte of any of them, or as signed URLs."""

from collections.abc import Iterator, Sequence

from gliosynth.cohort.summary import FileRecord
from gliosynth.errors import OffsetError, StateError, UnknownResourceError
from gliosynth.v1 import cohort_pb2
from services.cohort.jobs.records import CohortRecord
from services.cohort.jobs.tables import COMPLETE, State
from services.cohort.making.artefacts import Artefacts
from services.runtime.storage import Store


class Download:
    """The files that leave of one cohort."""

    def __init__(self, store: Store, cohort: CohortRecord) -> None:
        """Reads the list of files.

        Args:
            store: Where they lie.
            cohort: The cohort.

        Raises:
            StateError: The data set is not complete (COHORT_NOT_FINISHED).
            StorageError: The store cannot be read.
        """
        if cohort.state not in COMPLETE:
            raise StateError(
                f"cohort {cohort.id} is {cohort.state} with {cohort.cases_made} of {cohort.case_count} cases; its files"
                " leave when the data set is complete",
                reason="COHORT_NOT_FINISHED",
            )
        self._store = store
        self._artefacts = Artefacts(store, cohort.id)
        self.withheld = cohort.state is State.WITHHELD
        listed = self._artefacts.files()
        self.files = listed.reports if self.withheld else (*listed.reports, *listed.cases)

    def messages(self, start_path: str, start_offset: int) -> Iterator[cohort_pb2.DownloadCohortResponse]:
        """Yields totals, then each file as a header and its bytes.

        Args:
            start_path: First file that is wanted; empty for the first.
            start_offset: First byte of it that is wanted.

        Raises:
            UnknownResourceError: There is no such file.
            OffsetError: The offset is past the file's end.
            StorageError: The store cannot be read.
        """
        first = self._index(start_path)
        _check_offset(self.files[first], start_offset)
        yield cohort_pb2.DownloadCohortResponse(totals=self._totals(first, start_offset))
        for file in self.files[first:]:
            yield from self._file(file, start_offset)
            start_offset = 0

    def urls(self, files: Sequence[FileRecord], *, lifetime_s: int) -> Iterator[cohort_pb2.DownloadUrl]:
        """Yields signed URLs.

        Args:
            files: Some of `files`.
            lifetime_s: Seconds for which they work.

        Raises:
            StateError: The store has no signed URLs.
        """
        keys = [self._artefacts.key(file.path) for file in files]
        for file, url in zip(files, self._store.signed_urls(keys, lifetime_s=lifetime_s), strict=True):
            yield cohort_pb2.DownloadUrl(file=_header(file, 0), url=url)

    def _index(self, path: str) -> int:
        if not path:
            return 0
        for index, file in enumerate(self.files):
            if file.path == path:
                return index
        raise UnknownResourceError(
            f"start_path: the data set has no file {path[:200]!r}", field="start_path", got=path[:200]
        )

    def _totals(self, first: int, offset: int) -> cohort_pb2.DownloadTotals:
        before = sum(file.byte_count for file in self.files[:first])
        return cohort_pb2.DownloadTotals(
            file_count=len(self.files),
            size_bytes=sum(file.byte_count for file in self.files),
            files_before=first,
            bytes_before=before + offset,
            withheld=self.withheld,
        )

    def _file(self, file: FileRecord, offset: int) -> Iterator[cohort_pb2.DownloadCohortResponse]:
        yield cohort_pb2.DownloadCohortResponse(file=_header(file, offset))
        if offset < file.byte_count:
            key = self._artefacts.key(file.path)
            for chunk in self._store.chunks(key, start=offset, end=file.byte_count):
                yield cohort_pb2.DownloadCohortResponse(chunk=chunk)


def _header(file: FileRecord, offset: int) -> cohort_pb2.FileHeader:
    return cohort_pb2.FileHeader(
        path=file.path, size_bytes=file.byte_count, sha256=bytes.fromhex(file.sha256), offset=offset
    )


def _check_offset(file: FileRecord, offset: int) -> None:
    if offset > file.byte_count:
        raise OffsetError(
            f"start_offset: {offset} is past the end of {file.path}, which has {file.byte_count} bytes",
            field="start_offset",
            got=str(offset),
        )
