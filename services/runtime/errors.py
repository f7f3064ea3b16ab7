"""One table from the library's errors to gRPC status codes, with the details of AIP-193."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
import structlog
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from gliosynth import errors
from gliosynth.client.status import GOT
from services.runtime.interception import Call, CallInterceptor
from services.runtime.logs import traceback_lines

DOMAIN: Final = "gliosynth"
"""Domain of every `ErrorInfo`."""

LONGEST_MESSAGE: Final = 1500
"""Most characters of a message on the wire: status and details share 8 KiB of trailing metadata."""

LONGEST_FACT: Final = 200
"""Most characters of a field's name or an offending value on the wire."""

MOST_VIOLATIONS: Final = 16
"""Most field violations on the wire; the message counts all of them."""

STATUS_CODES: Final[dict[type[errors.GliosynthError], grpc.StatusCode]] = {
    errors.GliosynthError: grpc.StatusCode.INTERNAL,
    errors.InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidVolumeError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidLabelError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidCaseError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidParameterError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidSpecError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.BudgetExceededError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnknownModelError: grpc.StatusCode.NOT_FOUND,
    errors.ModelError: grpc.StatusCode.INTERNAL,
    errors.UnknownResourceError: grpc.StatusCode.NOT_FOUND,
    errors.ConflictError: grpc.StatusCode.ALREADY_EXISTS,
    errors.StateError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OffsetError: grpc.StatusCode.OUT_OF_RANGE,
    errors.StorageError: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.CancelledError: grpc.StatusCode.CANCELLED,
}
"""Status code of each error class. A test fails when a class is missing here."""

RETRY_AFTER_S: Final = {"TOO_MANY_REQUESTS": 5, "MEMORY_BUSY": 5, "TOO_MANY_STREAMS": 5}
"""Reasons that pass by themselves, and the seconds after which another try makes sense."""


def status_of(error: Exception, *, request_id: str = "") -> status_pb2.Status:
    """Returns the status that a caller sees for an error: code, message, `ErrorInfo` and what else helps.

    Args:
        error: Any exception. What is not a `GliosynthError` becomes INTERNAL with no inner detail.
        request_id: Under which id the log has more.
    """
    if not isinstance(error, errors.GliosynthError):
        error = errors.GliosynthError("the server failed; report the request id to its operator", reason="INTERNAL")
    message = _shorten(str(error), LONGEST_MESSAGE)
    return status_pb2.Status(
        code=getattr(code_pb2, code_of(error).name),
        message=message,
        details=[_packed(detail) for detail in _details(error, message, request_id)],
    )


def code_of(error: errors.GliosynthError) -> grpc.StatusCode:
    """Returns the status code of an error: that of its class, or of the nearest ancestor in the table.

    Args:
        error: An error of the library.
    """
    return next(STATUS_CODES[kind] for kind in type(error).__mro__ if kind in STATUS_CODES)


def _details(error: errors.GliosynthError, message: str, request_id: str) -> Iterator[Message]:
    facts = {"error": type(error).__name__, "field": error.field, "got": error.got}
    yield error_details_pb2.ErrorInfo(
        reason=error.reason,
        domain=DOMAIN,
        metadata={name: _shorten(value, LONGEST_FACT) for name, value in facts.items() if value},
    )
    if error.field and code_of(error) is grpc.StatusCode.INVALID_ARGUMENT:
        yield error_details_pb2.BadRequest(field_violations=_violations(error, message))
    if request_id:
        yield error_details_pb2.RequestInfo(request_id=request_id)
    if error.reason in RETRY_AFTER_S:
        yield error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=RETRY_AFTER_S[error.reason]))


def _violations(error: errors.GliosynthError, message: str) -> Iterator[error_details_pb2.BadRequest.FieldViolation]:
    """Yields one violation for each broken field: those of a document, or the one that the error is about."""
    if not isinstance(error, errors.InvalidSpecError):
        yield error_details_pb2.BadRequest.FieldViolation(
            field=_shorten(error.field, LONGEST_FACT), description=message, reason=error.reason
        )
        return
    for found in error.violations[:MOST_VIOLATIONS]:
        yield error_details_pb2.BadRequest.FieldViolation(
            field=_shorten(found.field, LONGEST_FACT),
            description=f"{_shorten(found.rule, LONGEST_FACT)}{GOT}{_shorten(found.got, LONGEST_FACT)}",
            reason=error.reason,
        )


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


class ErrorInterceptor(CallInterceptor):
    """Turns whatever a method raises into a status. The only place where a status code is chosen."""

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Runs the method and aborts the call with a status if it raises."""
        log = structlog.get_logger("gliosynth.errors")
        try:
            yield
        except errors.GliosynthError as error:
            log.warning("refused", service=call.service, method=call.method, reason=error.reason)
            _abort(call, error)
        except Exception as error:  # noqa: BLE001 - the boundary: unknown errors must not reach the caller
            log.error("failed", service=call.service, method=call.method, traceback=traceback_lines(error))
            _abort(call, error)


def _abort(call: Call, error: Exception) -> None:
    """Ends the call with the error's status."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    call.context.abort_with_status(rpc_status.to_status(status_of(error, request_id=request_id)))
