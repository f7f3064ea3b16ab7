"""The client of the cohort service.

>>> with GliosynthClient("localhost:50051") as client:  # doctest: +SKIP
...     cohort = client.cohorts.create(Path("spec.yaml").read_bytes(), request_id=str(uuid4()))
...     for cohort in client.cohorts.watch(cohort.name):
...         print(cohort.cases_made, "of", cohort.case_count)
...     client.cohorts.download(cohort.name, Path("dataset"))
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import grpc

from gliosynth.client.cohort_download import RECEIVE_AGAIN, DownloadFolder, DownloadProgress
from gliosynth.client.cohort_results import Cohort, CohortState, UploadedAnatomy, cohort_from, name_of
from gliosynth.client.payloads import VolumeFile
from gliosynth.client.status import error_from_rpc
from gliosynth.client.transfer import volume_parts
from gliosynth.errors import GliosynthError
from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc, volume_pb2

WATCH_DEADLINE_S: Final = 600.0
"""Deadline of one call that watches or downloads, in seconds; such calls are made again until the work is over."""

PASSING: Final = frozenset(
    {
        "RPC_UNAVAILABLE",
        "RPC_DEADLINE_EXCEEDED",
        "DEADLINE_EXCEEDED",
        "SERVER_DRAINING",
        "DATABASE_UNAVAILABLE",
        "STORE_UNAVAILABLE",
        RECEIVE_AGAIN,
    }
)
"""Reasons of errors after which the same call is made again: the cohort goes on meanwhile."""

MOST_FAILURES: Final = 6
"""Failures in a row, nothing received in between, after which a call is given up."""


class CohortClient:
    """The cohorts of a server. Used through `GliosynthClient.cohorts`."""

    def __init__(self, channel: grpc.Channel, *, target: str, timeout_s: float) -> None:
        """Keeps the connection.

        Args:
            channel: To the server.
            target: Its address, for messages.
            timeout_s: Deadline of a request in seconds.
        """
        self._stub = cohort_pb2_grpc.CohortServiceStub(channel)
        self._target = target
        self._timeout_s = timeout_s

    def create(self, spec: bytes, *, request_id: str = "") -> Cohort:
        """Queues a cohort and returns it.

        Args:
            spec: The spec, JSON or YAML in UTF-8.
            request_id: Makes the call safe to repeat: the same id and spec give the same cohort.

        Raises:
            InvalidSpecError: The spec breaks rules; nothing was started.
            ConflictError: Another spec had this request id.
            GliosynthError: Anything else that the server found wrong, or that it cannot be reached.
        """
        request = cohort_pb2.CreateCohortRequest(spec=spec, request_id=request_id)
        with self._errors():
            operation = self._stub.CreateCohort(request, timeout=self._timeout_s)
        message = cohort_pb2.Cohort()
        operation.metadata.Unpack(message)
        return cohort_from(message)

    def price(self, spec: bytes) -> Cohort:
        """Returns what a cohort would cost, checked and with every default filled in; nothing is started.

        Args:
            spec: The spec, JSON or YAML in UTF-8.

        Raises:
            GliosynthError: As in `create`.
        """
        request = cohort_pb2.CreateCohortRequest(spec=spec, validate_only=True)
        with self._errors():
            operation = self._stub.CreateCohort(request, timeout=self._timeout_s)
        message = cohort_pb2.Cohort()
        operation.response.Unpack(message)
        return cohort_from(message)

    def get(self, cohort: str) -> Cohort:
        """Returns a cohort as it stands.

        Args:
            cohort: Its name or id.

        Raises:
            UnknownResourceError: There is none.
            GliosynthError: As in `create`.
        """
        with self._errors():
            request = cohort_pb2.GetCohortRequest(name=name_of(cohort))
            return cohort_from(self._stub.GetCohort(request, timeout=self._timeout_s).cohort)

    def list(self, *, states: Sequence[CohortState] = (), display_name: str = "") -> Iterator[Cohort]:
        """Yields cohorts, newest first.

        Args:
            states: Only those in one of these states; empty for all.
            display_name: Only those of this name; empty for all.

        Raises:
            GliosynthError: As in `create`.
        """
        token = ""
        while True:
            request = cohort_pb2.ListCohortsRequest(
                states=[state.value for state in states], display_name=display_name, page_token=token
            )
            with self._errors():
                answer = self._stub.ListCohorts(request, timeout=self._timeout_s)
            yield from map(cohort_from, answer.cohorts)
            token = answer.next_page_token
            if not token:
                return

    def watch(self, cohort: str) -> Iterator[Cohort]:
        """Yields a cohort at once, whenever it changes, and a last time when its work is over.

        A server that goes away and comes back, or another one behind the same address, is watched on.

        Args:
            cohort: Its name or id.

        Raises:
            UnknownResourceError: There is none, or it was deleted meanwhile.
            GliosynthError: As in `create`.
        """
        request = cohort_pb2.WatchCohortRequest(name=name_of(cohort))
        failures = 0
        while True:
            try:
                with self._errors():
                    for answer in self._stub.WatchCohort(request, timeout=WATCH_DEADLINE_S):
                        failures = 0
                        yield cohort_from(answer.cohort)
                    return
            except GliosynthError as error:
                failures = _after_failure(error, failures)

    def cancel(self, cohort: str) -> Cohort:
        """Stops the work on a cohort and returns it.

        Args:
            cohort: Its name or id.

        Raises:
            StateError: The data set is complete.
            GliosynthError: As in `get`.
        """
        with self._errors():
            request = cohort_pb2.CancelCohortRequest(name=name_of(cohort))
            return cohort_from(self._stub.CancelCohort(request, timeout=self._timeout_s).cohort)

    def resume(self, cohort: str) -> Cohort:
        """Takes up the work on a cohort that failed or was cancelled, and returns it.

        Args:
            cohort: Its name or id.

        Raises:
            StateError: It is in another state.
            GliosynthError: As in `get`.
        """
        with self._errors():
            request = cohort_pb2.ResumeCohortRequest(name=name_of(cohort))
            return cohort_from(self._stub.ResumeCohort(request, timeout=self._timeout_s).cohort)

    def delete(self, cohort: str) -> None:
        """Deletes a cohort and everything that was made for it.

        Args:
            cohort: Its name or id.

        Raises:
            GliosynthError: As in `get`.
        """
        with self._errors():
            self._stub.DeleteCohort(cohort_pb2.DeleteCohortRequest(name=name_of(cohort)), timeout=self._timeout_s)

    def download(self, cohort: str, folder: Path, *, on_progress: DownloadProgress | None = None) -> Path:
        """Writes the data set of a cohort into a folder and returns it; a broken download is continued.

        Every file is checked against its SHA-256 and appears whole or not at all.

        Args:
            cohort: Its name or id.
            folder: Empty, absent, or the folder of a broken download of the same cohort.
            on_progress: Called with the bytes so far, all bytes, and the file at hand.

        Raises:
            InvalidParameterError: The folder holds something else, or cannot be written.
            StateError: The data set is not complete.
            ModelError: A file arrived broken twice.
            GliosynthError: As in `get`.
        """
        files = DownloadFolder(folder, cohort=name_of(cohort), on_progress=on_progress)
        failures = 0
        while True:
            before = files.received_bytes
            try:
                with self._errors():
                    place = files.place
                    request = cohort_pb2.DownloadCohortRequest(
                        name=name_of(cohort), start_path=place.path, start_offset=place.offset
                    )
                    files.receive(self._stub.DownloadCohort(request, timeout=WATCH_DEADLINE_S))
                return files.finish()
            except GliosynthError as error:
                failures = _after_failure(error, 0 if files.received_bytes > before else failures)

    def upload_anatomy(self, label_map: VolumeFile) -> UploadedAnatomy:
        """Stores a label map of one's own, for specs to refer to.

        Args:
            label_map: A NIfTI file of whole numbers.

        Raises:
            InvalidLabelError: It is no label map.
            GliosynthError: As in `create`.
        """
        header = volume_pb2.VolumeHeader(
            name="label_map", role=volume_pb2.VOLUME_ROLE_LABEL_MAP, encoding=label_map.encoding.value
        )
        messages = (cohort_pb2.UploadAnatomyRequest(volume=part) for part in volume_parts(header, label_map.data))
        with self._errors():
            answer = self._stub.UploadAnatomy(messages, timeout=self._timeout_s)
        return UploadedAnatomy(answer.anatomy_id, tuple(answer.labels))

    def schema(self) -> bytes:
        """Returns the JSON schema of specs.

        Raises:
            GliosynthError: The server cannot be reached.
        """
        with self._errors():
            return self._stub.GetSpecSchema(cohort_pb2.GetSpecSchemaRequest(), timeout=self._timeout_s).schema

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise error_from_rpc(error, target=self._target) from None


def _after_failure(error: GliosynthError, failures: int) -> int:
    """Returns the failures in a row after a pause, or raises the error if it does not pass or came too often."""
    if error.reason not in PASSING or failures + 1 >= MOST_FAILURES:
        raise error
    time.sleep(0.2 * 2**failures)
    return failures + 1
