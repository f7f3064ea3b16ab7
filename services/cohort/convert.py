"""Messages of the cohort service to what its parts speak, and back."""

import json
from collections.abc import Iterable
from typing import Final

import numpy as np
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, timestamp_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gliosynth.client.transfer import ReceivedVolume
from gliosynth.errors import InvalidLabelError, InvalidParameterError
from gliosynth.nifti import read_nifti
from gliosynth.raw import VolumeLimits
from gliosynth.v1 import cohort_pb2, volume_pb2
from gliosynth.volume import Volume
from services.cohort.jobs.records import CohortRecord, ModelRecord, PriceRecord
from services.cohort.jobs.tables import ACTIVE, State
from services.runtime.errors import DOMAIN
from services.runtime.volumes import decode_image

STATES: Final = {
    State.QUEUED: cohort_pb2.COHORT_STATE_QUEUED,
    State.RUNNING: cohort_pb2.COHORT_STATE_RUNNING,
    State.SUCCEEDED: cohort_pb2.COHORT_STATE_SUCCEEDED,
    State.WITHHELD: cohort_pb2.COHORT_STATE_WITHHELD,
    State.FAILED: cohort_pb2.COHORT_STATE_FAILED,
    State.CANCELLED: cohort_pb2.COHORT_STATE_CANCELLED,
}
"""The protos' value of each state that callers see."""

COHORTS: Final = "cohorts"
"""Collection of the cohorts' names."""

OPERATIONS: Final = "operations"
"""Collection of the operations' names."""

LARGEST_LABEL: Final = 65_535
"""Largest value of a label map."""


def json_bytes(document: object) -> bytes:
    """Returns a document as indented UTF-8 JSON.

    Args:
        document: Plain objects.
    """
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def price_message(price: PriceRecord) -> cohort_pb2.CohortPrice:
    """Returns a price as a message.

    Args:
        price: The price.
    """
    return cohort_pb2.CohortPrice(seconds=price.seconds, size_bytes=price.size_bytes, memory_bytes=price.memory_bytes)


def model_messages(models: Iterable[ModelRecord]) -> list[volume_pb2.ModelIdentity]:
    """Returns a cohort's models as messages.

    Args:
        models: The models.
    """
    return [
        volume_pb2.ModelIdentity(
            name=model.name,
            version=model.version,
            digest=model.digest,
            engine=model.engine,
            precision=model.precision,
        )
        for model in models
    ]


def cohort_message(cohort: CohortRecord) -> cohort_pb2.Cohort:
    """Returns a cohort as a message.

    Args:
        cohort: As it stands.
    """
    message = cohort_pb2.Cohort(
        name=f"{COHORTS}/{cohort.id}",
        display_name=cohort.display_name,
        state=STATES[cohort.state],
        spec=cohort.spec.encode(),
        case_count=cohort.case_count,
        cases_made=cohort.cases_made,
        rejections=[
            cohort_pb2.RejectionCount(reason=reason, count=count) for reason, count in sorted(cohort.rejections.items())
        ],
        price=price_message(cohort.price),
        size_bytes=cohort.size_bytes,
        file_count=cohort.file_count,
        withheld_reasons=cohort.withheld_reasons,
        generator_version=cohort.generator_version,
        models=model_messages(cohort.models),
        create_time=timestamp(cohort.created_s),
        end_time=None if cohort.ended_s is None else timestamp(cohort.ended_s),
        expire_time=None if cohort.expires_s is None else timestamp(cohort.expires_s),
        operation=f"{OPERATIONS}/{cohort.id}",
    )
    if cohort.state is State.FAILED:
        message.error.CopyFrom(cohort_pb2.CohortError(reason=cohort.error_reason, message=cohort.error_message))
    return message


def operation_message(cohort: CohortRecord) -> operations_pb2.Operation:
    """Returns the operation that makes a cohort.

    Args:
        cohort: As it stands.
    """
    packed = any_pb2.Any()
    packed.Pack(cohort_message(cohort))
    operation = operations_pb2.Operation(name=f"{OPERATIONS}/{cohort.id}", metadata=packed)
    if cohort.state in ACTIVE:
        return operation
    operation.done = True
    if cohort.state is State.FAILED:
        operation.error.CopyFrom(_status(code_pb2.ABORTED, cohort.error_reason, cohort.error_message))
    elif cohort.state is State.CANCELLED:
        operation.error.CopyFrom(_status(code_pb2.CANCELLED, "CANCELLED", "the cohort was cancelled"))
    else:
        operation.response.CopyFrom(packed)
    return operation


def priced_operation(cohort: cohort_pb2.Cohort) -> operations_pb2.Operation:
    """Returns the answer to `validate_only`: a done operation without name.

    Args:
        cohort: What would be made, with its price.
    """
    operation = operations_pb2.Operation(done=True)
    operation.response.Pack(cohort)
    return operation


def decode_label_map(received: ReceivedVolume, limits: VolumeLimits) -> "Volume[np.uint16]":
    """Returns an uploaded label map.

    Args:
        received: The volume as it came.
        limits: What it may cost.

    Raises:
        InvalidParameterError: Its role is another.
        InvalidVolumeError: It cannot be read.
        InvalidLabelError: A value is no whole number from 0 to `LARGEST_LABEL`.
        BudgetExceededError: It is larger than the limits allow.
    """
    if received.header.role != volume_pb2.VOLUME_ROLE_LABEL_MAP:
        role = volume_pb2.VolumeRole.Name(received.header.role)
        raise InvalidParameterError(
            f"volume: a label map is wanted, this is {role}", field="volume.role", got=role, reason="UNEXPECTED_ROLE"
        )
    nifti = (volume_pb2.VOLUME_ENCODING_NIFTI, volume_pb2.VOLUME_ENCODING_NIFTI_GZ)
    if received.header.encoding in nifti:
        volume = read_nifti(received.data, name=received.header.name, limits=limits)
    else:
        volume = decode_image(received, limits)
    with np.errstate(invalid="ignore"):  # what does not survive the cast is refused below
        labels = volume.data.astype(np.uint16)
    if not np.array_equal(labels, volume.data):
        raise InvalidLabelError(
            f"{volume.name}: labels are whole numbers from 0 to {LARGEST_LABEL}; this map holds others",
            field=volume.name,
            reason="NOT_A_LABEL_MAP",
        )
    return Volume[np.uint16](labels, volume.affine, volume.name)


def timestamp(seconds: float) -> timestamp_pb2.Timestamp:
    """Returns a point in time as a message.

    Args:
        seconds: Since 1970, UTC.
    """
    message = timestamp_pb2.Timestamp()
    message.FromMicroseconds(round(seconds * 1e6))
    return message


def _status(code: int, reason: str, message: str) -> status_pb2.Status:
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    return status_pb2.Status(code=code, message=message, details=[packed])
