"""Tests of services.runtime.logs: one JSON event per line, request ids, and nothing that a caller sent."""

import contextlib
import json
import uuid
from collections.abc import Iterator

import grpc
import pytest
import structlog

from gliosynth.errors import InvalidVolumeError
from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc
from services.runtime.logs import REQUEST_ID_KEY, set_up_logs, traceback_lines
from services.runtime.settings import Settings


@pytest.fixture(autouse=True)
def _structlog_as_before() -> Iterator[None]:
    """Gives structlog its defaults back."""
    yield
    structlog.reset_defaults()


def options_only() -> Iterator[segmentation_pb2.SegmentRequest]:
    yield segmentation_pb2.SegmentRequest(options=segmentation_pb2.SegmentOptions())


def call(channel: grpc.Channel, request_id: str = "") -> dict[str, str]:
    metadata = [(REQUEST_ID_KEY, request_id)] if request_id else []
    running = segmentation_pb2_grpc.SegmentationServiceStub(channel).Segment(
        options_only(), timeout=30, metadata=metadata
    )
    with contextlib.suppress(grpc.RpcError):
        list(running)
    return {key: str(value) for key, value in running.initial_metadata()}


def test_a_request_keeps_its_id(start_server, connect, work) -> None:
    """An id that looks like one comes back; other text, which might be a name, is replaced; none is made up."""
    work.go_on.set()
    channel = connect(start_server(work.build))
    assert call(channel, "0123abcd-ef")[REQUEST_ID_KEY] == "0123abcd-ef"
    uuid.UUID(call(channel, "Mr. John Doe")[REQUEST_ID_KEY])
    uuid.UUID(call(channel)[REQUEST_ID_KEY])


@pytest.mark.parametrize(
    "error",
    [InvalidVolumeError("DOE^JOHN.nii: broken", field="DOE^JOHN.nii"), KeyError("DOE^JOHN")],
    ids=["known", "unknown"],
)
def test_no_text_of_the_caller_reaches_the_log(
    start_server, connect, work, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """Neither the message nor the field of an error is logged, known or not; its reason or its place in the code is."""
    set_up_logs(Settings())
    work.error = error
    work.go_on.set()
    server = start_server(work.build)
    request_id = call(connect(server))[REQUEST_ID_KEY]
    server.drain()
    lines = capsys.readouterr().err.splitlines()
    events = [json.loads(line) for line in lines]
    assert "DOE" not in "".join(lines)
    mine = [event for event in events if event.get("request_id") == request_id]
    assert [event["event"] for event in mine] == [
        "refused" if isinstance(error, InvalidVolumeError) else "failed",
        "request",
    ]
    assert mine[0].get("reason") == "INVALID_VOLUME" or any("conftest.py" in line for line in mine[0]["traceback"])
    assert mine[1]["code"] in ("INVALID_ARGUMENT", "INTERNAL")


def test_a_traceback_has_places_and_classes_but_no_text() -> None:
    """The cause comes first, and neither message is there."""

    def fail() -> None:
        try:
            raise KeyError("secret")
        except KeyError as cause:
            raise RuntimeError("also secret") from cause

    with pytest.raises(RuntimeError) as caught:
        fail()
    lines = traceback_lines(caught.value)
    assert "secret" not in "".join(lines)
    assert lines.index("KeyError") < lines.index("RuntimeError")
    assert any(line.startswith(__file__) for line in lines)


def test_a_caller_that_leaves_is_not_logged_as_served(
    start_server, connect, work, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever notices first, the request's event says CANCELLED."""
    set_up_logs(Settings())
    server = start_server(work.build)
    running = segmentation_pb2_grpc.SegmentationServiceStub(connect(server)).Segment(options_only(), timeout=30)
    work.begun.wait()
    running.cancel()
    work.ended.wait()
    server.drain()
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["code"] for event in events if event["event"] == "request"] == ["CANCELLED"]
