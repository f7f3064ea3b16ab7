"""The methods of the cohort service."""

import time
from collections.abc import Iterator
from typing import Final

import grpc
from google.longrunning import operations_pb2

from gliosynth.anatomy import anatomy_names
from gliosynth.cohort.spec import json_schema
from gliosynth.cohort.spec.sections import TISSUE_NAMES
from gliosynth.errors import InvalidParameterError
from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc
from services.cohort import convert, parameters
from services.cohort.backend import Backend
from services.cohort.downloads import Download
from services.cohort.jobs.records import CohortRecord
from services.cohort.ordering import order_of, preview_message
from services.cohort.uploads import receive_label_map
from services.cohort.watching import wait_for_end, watch
from services.runtime.deadlines import Deadline
from services.runtime.service import Runtime

DESCRIPTOR: Final = cohort_pb2.DESCRIPTOR.services_by_name["CohortService"]
"""The service's descriptor."""

DEFAULT_PAGE: Final = 50
"""Cohorts in a page where no size is asked for."""

LARGEST_PAGE: Final = 500
"""Most cohorts in a page."""

LARGEST_URL_PAGE: Final = 1000
"""Most signed URLs in a page."""

DEFAULT_URL_LIFETIME_S: Final = 3600
"""Seconds for which signed URLs work where none are asked for."""

LONGEST_URL_LIFETIME_S: Final = 7 * 24 * 3600
"""Most seconds for which signed URLs work: what S3 allows."""


class CohortServicer(cohort_pb2_grpc.CohortServiceServicer):
    """Takes orders and tells how they stand; the work is done by workers."""

    def __init__(self, runtime: Runtime, backend: Backend) -> None:
        """Keeps what it works with.

        Args:
            runtime: What the bootstrap gives.
            backend: Database, store and workers.
        """
        self._runtime = runtime
        self._backend = backend

    def CreateCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.CreateCohortRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Checks a spec, prices it, and queues the work."""
        del context
        order = order_of(request, self._backend)
        if request.validate_only:
            return convert.priced_operation(preview_message(order))
        cohort = self._backend.house.cohorts.create(order)
        self._backend.crew.start()
        return convert.operation_message(cohort)

    def GetCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.GetCohortRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.GetCohortResponse:
        """Returns one cohort."""
        del context
        return cohort_pb2.GetCohortResponse(cohort=convert.cohort_message(self._find(request.name)))

    def ListCohorts(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.ListCohortsRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.ListCohortsResponse:
        """Lists cohorts, newest first."""
        del context
        size = parameters.page_size_of(request.page_size, default=DEFAULT_PAGE, largest=LARGEST_PAGE)
        found = self._backend.house.cohorts.list(
            size=size + 1,
            after=parameters.place_of(request.page_token),
            states=parameters.states_of(request.states),
            display_name=request.display_name,
        )
        following = parameters.page_token_of(found[size - 1]) if len(found) > size else ""
        cohorts = [convert.cohort_message(cohort) for cohort in found[:size]]
        return cohort_pb2.ListCohortsResponse(cohorts=cohorts, next_page_token=following)

    def WatchCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.WatchCohortRequest, context: grpc.ServicerContext
    ) -> Iterator[cohort_pb2.WatchCohortResponse]:
        """Sends a cohort whenever it changes."""
        cohort_id = parameters.id_of(request.name, convert.COHORTS)
        with self._backend.stream():
            for cohort in watch(self._backend, cohort_id, deadline=Deadline(context)):
                yield cohort_pb2.WatchCohortResponse(cohort=convert.cohort_message(cohort))

    def WaitCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.WaitCohortRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.WaitCohortResponse:
        """Returns a cohort when its work is over."""
        cohort_id = parameters.id_of(request.name, convert.COHORTS)
        with self._backend.stream():
            cohort = wait_for_end(
                self._backend, cohort_id, timeout_s=request.timeout_seconds, deadline=Deadline(context)
            )
        return cohort_pb2.WaitCohortResponse(cohort=convert.cohort_message(cohort))

    def CancelCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.CancelCohortRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.CancelCohortResponse:
        """Stops the work on a cohort."""
        del context
        cohort = self._backend.house.cohorts.cancel(parameters.id_of(request.name, convert.COHORTS))
        return cohort_pb2.CancelCohortResponse(cohort=convert.cohort_message(cohort))

    def ResumeCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.ResumeCohortRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.ResumeCohortResponse:
        """Takes up the work on a stopped cohort."""
        del context
        cohort = self._backend.house.cohorts.resume(parameters.id_of(request.name, convert.COHORTS))
        self._backend.crew.start()
        return cohort_pb2.ResumeCohortResponse(cohort=convert.cohort_message(cohort))

    def DeleteCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.DeleteCohortRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.DeleteCohortResponse:
        """Deletes a cohort and everything that was made for it."""
        del context
        self._backend.house.cohorts.delete(parameters.id_of(request.name, convert.COHORTS))
        self._backend.crew.start()
        return cohort_pb2.DeleteCohortResponse()

    def DownloadCohort(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.DownloadCohortRequest, context: grpc.ServicerContext
    ) -> Iterator[cohort_pb2.DownloadCohortResponse]:
        """Sends the files of a data set."""
        deadline = Deadline(context)
        with self._backend.stream():
            download = Download(self._backend.house.store, self._find(request.name))
            for message in download.messages(request.start_path, request.start_offset):
                deadline.check()
                yield message

    def GetDownloadUrls(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.GetDownloadUrlsRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.GetDownloadUrlsResponse:
        """Returns signed URLs of the files of a data set."""
        del context
        size = parameters.page_size_of(request.page_size, default=LARGEST_URL_PAGE, largest=LARGEST_URL_PAGE)
        lifetime_s = _lifetime_s(request.lifetime_seconds)
        download = Download(self._backend.house.store, self._find(request.name))
        start = parameters.index_of(request.page_token, len(download.files))
        end = start + size
        return cohort_pb2.GetDownloadUrlsResponse(
            urls=download.urls(download.files[start:end], lifetime_s=lifetime_s),
            next_page_token=str(end) if end < len(download.files) else "",
            expire_time=convert.timestamp(time.time() + lifetime_s),
        )

    def UploadAnatomy(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[cohort_pb2.UploadAnatomyRequest], context: grpc.ServicerContext
    ) -> cohort_pb2.UploadAnatomyResponse:
        """Stores a label map of the caller's own."""
        return self._runtime.answer(
            lambda job: receive_label_map(request_iterator, job, self._backend),
            context=context,
            service=DESCRIPTOR.full_name,
        )

    def GetSpecSchema(  # noqa: N802 - the proto's name
        self, request: cohort_pb2.GetSpecSchemaRequest, context: grpc.ServicerContext
    ) -> cohort_pb2.GetSpecSchemaResponse:
        """Returns the JSON schema of specs."""
        del request, context
        schema = convert.json_bytes(json_schema())
        return cohort_pb2.GetSpecSchemaResponse(schema=schema, anatomies=anatomy_names(), tissues=TISSUE_NAMES)

    def _find(self, name: str) -> CohortRecord:
        return self._backend.house.cohorts.get(parameters.id_of(name, convert.COHORTS))


def _lifetime_s(asked: int) -> int:
    if asked > LONGEST_URL_LIFETIME_S:
        raise InvalidParameterError(
            f"lifetime_seconds: {asked} is more than {LONGEST_URL_LIFETIME_S}, a week",
            field="lifetime_seconds",
            got=str(asked),
        )
    return asked or DEFAULT_URL_LIFETIME_S
