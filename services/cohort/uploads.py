"""Uploads: a label map of the caller's own, received, checked and stored."""

from collections.abc import Iterator

import grpc
import numpy as np

from gliosynth.client.transfer import TransferBudget, VolumeReceiver
from gliosynth.errors import CancelledError, InvalidParameterError
from gliosynth.v1 import cohort_pb2
from services.cohort import convert
from services.cohort.backend import Backend
from services.runtime.service import Job
from services.runtime.volumes import geometry_of


def receive_label_map(
    messages: Iterator[cohort_pb2.UploadAnatomyRequest], job: Job, backend: Backend
) -> cohort_pb2.UploadAnatomyResponse:
    """Returns the answer to an upload.

    Args:
        messages: The caller's messages.
        job: The request's deadline and budgets.
        backend: Stores the label map.

    Raises:
        InvalidInputError: It is no label map.
        BudgetExceededError: It is larger than the limits allow.
        StorageError: The store is full, refuses or cannot be reached.
    """
    receiver = VolumeReceiver(TransferBudget(job.settings.max_request_bytes, 1), reserve=job.lease.reserve)
    try:
        for message in messages:
            job.deadline.check()
            receiver.feed(message.volume)
    except grpc.RpcError as error:
        job.deadline.check()
        raise CancelledError("the caller cancelled or went away while sending") from error
    volumes = receiver.finish()
    if not volumes:
        raise InvalidParameterError(
            "volume: no label map arrived; send one volume", field="volume", reason="EMPTY_REQUEST"
        )
    label_map = convert.decode_label_map(volumes[0], job.limits)
    return cohort_pb2.UploadAnatomyResponse(
        anatomy_id=backend.house.label_maps.add(label_map),
        labels=[int(value) for value in np.unique(label_map.data)],
        geometry=geometry_of(label_map),
    )
