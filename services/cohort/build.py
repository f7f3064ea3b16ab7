"""The cohort service for the bootstrap: both of its gRPC services over one backend."""

from collections.abc import Iterator

from google.longrunning import operations_pb2_grpc

from gliosynth.v1 import cohort_pb2_grpc, volume_pb2
from services.cohort import operations, servicer
from services.cohort.backend import Backend
from services.cohort.metrics import JobMetrics
from services.runtime.service import Runtime, Service


def build(runtime: Runtime) -> Service:
    """Returns the cohort service, with the standard operations service beside it.

    Args:
        runtime: What the bootstrap gives.
    """
    backend = Backend(runtime.settings)
    runtime.telemetry.registry.register(JobMetrics(backend))

    def warm() -> Iterator[volume_pb2.ModelIdentity]:
        backend.take_up()
        yield from ()

    return Service(
        servicer.DESCRIPTOR,
        servicer.CohortServicer(runtime, backend),
        cohort_pb2_grpc.add_CohortServiceServicer_to_server,
        warm=warm,
        drain=backend.drain,
        close=backend.close,
        companions=(
            Service(
                operations.DESCRIPTOR,
                operations.OperationsServicer(backend),
                operations_pb2_grpc.add_OperationsServicer_to_server,
            ),
        ),
    )
