"""The standard operations service over cohorts: `operations/{id}` is the work on `cohorts/{id}`."""

from typing import Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from gliosynth.errors import InvalidParameterError, StateError
from services.cohort import convert, parameters
from services.cohort.backend import Backend
from services.cohort.jobs.tables import ACTIVE
from services.cohort.servicer import DEFAULT_PAGE, LARGEST_PAGE
from services.cohort.watching import wait_for_end
from services.runtime.deadlines import Deadline

DESCRIPTOR: Final = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
"""The service's descriptor."""


class OperationsServicer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """Shows each cohort's work as an operation."""

    def __init__(self, backend: Backend) -> None:
        """Keeps what it works with.

        Args:
            backend: Database, store and workers.
        """
        self._backend = backend

    def GetOperation(  # noqa: N802 - the proto's name
        self, request: operations_pb2.GetOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Returns an operation as it stands."""
        del context
        return convert.operation_message(self._backend.house.cohorts.get(_id(request.name)))

    def ListOperations(  # noqa: N802 - the proto's name
        self, request: operations_pb2.ListOperationsRequest, context: grpc.ServicerContext
    ) -> operations_pb2.ListOperationsResponse:
        """Lists operations, newest first."""
        del context
        if request.name not in ("", convert.OPERATIONS) or request.filter:
            raise InvalidParameterError(
                "name, filter: operations are listed without filter under the name 'operations'; ListCohorts filters",
                field="filter" if request.filter else "name",
                got=(request.filter or request.name)[:64],
            )
        size = parameters.page_size_of(request.page_size, default=DEFAULT_PAGE, largest=LARGEST_PAGE)
        found = self._backend.house.cohorts.list(
            size=size + 1, after=parameters.place_of(request.page_token), states=(), display_name=""
        )
        following = parameters.page_token_of(found[size - 1]) if len(found) > size else ""
        operations = [convert.operation_message(cohort) for cohort in found[:size]]
        return operations_pb2.ListOperationsResponse(operations=operations, next_page_token=following)

    def CancelOperation(  # noqa: N802 - the proto's name
        self, request: operations_pb2.CancelOperationRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Stops the work."""
        del context
        self._backend.house.cohorts.cancel(_id(request.name))
        return empty_pb2.Empty()

    def DeleteOperation(  # noqa: N802 - the proto's name
        self, request: operations_pb2.DeleteOperationRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes an operation that is done, and the cohort with it: they are one."""
        del context
        cohort = self._backend.house.cohorts.get(_id(request.name))
        if cohort.state in ACTIVE:
            raise StateError(
                f"{request.name} is at work; deleting an operation does not stop it: cancel it first, or delete the"
                " cohort",
                reason="OPERATION_RUNNING",
            )
        self._backend.house.cohorts.delete(cohort.id)
        self._backend.crew.start()
        return empty_pb2.Empty()

    def WaitOperation(  # noqa: N802 - the proto's name
        self, request: operations_pb2.WaitOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Returns an operation when it is done, or when the timeout passes."""
        timeout_s = request.timeout.ToTimedelta().total_seconds()
        with self._backend.stream():
            cohort = wait_for_end(self._backend, _id(request.name), timeout_s=timeout_s, deadline=Deadline(context))
        return convert.operation_message(cohort)


def _id(name: str) -> str:
    return parameters.id_of(name, convert.OPERATIONS)
