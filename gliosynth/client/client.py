"""The client of all gliosynth services: files in, dataclasses out.

>>> with GliosynthClient("localhost:50051") as client:  # doctest: +SKIP
...     case = CasePayload.from_files(find_case(Path("examples/cases/TCGA-FG-6692")))
...     result = client.segment(case, on_progress=print)
...     [(region.region, region.volume_ml) for region in result.regions]
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Final

from grpc_health.v1 import health_pb2, health_pb2_grpc

from gliosynth.client import answers, convert, requests
from gliosynth.client.answers import ProgressCallback
from gliosynth.client.calls import cancelled_on_error, library_errors
from gliosynth.client.channel import TlsOptions, open_channel
from gliosynth.client.cohorts import CohortClient
from gliosynth.client.payloads import CasePayload, VolumeFile
from gliosynth.client.results import (
    ImageComparison,
    ModelDescription,
    PreprocessingResult,
    RegionScores,
    SegmentationResult,
)
from gliosynth.client.tumour_maps import TumourMapClient
from gliosynth.v1 import metrics_pb2, metrics_pb2_grpc, preprocessing_pb2_grpc, segmentation_pb2, segmentation_pb2_grpc

DEFAULT_TIMEOUT_S: Final = 1800.0
"""Deadline of a request in seconds: enough for a thick-sliced whole head on one busy core."""

HEALTH_TIMEOUT_S: Final = 5.0
"""Deadline of a health check in seconds."""


class GliosynthClient:
    """A connection to a gliosynth server. One client may be used by several threads; close it when done.

    Attributes:
        target: ``host:port`` of the server.
        tumour_maps: The methods of the tumour-map service.
    """

    def __init__(self, target: str, *, timeout_s: float = DEFAULT_TIMEOUT_S, tls: TlsOptions | None = None) -> None:
        """Prepares the connection; nothing is sent yet.

        Args:
            target: ``host:port`` of the server.
            timeout_s: Deadline of every request, in seconds, above 0.
            tls: How to encrypt, or None for a plain connection.
        """
        self.target = target
        self._timeout_s = timeout_s
        self._channel = open_channel(target, tls)
        self._segmentation = segmentation_pb2_grpc.SegmentationServiceStub(self._channel)
        self._preprocessing = preprocessing_pb2_grpc.PreprocessingServiceStub(self._channel)
        self._metrics = metrics_pb2_grpc.MetricsServiceStub(self._channel)
        self.tumour_maps = TumourMapClient(self._channel, target=target, timeout_s=timeout_s)
        self._health = health_pb2_grpc.HealthStub(self._channel)
        self.cohorts = CohortClient(self._channel, target=target, timeout_s=timeout_s)

    def __enter__(self) -> "GliosynthClient":
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the connection."""
        self.close()

    def close(self) -> None:
        """Closes the connection; requests under way are cancelled."""
        self._channel.close()

    def segment(
        self,
        case: CasePayload,
        *,
        on_progress: ProgressCallback | None = None,
        model: str = "",
        model_version: str = "",
    ) -> SegmentationResult:
        """Returns the tumour of a case on the grid of its t1c.

        Args:
            case: The four contrasts in native space and, if there is one, a brain mask.
            on_progress: Called with every progress event.
            model: Family of the region models; ``""`` for the server's default.
            model_version: Their version; ``""`` for the newest.

        Raises:
            GliosynthError: A child that says what the server found wrong, or that it cannot be reached.
        """
        messages = requests.segment_requests(case, model=model, model_version=model_version)
        with library_errors(self.target):
            call = self._segmentation.Segment(messages, timeout=self._timeout_s)
            with cancelled_on_error(call):
                answer, volumes = answers.receive(call, on_progress)
        return answers.segmentation_from(answer.report, volumes)

    def preprocess(self, case: CasePayload, *, on_progress: ProgressCallback | None = None) -> PreprocessingResult:
        """Returns a case registered, resampled to 1 mm, skull-stripped and normalised.

        Args:
            case: The four contrasts in native space and, if there is one, a brain mask.
            on_progress: Called with every progress event.

        Raises:
            GliosynthError: As in `segment`.
        """
        with library_errors(self.target):
            call = self._preprocessing.Preprocess(requests.preprocess_requests(case), timeout=self._timeout_s)
            with cancelled_on_error(call):
                answer, volumes = answers.receive(call, on_progress)
        return answers.preprocessing_from(answer.report, volumes)

    def score_segmentation(
        self,
        prediction: VolumeFile,
        reference: VolumeFile,
        *,
        hd95_definition: str = "",
        tolerances_mm: Sequence[float] = (),
    ) -> tuple[RegionScores, ...]:
        """Returns the scores of WT, TC and ET.

        Args:
            prediction: Label map to judge.
            reference: The expert's label map, on the same grid.
            hd95_definition: Id of the HD95 definition; ``""`` for the server's default.
            tolerances_mm: Tolerances of the surface Dice; empty for the server's default.

        Raises:
            GliosynthError: As in `segment`.
        """
        options = metrics_pb2.ScoreSegmentationOptions(
            hd95_definition=hd95_definition, surface_dice_tolerances_mm=tolerances_mm
        )
        with library_errors(self.target):
            messages = requests.score_requests(reference, prediction, options=options)
            answer = self._metrics.ScoreSegmentation(messages, timeout=self._timeout_s)
        return tuple(convert.scores_from(region) for region in answer.regions)

    def compare_images(self, prediction: VolumeFile, reference: VolumeFile, *, data_range: float) -> ImageComparison:
        """Returns MSE, MAE, PSNR and SSIM of two images on the same grid.

        Args:
            prediction: Image to judge.
            reference: Image it should equal.
            data_range: Distance between the largest and smallest value that the image can take, above 0.

        Raises:
            GliosynthError: As in `segment`.
        """
        with library_errors(self.target):
            messages = requests.compare_requests(reference, prediction, data_range=data_range)
            return convert.comparison_from(self._metrics.CompareImages(messages, timeout=self._timeout_s))

    def list_models(self) -> tuple[ModelDescription, ...]:
        """Returns every model of the server's repository, by name.

        Raises:
            GliosynthError: As in `segment`.
        """
        models: list[ModelDescription] = []
        token = ""
        with library_errors(self.target):
            while True:
                request = segmentation_pb2.ListModelsRequest(page_token=token)
                answer = self._segmentation.ListModels(request, timeout=self._timeout_s)
                models += [convert.description_from(model) for model in answer.models]
                token = answer.next_page_token
                if not token:
                    return tuple(models)

    def health(self, service: str = "") -> str:
        """Returns ``SERVING``, ``NOT_SERVING`` or ``UNKNOWN``, as the standard health service says.

        Args:
            service: Full name of one service; ``""`` for the server as a whole.

        Raises:
            GliosynthError: The server cannot be reached, or has no such service.
        """
        with library_errors(self.target):
            request = health_pb2.HealthCheckRequest(service=service)
            answer = self._health.Check(request, timeout=min(HEALTH_TIMEOUT_S, self._timeout_s))
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
