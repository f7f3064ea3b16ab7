"""The method of the preprocessing service."""

from collections.abc import Iterator
from functools import partial

import grpc

from gliosynth.preprocessing.pipeline import preprocess_case
from gliosynth.v1 import preprocessing_pb2, preprocessing_pb2_grpc
from services.preprocessing import convert
from services.runtime.case import decode_case, stage_listener
from services.runtime.models import SKULL_STRIP, Models
from services.runtime.service import Job, Runtime, Service
from services.runtime.volumes import result_encoding

DESCRIPTOR = preprocessing_pb2.DESCRIPTOR.services_by_name["PreprocessingService"]
"""The service's descriptor."""

PREPROCESSED = 0.9
"""Share of a request that is done when its case is preprocessed; encoding is the rest."""


class PreprocessingServicer(preprocessing_pb2_grpc.PreprocessingServiceServicer):
    """Preprocesses cases; holds the model that finds the brain."""

    def __init__(self, runtime: Runtime) -> None:
        """Keeps the bootstrap's parts.

        Args:
            runtime: What the bootstrap gives.
        """
        self._runtime = runtime

    def Preprocess(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[preprocessing_pb2.PreprocessRequest], context: grpc.ServicerContext
    ) -> Iterator[preprocessing_pb2.PreprocessResponse]:
        """Preprocesses one case."""
        return self._runtime.stream(
            partial(preprocess, self._runtime.models, request_iterator),
            context=context,
            service=DESCRIPTOR.full_name,
            as_response=convert.progress_response,
        )


def preprocess(
    models: Models, messages: Iterator[preprocessing_pb2.PreprocessRequest], job: Job
) -> Iterator[preprocessing_pb2.PreprocessResponse]:
    """Returns the report and the volumes of one request, all computed when this returns.

    Args:
        models: The process' models.
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    encoding = result_encoding(options.result_encoding)
    job.reporter.report("decode", 0.01)
    received = decode_case(volumes, limits=job.limits, check=job.deadline.check)
    volumes.clear()
    case = preprocess_case(
        received.case,
        brain_extractor=models.brain_extractor(job.deadline),
        brain_mask=received.brain_mask,
        on_stage=stage_listener(job.reporter, job.deadline.check, share=PREPROCESSED),
    )
    job.deadline.check()
    job.reporter.report("encode", PREPROCESSED)
    encoded = convert.encode_case(case, encoding)
    return convert.responses(convert.report_of(case, models=models, times=job.reporter.times()), encoded)


def build(runtime: Runtime) -> Service:
    """Returns the preprocessing service for the bootstrap.

    Args:
        runtime: What the bootstrap gives.
    """
    return Service(
        DESCRIPTOR,
        PreprocessingServicer(runtime),
        preprocessing_pb2_grpc.add_PreprocessingServiceServicer_to_server,
        warm=partial(runtime.models.warm, SKULL_STRIP),
    )
