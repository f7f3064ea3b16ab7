"""The methods of the metrics service."""

from collections.abc import Iterator
from functools import partial

import grpc

from gliosynth.metrics import score_case, score_image
from gliosynth.metrics.image import check_data_range
from gliosynth.v1 import metrics_pb2, metrics_pb2_grpc
from services.metrics import convert
from services.runtime.service import Job, Runtime, Service
from services.runtime.volumes import decode_image, decode_labels

DESCRIPTOR = metrics_pb2.DESCRIPTOR.services_by_name["MetricsService"]
"""The service's descriptor."""


class MetricsServicer(metrics_pb2_grpc.MetricsServiceServicer):
    """Compares what it is sent. Holds no models."""

    def __init__(self, runtime: Runtime) -> None:
        """Keeps the bootstrap's parts.

        Args:
            runtime: What the bootstrap gives.
        """
        self._runtime = runtime

    def ScoreSegmentation(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[metrics_pb2.ScoreSegmentationRequest], context: grpc.ServicerContext
    ) -> metrics_pb2.ScoreSegmentationResponse:
        """Scores a predicted label map against a reference."""
        work = partial(score_segmentation, request_iterator)
        return self._runtime.answer(work, context=context, service=DESCRIPTOR.full_name)

    def CompareImages(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[metrics_pb2.CompareImagesRequest], context: grpc.ServicerContext
    ) -> metrics_pb2.CompareImagesResponse:
        """Compares two images voxel by voxel."""
        work = partial(compare_images, request_iterator)
        return self._runtime.answer(work, context=context, service=DESCRIPTOR.full_name)


def score_segmentation(
    messages: Iterator[metrics_pb2.ScoreSegmentationRequest], job: Job
) -> metrics_pb2.ScoreSegmentationResponse:
    """Returns the answer to one request.

    Args:
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    definition = convert.definition_of(options)
    job.reporter.report("decode", 0.2)
    reference, prediction = convert.pair_of(volumes, partial(decode_labels, limits=job.limits))
    brain = convert.brain_of(volumes, limits=job.limits, reference=reference)
    job.deadline.check()
    job.reporter.report("postprocess", 0.4)
    scores = score_case(
        reference.data,
        prediction.data,
        spacing_mm=reference.spacing_mm,
        definition=definition,
        tolerances_mm=tuple(options.surface_dice_tolerances_mm) or convert.DEFAULT_TOLERANCES_MM,
        brain=brain,
    )
    return convert.scores_response(scores)


def compare_images(messages: Iterator[metrics_pb2.CompareImagesRequest], job: Job) -> metrics_pb2.CompareImagesResponse:
    """Returns the answer to one request.

    Args:
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    check_data_range(options.data_range)
    job.reporter.report("decode", 0.2)
    reference, prediction = convert.pair_of(volumes, partial(decode_image, limits=job.limits))
    job.deadline.check()
    job.reporter.report("postprocess", 0.4)
    scores = score_image(convert.float32(reference), convert.float32(prediction), data_range=options.data_range)
    return convert.images_response(scores, data_range=options.data_range)


def build(runtime: Runtime) -> Service:
    """Returns the metrics service for the bootstrap.

    Args:
        runtime: What the bootstrap gives.
    """
    return Service(DESCRIPTOR, MetricsServicer(runtime), metrics_pb2_grpc.add_MetricsServiceServicer_to_server)
