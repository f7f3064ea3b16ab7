"""A small service with controllable work, for the tests of the bootstrap."""

import threading
from collections.abc import Iterator

import grpc
import pytest

from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc, volume_pb2
from services.runtime.service import Job, Runtime, Service

DESCRIPTOR = segmentation_pb2.DESCRIPTOR.services_by_name["SegmentationService"]


class ControlledWork(segmentation_pb2_grpc.SegmentationServiceServicer):
    """A segmentation service whose work waits for the test, or fails as the test says."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.ended = threading.Event()
        self.may_warm = threading.Event()
        self.may_warm.set()
        self.error: Exception | None = None
        self.runtime: Runtime

    def build(self, runtime: Runtime) -> Service:
        self.runtime = runtime
        register = segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server
        return Service(DESCRIPTOR, self, register, warm=self.warm)

    def warm(self) -> list[volume_pb2.ModelIdentity]:
        self.may_warm.wait()
        return [volume_pb2.ModelIdentity(name="fake", version="1", digest="sha256:00")]

    def Segment(  # noqa: N802
        self, request_iterator: Iterator[segmentation_pb2.SegmentRequest], context: grpc.ServicerContext
    ) -> Iterator[segmentation_pb2.SegmentResponse]:
        def work(job: Job) -> Iterator[segmentation_pb2.SegmentResponse]:
            try:
                job.receive(request_iterator)
                job.reporter.report("infer", 0.5)
                self.begun.set()
                while not self.go_on.wait(0.01):
                    job.deadline.check()
                if self.error is not None:
                    raise self.error
                return iter([segmentation_pb2.SegmentResponse(report=segmentation_pb2.SegmentReport())])
            finally:
                self.ended.set()

        return self.runtime.stream(
            work,
            context=context,
            service=DESCRIPTOR.full_name,
            as_response=lambda progress: segmentation_pb2.SegmentResponse(progress=progress),
        )

    def ListModels(  # noqa: N802
        self, request: segmentation_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> segmentation_pb2.ListModelsResponse:
        return segmentation_pb2.ListModelsResponse()


@pytest.fixture
def work() -> Iterator[ControlledWork]:
    """The controllable service; whatever it waits for is let go at the end."""
    controlled = ControlledWork()
    yield controlled
    controlled.may_warm.set()
    controlled.go_on.set()
