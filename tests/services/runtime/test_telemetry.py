"""Tests of services.runtime.telemetry through a real server and a real scrape."""

import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from gliosynth.errors import ModelError
from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc
from services.runtime.telemetry import STAGES

LABELS = 'grpc_method="Segment",grpc_service="gliosynth.v1.SegmentationService",grpc_type="bidi_stream"'
OWN = 'method="Segment",service="gliosynth.v1.SegmentationService"'


def handled(code: str) -> str:
    return f'grpc_server_handled_total{{grpc_code="{code}",{LABELS}}}'


def options_only() -> Iterator[segmentation_pb2.SegmentRequest]:
    yield segmentation_pb2.SegmentRequest(options=segmentation_pb2.SegmentOptions())


def eventually(value: Callable[[], float], expected: float) -> None:
    """Waits until a counter that is written by another thread has its value."""
    end = time.monotonic() + 10
    while value() != expected and time.monotonic() < end:
        time.sleep(0.01)
    assert value() == expected


def test_every_series_exists_at_zero_before_the_first_call(start_server, scrape, work) -> None:
    """A rate can be computed from the first scrape on: each method and code, each stage."""
    series = scrape(start_server(work.build))
    for code in grpc.StatusCode:
        assert series[handled(code.name)] == 0
    for name in ("grpc_server_started_total", "grpc_server_msg_received_total", "grpc_server_msg_sent_total"):
        assert series[f"{name}{{{LABELS}}}"] == 0
    assert series[f"grpc_server_handling_seconds_count{{{LABELS}}}"] == 0
    for name in ("grpc_server_in_flight", "gliosynth_bytes_received_total", "gliosynth_bytes_sent_total"):
        assert series[f"{name}{{{OWN}}}"] == 0
    for stage in STAGES:
        labels = f'service="gliosynth.v1.SegmentationService",stage="{stage}"'
        assert series[f"gliosynth_stage_seconds_count{{{labels}}}"] == 0


def test_build_and_models_are_named(start_server, scrape, work) -> None:
    """The build and each model that answered stand at 1."""
    series = scrape(start_server(work.build, git_sha="abc123"))
    assert series['gliosynth_build_info{git_sha="abc123",version="0.1.0"}'] == 1
    assert series['gliosynth_model_info{digest="sha256:00",model="fake",version="1"}'] == 1


def test_a_finished_stream_is_counted_once(start_server, connect, scrape, work) -> None:
    """One request message, three answers, one OK, one duration, one time in each of its stages, none in flight."""
    server = start_server(work.build)
    work.go_on.set()
    answers = list(segmentation_pb2_grpc.SegmentationServiceStub(connect(server)).Segment(options_only(), timeout=30))
    eventually(lambda: scrape(server)[handled("OK")], 1)
    series = scrape(server)
    assert series[f"grpc_server_started_total{{{LABELS}}}"] == 1
    assert series[f"grpc_server_msg_received_total{{{LABELS}}}"] == 1
    assert series[f"grpc_server_msg_sent_total{{{LABELS}}}"] == len(answers) == 3
    assert series[f"grpc_server_handling_seconds_count{{{LABELS}}}"] == 1
    assert series[f"grpc_server_in_flight{{{OWN}}}"] == 0
    assert series[f"gliosynth_bytes_sent_total{{{OWN}}}"] == sum(answer.ByteSize() for answer in answers)
    for stage in ("receive", "infer"):
        labels = f'service="gliosynth.v1.SegmentationService",stage="{stage}"'
        assert series[f"gliosynth_stage_seconds_count{{{labels}}}"] == 1


@pytest.mark.parametrize(
    ("ending", "code"), [("error", "INTERNAL"), ("cancel", "CANCELLED"), ("late", "DEADLINE_EXCEEDED")]
)
def test_every_ending_has_its_code(start_server, connect, scrape, work, ending: str, code: str) -> None:
    """A failure, a cancelled call and a passed deadline are counted under their own code, once."""
    server = start_server(work.build)
    segment = segmentation_pb2_grpc.SegmentationServiceStub(connect(server)).Segment
    call = segment(options_only(), timeout=0.5 if ending == "late" else 30)
    work.begun.wait()
    if ending == "error":
        work.error = ModelError("no logits")
        work.go_on.set()
    if ending == "cancel":
        call.cancel()
    with pytest.raises(grpc.RpcError):
        list(call)
    eventually(lambda: scrape(server)[handled(code)], 1)
    series = scrape(server)
    assert sum(series[handled(each.name)] for each in grpc.StatusCode) == 1
    eventually(lambda: scrape(server)[f"grpc_server_in_flight{{{OWN}}}"], 0)
