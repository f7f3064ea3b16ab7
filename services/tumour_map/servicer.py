"""The methods of the tumour-map service."""

from collections.abc import Iterator
from functools import partial

import grpc
import numpy as np

from gliosynth.brain_map import build_brain_map
from gliosynth.client.tumour_edits import edits_of
from gliosynth.tumour_map import edit_tumour_map
from gliosynth.tumour_map.describe import describe_tumour_map
from gliosynth.tumour_map.edits import Transplant
from gliosynth.v1 import tumour_map_pb2, tumour_map_pb2_grpc, volume_pb2
from gliosynth.volume import Volume
from services.runtime.service import Job, Runtime, Service
from services.runtime.volumes import encode, result_encoding
from services.tumour_map import convert
from services.tumour_map.brain_map_inputs import read_brain_map_inputs
from services.tumour_map.inputs import is_brain_map_kind, key_of, read_inputs

DESCRIPTOR = tumour_map_pb2.DESCRIPTOR.services_by_name["TumourMapService"]
"""The service's descriptor."""

DECODED = 0.2
"""Share of a request that is done when its volumes are decoded."""

EDITED = 0.9
"""Share of a request that is done when the tumour is edited; encoding is the rest."""


class TumourMapServicer(tumour_map_pb2_grpc.TumourMapServiceServicer):
    """Edits what it is sent. Holds no models."""

    def __init__(self, runtime: Runtime) -> None:
        """Keeps the bootstrap's parts.

        Args:
            runtime: What the bootstrap gives.
        """
        self._runtime = runtime

    def EditTumourMap(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[tumour_map_pb2.EditTumourMapRequest], context: grpc.ServicerContext
    ) -> Iterator[tumour_map_pb2.EditTumourMapResponse]:
        """Applies edits to one tumour map."""
        work = partial(edit, request_iterator)
        return self._runtime.stream(
            work, context=context, service=DESCRIPTOR.full_name, as_response=convert.edit_progress
        )

    def BuildBrainMap(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[tumour_map_pb2.BuildBrainMapRequest], context: grpc.ServicerContext
    ) -> Iterator[tumour_map_pb2.BuildBrainMapResponse]:
        """Builds one brain map."""
        work = partial(brain_map, request_iterator)
        return self._runtime.stream(
            work, context=context, service=DESCRIPTOR.full_name, as_response=convert.brain_map_progress
        )

    def DescribeTumourMap(  # noqa: N802 - the proto's name
        self, request_iterator: Iterator[tumour_map_pb2.DescribeTumourMapRequest], context: grpc.ServicerContext
    ) -> tumour_map_pb2.DescribeTumourMapResponse:
        """Describes one tumour map."""
        work = partial(describe, request_iterator)
        return self._runtime.answer(work, context=context, service=DESCRIPTOR.full_name)


def edit(
    messages: Iterator[tumour_map_pb2.EditTumourMapRequest], job: Job
) -> Iterator[tumour_map_pb2.EditTumourMapResponse]:
    """Returns the report and the volumes of one request, all computed when this returns.

    Args:
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    encoding, edits = result_encoding(options.result_encoding), edits_of(options.edits)
    job.reporter.report("decode", 0.01)
    inputs = read_inputs(
        volumes,
        limits=job.limits,
        key=key_of(options.tissue_key),
        heads=[edit.anatomy for edit in edits if isinstance(edit, Transplant)],
        is_brain_map=is_brain_map_kind(options.label_map_kind),
    )
    volumes.clear()

    def listen(index: int) -> None:
        job.deadline.check()
        share = DECODED + (EDITED - DECODED) * index / len(edits)
        job.reporter.report("edit", share, f"{edits[index].edit}: {index + 1} of {len(edits)}")

    edited = edit_tumour_map(inputs.tumour, edits, around=inputs.around, anatomies=inputs.anatomy, on_edit=listen)
    job.deadline.check()
    job.reporter.report("encode", EDITED)
    encoded = convert.encode_edited(edited, inputs, encoding)
    return convert.edit_responses(convert.edit_report(edited, times=job.reporter.times()), encoded)


def brain_map(
    messages: Iterator[tumour_map_pb2.BuildBrainMapRequest], job: Job
) -> Iterator[tumour_map_pb2.BuildBrainMapResponse]:
    """Returns the report and the brain map of one request, both computed when this returns.

    Args:
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    encoding = result_encoding(options.result_encoding)
    job.reporter.report("decode", 0.01)
    inputs = read_brain_map_inputs(volumes, job.limits)
    volumes.clear()
    job.deadline.check()
    job.reporter.report("edit", DECODED)
    built = Volume[np.uint8](
        build_brain_map(
            inputs.image.data,
            inputs.tumour,
            brain=inputs.brain,
            moved_from=inputs.moved_from,
            slice_axis=inputs.slice_axis,
        ),
        inputs.image.affine,
        "brain_map",
    )
    job.reporter.report("encode", EDITED)
    encoded = [encode(built, role=volume_pb2.VOLUME_ROLE_LABEL_MAP, encoding=encoding)]
    return convert.brain_map_responses(convert.brain_map_report(built, times=job.reporter.times()), encoded)


def describe(
    messages: Iterator[tumour_map_pb2.DescribeTumourMapRequest], job: Job
) -> tumour_map_pb2.DescribeTumourMapResponse:
    """Returns the answer to one request.

    Args:
        messages: The caller's messages.
        job: The request's deadline, progress and budgets.
    """
    options, volumes = job.receive(messages)
    inputs = read_inputs(volumes, limits=job.limits, key=key_of(options.tissue_key))
    job.deadline.check()
    return convert.description_response(describe_tumour_map(inputs.tumour, around=inputs.around), inputs.tumour)


def build(runtime: Runtime) -> Service:
    """Returns the tumour-map service for the bootstrap.

    Args:
        runtime: What the bootstrap gives.
    """
    return Service(DESCRIPTOR, TumourMapServicer(runtime), tumour_map_pb2_grpc.add_TumourMapServiceServicer_to_server)
