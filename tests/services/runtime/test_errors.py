"""Tests of services.runtime.errors: every class has a status, and no inner detail leaves the server."""

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gliosynth import errors
from services.runtime.errors import DOMAIN, LONGEST_MESSAGE, MOST_VIOLATIONS, STATUS_CODES, status_of

EVERY_CLASS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]


def made(kind: type[errors.GliosynthError]) -> errors.GliosynthError:
    if issubclass(kind, errors.InvalidSpecError):
        return kind("t1c: broken", violations=(errors.FieldViolation("t1c", "must be 3", "7"),))
    return kind("t1c: broken", field="t1c", got="7")


KINDS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.RequestInfo,
)


def details(status: status_pb2.Status) -> dict[str, object]:
    found = {}
    for packed in status.details:
        for kind in KINDS:
            message = kind()
            if packed.Unpack(message):
                found[kind.__name__] = message
    return found


@pytest.mark.parametrize("kind", EVERY_CLASS)
def test_every_class_of_the_library_has_a_status_code(kind: type[errors.GliosynthError]) -> None:
    """A class that is missing in the table, or that says nothing of itself, fails here."""
    status = status_of(made(kind))
    info = details(status)["ErrorInfo"]
    assert code_pb2.Code.Name(status.code) == STATUS_CODES[kind].name
    assert (info.reason, info.domain) == (kind.reason, DOMAIN)
    assert dict(info.metadata) == {"error": kind.__name__, "field": "t1c", "got": "7"}
    assert status.message == "t1c: broken"


def test_codes_are_those_of_the_contract() -> None:
    """The codes that the protos promise."""
    assert STATUS_CODES[errors.InvalidVolumeError] is grpc.StatusCode.INVALID_ARGUMENT
    assert STATUS_CODES[errors.BudgetExceededError] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert STATUS_CODES[errors.UnknownModelError] is grpc.StatusCode.NOT_FOUND
    assert STATUS_CODES[errors.ModelError] is grpc.StatusCode.INTERNAL
    assert STATUS_CODES[errors.DeadlineExceededError] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert STATUS_CODES[errors.CancelledError] is grpc.StatusCode.CANCELLED
    assert STATUS_CODES[errors.UnknownResourceError] is grpc.StatusCode.NOT_FOUND
    assert STATUS_CODES[errors.ConflictError] is grpc.StatusCode.ALREADY_EXISTS
    assert STATUS_CODES[errors.StateError] is grpc.StatusCode.FAILED_PRECONDITION
    assert STATUS_CODES[errors.OffsetError] is grpc.StatusCode.OUT_OF_RANGE
    assert STATUS_CODES[errors.StorageError] is grpc.StatusCode.UNAVAILABLE


def test_a_violation_names_the_field_and_the_precise_reason() -> None:
    """Bad input carries a field violation; the error's own reason wins over its class's."""
    error = errors.InvalidVolumeError("t2f: holds NaN", field="t2f", reason="NOT_FINITE")
    (violation,) = details(status_of(error))["BadRequest"].field_violations
    assert (violation.field, violation.description, violation.reason) == ("t2f", "t2f: holds NaN", "NOT_FINITE")


def test_every_violation_of_a_document_crosses_the_wire() -> None:
    """Field, rule and value of each, in order, and no more than fit."""
    violations = tuple(errors.FieldViolation(f"field{n}", "must be 1", str(n)) for n in range(40))
    sent = details(status_of(errors.InvalidSpecError("broken", violations=violations)))["BadRequest"].field_violations
    assert [(each.field, each.description) for each in sent[:2]] == [
        ("field0", "must be 1, got 0"),
        ("field1", "must be 1, got 1"),
    ]
    assert len(sent) == MOST_VIOLATIONS


def test_an_unknown_error_tells_nothing() -> None:
    """What the library did not raise on purpose becomes INTERNAL without its text or class."""
    status = status_of(ZeroDivisionError("secret path /data/patient"))
    assert status.code == code_pb2.INTERNAL
    assert "secret" not in str(status)
    assert "ZeroDivision" not in str(status)


def test_what_passes_by_itself_says_when_to_retry() -> None:
    """A full server advises to come back in a few seconds; a volume that is too large does not."""
    busy = errors.BudgetExceededError("busy", reason="TOO_MANY_REQUESTS")
    assert details(status_of(busy))["RetryInfo"].retry_delay.seconds == 5
    assert "RetryInfo" not in details(status_of(errors.BudgetExceededError("too large")))


def test_the_request_id_stands_in_the_status() -> None:
    """An operator finds the log of a failure by it, so it comes with the error."""
    status = status_of(ZeroDivisionError(), request_id="0123abcd")
    assert details(status)["RequestInfo"].request_id == "0123abcd"


def test_long_messages_fit_the_trailing_metadata() -> None:
    """Message and details stay far below the 8 KiB that a status may take on the wire."""
    status = status_of(errors.InvalidVolumeError("x" * 100_000, field="f" * 10_000, got="g" * 10_000))
    assert len(status.message) == LONGEST_MESSAGE
    assert status.message.endswith("…")
    assert status.ByteSize() < 6000
