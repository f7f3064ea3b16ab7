"""Messages of the cohort service to what its parts speak, and back."""

import base64
import binascii
import hashlib
import json
import re
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

STATES_ON_WIRE: Final = {value: state for state, value in STATES.items()}
"""The state of each value of the protos."""

COHORTS: Final = "cohorts"
"""Collection of the cohorts' names."""

OPERATIONS: Final = "operations"
"""Collection of the operations' names."""

LARGEST_LABEL: Final = 65_535
"""Largest value of a label map."""

GATE_ENGINE: Final = "onnxruntime"
"""What computes the gate's models in every worker."""

_ID: Final = re.compile(r"[0-9a-f]{1,32}")
"""What ids of cohorts look like."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{0,64}")
"""What request ids may look like; UUIDs do."""


def id_of(name: str, collection: str) -> str:
    """Returns the id in a resource name.

    Args:
        name: Such as ``"cohorts/0123abcd"``.
        collection: `COHORTS` or `OPERATIONS`.

    Raises:
        InvalidParameterError: It is no name of the collection.
    """
    found, _, cohort_id = name.partition("/")
    if found != collection or not _ID.fullmatch(cohort_id):
        raise InvalidParameterError(
            f"name: {name[:64]!r} is not of the form {collection}/<id>", field="name", got=name[:64]
        )
    return cohort_id


def checked_request_id(request_id: str) -> str:
    """Returns a caller's request id.

    Args:
        request_id: As received; empty for none.

    Raises:
        InvalidParameterError: It is too long or has other characters than a UUID may.
    """
    if not _REQUEST_ID.fullmatch(request_id):
        raise InvalidParameterError(
            f"request_id: {request_id[:64]!r} is no id; send a UUID, or at most 64 letters, digits and ._:-",
            field="request_id",
            got=request_id[:64],
        )
    return request_id


def digest_of(request: cohort_pb2.CreateCohortRequest) -> str:
    """Returns the hexadecimal SHA-256 of what a request asks for, to tell whether it is the same again.

    Args:
        request: As received.
    """
    return hashlib.sha256(request.spec).hexdigest()


def page_size_of(asked: int, *, default: int, largest: int) -> int:
    """Returns how many results a page has.

    Args:
        asked: As received; 0 for the default.
        default: Where none is asked for.
        largest: More is taken as this.

    Raises:
        InvalidParameterError: It is negative.
    """
    if asked < 0:
        raise InvalidParameterError(
            f"page_size: {asked} is negative; give 0 to {largest}", field="page_size", got=str(asked)
        )
    return min(asked or default, largest)


def page_token_of(cohort: CohortRecord) -> str:
    """Returns the token of the page that begins behind a cohort.

    Args:
        cohort: The last one of a page.
    """
    return base64.urlsafe_b64encode(f"{cohort.created_s!r} {cohort.id}".encode()).decode()


def place_of(page_token: str) -> tuple[float, str] | None:
    """Returns the creation time and id behind which a page begins; None for the first page.

    Args:
        page_token: As received.

    Raises:
        InvalidParameterError: It is none of ours.
    """
    if not page_token:
        return None
    try:
        created, _, cohort_id = base64.urlsafe_b64decode(page_token).decode().partition(" ")
        return float(created), cohort_id
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterError(
            f"page_token: {page_token[:64]!r} is not one that a list returned", field="page_token", got=page_token[:64]
        ) from error


def index_of(page_token: str, count: int) -> int:
    """Returns the place in a list at which a page begins.

    Args:
        page_token: As received; empty for the first page.
        count: Length of the list.

    Raises:
        InvalidParameterError: It is none of ours.
    """
    if not page_token:
        return 0
    if not page_token.isdecimal() or not int(page_token) < count:
        raise InvalidParameterError(
            f"page_token: {page_token[:64]!r} is not one that was returned", field="page_token", got=page_token[:64]
        )
    return int(page_token)


def json_bytes(document: object) -> bytes:
    """Returns a document as indented UTF-8 JSON.

    Args:
        document: Plain objects.
    """
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def states_of(values: Iterable[cohort_pb2.CohortState.ValueType]) -> list[State]:
    """Returns the states that a list is filtered by.

    Args:
        values: As received.

    Raises:
        InvalidParameterError: One is no state of a cohort.
    """
    asked = list(values)
    for value in asked:
        if value not in STATES_ON_WIRE:
            raise InvalidParameterError(f"states: {value} is no state of a cohort", field="states", got=str(value))
    return [STATES_ON_WIRE[value] for value in asked]


def price_message(price: PriceRecord) -> cohort_pb2.CohortPrice:
    """Returns a price as a message.

    Args:
        price: The price.
    """
    return cohort_pb2.CohortPrice(seconds=price.seconds, size_bytes=price.size_bytes, memory_bytes=price.memory_bytes)


def model_messages(models: Iterable[ModelRecord]) -> list[volume_pb2.ModelIdentity]:
    """Returns the gate's models as messages.

    Args:
        models: The models.
    """
    return [
        volume_pb2.ModelIdentity(
            name=model.name, version=model.version, digest=model.digest, engine=GATE_ENGINE, precision="fp32"
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
