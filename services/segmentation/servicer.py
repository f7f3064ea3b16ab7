"""The methods of the segmentation service."""

from collections.abc import Iterator
from functools import partial

import grpc
import numpy as np

from gliosynth.preprocessing.inverse import to_native
from gliosynth.preprocessing.pipeline import PreprocessedCase, preprocess_case
from gliosynth.segmentation import CascadeHooks, CascadeModels, CascadeProgress, segment_case
from gliosynth.segmentation.placement import place_regions
from gliosynth.v1 import segmentation_pb2, segmentation_pb2_grpc, volume_pb2
from gliosynth.volume import Volume
from services.runtime.case import decode_case, stage_listener
from services.runtime.models import DEFAULT_FAMILY, REGION_SUFFIXES, SKULL_STRIP, Models
from services.runtime.service import Job, Runtime, Service
from services.runtime.volumes import encode, result_encoding
from services.segmentation import convert

DESCRIPTOR = segmentation_pb2.DESCRIPTOR.services_by_name["SegmentationService"]
"""The service's descriptor."""

PREPROCESSED = 0.45
"""Share of a request that is done when its case is preprocessed."""

INFERRED = 0.95
"""Share of a request that is done when the models have answered."""


class SegmentationServicer(segmentation_pb2_grpc.SegmentationServiceServicer):
    """Segments cases with the models of a repository."""

    def __init__(self, runtime: Runtime) -> None:
        """Keeps the bootstrap's parts.

        Args:
            runtime: What the bootstrap gives.
        """
        self._runtime = runtime

    def Segment(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[segmentation_pb2.SegmentRequest], context: grpc.ServicerContext
    ) -> Iterator[segmentation_pb2.SegmentResponse]:
        """Segments one case."""
        return self._runtime.stream(
            partial(segment, self._runtime.models, request_iterator),
            context=context,
            service=DESCRIPTOR.full_name,
            as_response=convert.progress_response,
        )

    def ListModels(  # noqa: N802 - the proto's name
        self, request: segmentation_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> segmentation_pb2.ListModelsResponse:
        """Lists the models of the repository."""
        del context
        models = self._runtime.models
        names, following = convert.page_of(models.repository.names, request)
        page = [convert.model_message(models.repository.versions(name), models) for name in names]
        return segmentation_pb2.ListModelsResponse(models=page, next_page_token=following)


def segment(
    models: Models, messages: Iterator[segmentation_pb2.SegmentRequest], job: Job
) -> Iterator[segmentation_pb2.SegmentResponse]:
    """Returns the report and the label map of one request, both computed when this returns.

    Args:
        models: The process' models.
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    encoding = result_encoding(options.result_encoding)
    networks, identities = models.cascade(job.deadline, family=options.model, version=options.model_version)
    job.reporter.report("decode", 0.01)
    received = decode_case(volumes, limits=job.limits, check=job.deadline.check)
    volumes.clear()
    prepared = preprocess_case(
        received.case,
        brain_extractor=models.brain_extractor(job.deadline),
        brain_mask=received.brain_mask,
        on_stage=stage_listener(job.reporter, job.deadline.check, share=PREPROCESSED),
    )
    result = _segment_prepared(prepared, networks, job)
    job.reporter.report("encode", 0.98)
    encoded = encode(result.native, role=volume_pb2.VOLUME_ROLE_PREDICTION, encoding=encoding)
    ran = convert.models_that_ran(result, models, identities)
    return convert.responses(convert.report_of(result, models=ran, times=job.reporter.times()), encoded)


def _segment_prepared(prepared: PreprocessedCase, networks: CascadeModels, job: Job) -> convert.SegmentedCase:
    """Returns the cascade's result on the native grid, its place proven."""
    job.reporter.report("infer", PREPROCESSED)

    def listen(progress: CascadeProgress) -> None:
        fraction = PREPROCESSED + (INFERRED - PREPROCESSED) * convert.cascade_share(progress)
        slices = f"{progress.region.value}: slice {progress.slices_done} of {progress.slices_total}"
        job.reporter.report("infer", fraction, slices)

    hooks = CascadeHooks(on_progress=listen, check=job.deadline.check)
    segmentation = segment_case(prepared.contrasts, prepared.brain, models=networks, hooks=hooks)
    job.deadline.check()
    job.reporter.report("postprocess", INFERRED)
    returned = to_native(segmentation.labels, prepared.record)
    native = Volume[np.uint8](returned.data, returned.affine, "segmentation")
    places = place_regions(native, Volume[np.uint8](segmentation.labels, prepared.affine, "working"))
    return convert.SegmentedCase(prepared, segmentation, native, places)


def build(runtime: Runtime) -> Service:
    """Returns the segmentation service for the bootstrap.

    Args:
        runtime: What the bootstrap gives.
    """
    names = [SKULL_STRIP, *(DEFAULT_FAMILY + suffix for suffix in REGION_SUFFIXES)]
    return Service(
        DESCRIPTOR,
        SegmentationServicer(runtime),
        segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server,
        warm=partial(runtime.models.warm, *names),
    )
