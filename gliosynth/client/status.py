"""gRPC statuses turned back into the errors of `gliosynth.errors`.

The server says what was wrong in the message, why in an ``ErrorInfo`` (reason, and the class's name in the metadata)
and where in the field violations of a ``BadRequest`` (AIP-193). What the transport itself reports (no connection,
deadline, too large) comes without them and gets a sentence that helps.
"""

from types import MappingProxyType
from typing import Final, cast

import grpc
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from gliosynth import errors

ERROR_DOMAIN: Final = "gliosynth"
"""``ErrorInfo.domain`` of every error that a gliosynth server raises on purpose."""

ERROR_CLASSES: Final = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            errors.GliosynthError,
            errors.InvalidInputError,
            errors.InvalidVolumeError,
            errors.InvalidLabelError,
            errors.InvalidCaseError,
            errors.InvalidParameterError,
            errors.BudgetExceededError,
            errors.UnknownModelError,
            errors.ModelError,
            errors.UnknownResourceError,
            errors.ConflictError,
            errors.StateError,
            errors.OffsetError,
            errors.StorageError,
            errors.DeadlineExceededError,
            errors.CancelledError,
        )
    }
)
"""The classes by the name that the server sends; `InvalidSpecError` is made of its violations instead."""

CLASS_OF_CODE: Final = MappingProxyType(
    {
        grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInputError,
        grpc.StatusCode.RESOURCE_EXHAUSTED: errors.BudgetExceededError,
        grpc.StatusCode.NOT_FOUND: errors.UnknownModelError,
        grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
        grpc.StatusCode.CANCELLED: errors.CancelledError,
    }
)
"""The class of a status that does not name one."""

GOT: Final = ", got "
"""Parts the rule of a field violation from the offending value in its description."""

TRANSPORT_ADVICE: Final = MappingProxyType(
    {
        grpc.StatusCode.UNAVAILABLE: "the server cannot be reached; check that it runs and that the address is right",
        grpc.StatusCode.DEADLINE_EXCEEDED: "the deadline passed before the answer was complete; allow more time",
        grpc.StatusCode.UNIMPLEMENTED: "the server does not offer this service; ask one that runs it",
        grpc.StatusCode.UNAUTHENTICATED: "the server wants a certificate or a token; give one",
        grpc.StatusCode.PERMISSION_DENIED: "the server refuses this caller; ask its operator for access",
        grpc.StatusCode.CANCELLED: "the request was cancelled before the answer was complete; send it again",
    }
)
"""One sentence for each status that the transport itself reports."""


def error_from_rpc(error: grpc.RpcError, *, target: str) -> errors.GliosynthError:
    """Returns the error of `gliosynth.errors` that stands behind a failed call.

    Args:
        error: What grpc raised.
        target: The server's address, for the message.
    """
    call = cast(grpc.Call, error)  # every error of a synchronous stub is its call as well
    status: Status | None = rpc_status.from_call(call)
    info = _unpack_info(status) if status is not None else None
    if status is not None and info is not None:
        return _from_details(status, info, code=call.code())
    return _from_transport(call, target=target)


def _from_details(status: Status, info: error_details_pb2.ErrorInfo, *, code: grpc.StatusCode) -> errors.GliosynthError:
    name = info.metadata.get("error", "")
    kind = ERROR_CLASSES.get(name) or CLASS_OF_CODE.get(code, errors.GliosynthError)
    violations = _unpack_violations(status)
    if name == errors.InvalidSpecError.__name__:
        named = tuple(map(_violation_from, violations)) or (errors.FieldViolation("(document)", "is broken", ""),)
        return errors.InvalidSpecError(status.message, violations=named)
    field = violations[0].field if violations else info.metadata.get("field", "")
    return kind(status.message, field=field, got=info.metadata.get("got", ""), reason=info.reason)


def _violation_from(violation: error_details_pb2.BadRequest.FieldViolation) -> errors.FieldViolation:
    rule, _, got = violation.description.rpartition(GOT)
    return errors.FieldViolation(field=violation.field, rule=rule, got=got)


def _from_transport(error: grpc.Call, *, target: str) -> errors.GliosynthError:
    code = error.code()
    advice = TRANSPORT_ADVICE.get(code, "the server failed without saying why; its log has the cause")
    kind = CLASS_OF_CODE.get(code, errors.GliosynthError)
    return kind(f"{target}: {advice} ({code.name}: {error.details() or 'no detail'})", reason=f"RPC_{code.name}")


def _unpack_info(status: Status) -> error_details_pb2.ErrorInfo | None:
    info = error_details_pb2.ErrorInfo()
    return info if any(detail.Unpack(info) for detail in status.details) else None


def _unpack_violations(status: Status) -> list[error_details_pb2.BadRequest.FieldViolation]:
    request = error_details_pb2.BadRequest()
    found = any(detail.Unpack(request) for detail in status.details)
    return list(request.field_violations) if found else []
