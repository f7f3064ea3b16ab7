"""A server without models, for tests of code that uses the client: real gRPC, real transfer, a threshold for a network.

>>> with FakeServer() as server, GliosynthClient(server.target) as client:  # doctest: +SKIP
...     client.segment(case)
"""

import json
from collections.abc import Iterable, Iterator
from concurrent import futures
from types import TracebackType
from typing import Any, Final

import grpc
import numpy as np
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from gliosynth.client.convert import CONTRAST_VALUES, REGION_OF_VALUE
from gliosynth.client.status import ERROR_DOMAIN
from gliosynth.client.transfer import ReceivedVolume, TransferBudget, VolumeReceiver, volume_parts
from gliosynth.errors import GliosynthError, InvalidCaseError
from gliosynth.geometry import centroid_mm
from gliosynth.labels import REGION_LABELS, Contrast, Label
from gliosynth.nifti import read_nifti, write_nifti
from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc, volume_pb2
from gliosynth.volume import Volume

FAKE_MODEL: Final = volume_pb2.ModelIdentity(
    name="fake_wt", version="1", digest="sha256:" + "0" * 64, engine="onnxruntime", precision="fp32"
)
"""The model that the fake names in its answers."""

ENHANCING_SHARE: Final = 0.75
"""Share of the t1c's maximum above which the fake labels a voxel as enhancing tumour."""


class FakeSegmentation(segmentation_pb2_grpc.SegmentationServiceServicer):
    """Labels the brightest voxels of the t1c as ET; fails as it is told to.

    Attributes:
        failure: Raised by every request as the real server would, or None.
        received_names: Names of the volumes of the last request, in the order they came.
    """

    def __init__(self) -> None:
        self.failure: GliosynthError | None = None
        self.received_names: tuple[str, ...] = ()

    def Segment(  # noqa: N802 - named by the contract
        self, request_iterator: Iterable[segmentation_pb2.SegmentRequest], context: grpc.ServicerContext
    ) -> Iterator[segmentation_pb2.SegmentResponse]:
        """Answers with two progress events, a report and a label map."""
        volumes = _receive(request_iterator)
        self.received_names = tuple(volume.header.name for volume in volumes)
        try:
            t1c = self._reference(volumes)
        except GliosynthError as error:
            context.abort_with_status(rpc_status.to_status(_status_of(error)))
        labels = np.where(t1c.data > ENHANCING_SHARE * t1c.data.max(), np.uint8(Label.ET), np.uint8(0))
        result = Volume(labels, t1c.affine, "segmentation")
        yield _progress("infer", 0.5)
        yield _progress("encode", 1.0)
        yield segmentation_pb2.SegmentResponse(report=_report(result))
        header = volume_pb2.VolumeHeader(
            name="segmentation", role=volume_pb2.VOLUME_ROLE_PREDICTION, encoding=volume_pb2.VOLUME_ENCODING_NIFTI_GZ
        )
        for part in volume_parts(header, write_nifti(result)):
            yield segmentation_pb2.SegmentResponse(volume=part)

    def ListModels(  # noqa: N802 - named by the contract
        self,
        request: segmentation_pb2.ListModelsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002
    ) -> segmentation_pb2.ListModelsResponse:
        """Answers with one model a page, two pages."""
        model = segmentation_pb2.Model(name="fake_wt", versions=["1"], newest=FAKE_MODEL, card="# fake_wt")
        return segmentation_pb2.ListModelsResponse(models=[model], next_page_token="" if request.page_token else "2")

    def _reference(self, volumes: list[ReceivedVolume]) -> "Volume[np.generic]":
        if self.failure is not None:
            raise self.failure
        by_contrast = {volume.header.contrast: volume for volume in volumes}
        t1c = by_contrast.get(CONTRAST_VALUES[Contrast.T1C])
        if t1c is None:
            raise InvalidCaseError("t1c: the contrast is missing; send it", field="t1c", reason="CONTRAST_MISSING")
        return read_nifti(t1c.data, name="t1c")


class FakeServer:
    """`FakeSegmentation` and the health service on a free local port.

    Attributes:
        segmentation: The servicer, to tell it to fail.
        target: ``host:port`` for `GliosynthClient`.
    """

    def __init__(self, *, port: int = 0, credentials: grpc.ServerCredentials | None = None) -> None:
        """Binds the port; serves from `__enter__` on.

        Args:
            port: Port to listen on; 0 takes a free one.
            credentials: Key and certificate for TLS, or None for a plain port.
        """
        self.segmentation = FakeSegmentation()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server(self.segmentation, self._server)
        self.health = health.HealthServicer()
        self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        address = f"127.0.0.1:{port}"
        if credentials is None:
            bound_port = self._server.add_insecure_port(address)
        else:
            bound_port = self._server.add_secure_port(address, credentials)
        self.target = f"127.0.0.1:{bound_port}"

    def __enter__(self) -> "FakeServer":
        """Starts to serve."""
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops at once."""
        self._server.stop(grace=None).wait()


def _receive(requests: Iterable[segmentation_pb2.SegmentRequest]) -> list[ReceivedVolume]:
    receiver = VolumeReceiver(TransferBudget(max_bytes=1 << 30, max_volumes=8))
    for request in requests:
        if request.WhichOneof("part") == "volume":
            receiver.feed(request.volume)
    return receiver.finish()


def _progress(stage: str, fraction: float) -> segmentation_pb2.SegmentResponse:
    return segmentation_pb2.SegmentResponse(progress=volume_pb2.Progress(stage=stage, fraction=fraction))


def _report(result: Volume[np.uint8]) -> segmentation_pb2.SegmentReport:
    flag = volume_pb2.QualityFlag(
        id="FAKE_MODEL", severity=volume_pb2.SEVERITY_WARNING, message="A threshold took the place of the models."
    )
    step = volume_pb2.ProcessingStep(name="threshold", volume="t1c", parameters_json=json.dumps({"share": 0.75}))
    return segmentation_pb2.SegmentReport(
        regions=[_region(result, value) for value in REGION_OF_VALUE],
        flags=[flag],
        models=[FAKE_MODEL],
        steps=[step],
        times=[volume_pb2.StageTime(stage="infer", seconds=0.25)],
        brain_volume_ml=1234.5,
    )


def _region(result: Volume[np.uint8], value: Any) -> segmentation_pb2.RegionResult:
    mask = np.isin(result.data, REGION_LABELS[REGION_OF_VALUE[value]])
    volume_ml = float(np.count_nonzero(mask)) * result.voxel_volume_ml
    centre = centroid_mm(mask, result.affine).tolist() if mask.any() else []
    return segmentation_pb2.RegionResult(
        region=value, volume_ml=volume_ml, centroid_mm=centre, centroid_shift_mm=0.0 if mask.any() else None
    )


def _status_of(error: GliosynthError) -> status_pb2.Status:
    facts = {"error": type(error).__name__, "field": error.field, "got": error.got}
    info, violations = any_pb2.Any(), any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=facts))
    violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=str(error))
    violations.Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    code = grpc.StatusCode.INVALID_ARGUMENT.value[0]
    return status_pb2.Status(code=code, message=str(error), details=[info, violations])
