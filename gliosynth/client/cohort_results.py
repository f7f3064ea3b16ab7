"""Cohorts as the client gives them back: frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from google.protobuf import timestamp_pb2

from gliosynth.client.convert import model_from
from gliosynth.client.results import ModelIdentity
from gliosynth.v1 import cohort_pb2


class CohortState(Enum):
    """Where a cohort stands; values of `gliosynth.v1.CohortState`."""

    UNSPECIFIED = cohort_pb2.COHORT_STATE_UNSPECIFIED
    """Only priced."""
    QUEUED = cohort_pb2.COHORT_STATE_QUEUED
    RUNNING = cohort_pb2.COHORT_STATE_RUNNING
    SUCCEEDED = cohort_pb2.COHORT_STATE_SUCCEEDED
    """Complete and released."""
    WITHHELD = cohort_pb2.COHORT_STATE_WITHHELD
    """Complete, but its images do not leave; the reports say why."""
    FAILED = cohort_pb2.COHORT_STATE_FAILED
    """Stopped for a reason; can be resumed."""
    CANCELLED = cohort_pb2.COHORT_STATE_CANCELLED
    """Stopped by request; can be resumed."""

    @property
    def is_over(self) -> bool:
        """Whether no work goes on."""
        return self not in (CohortState.QUEUED, CohortState.RUNNING)


@dataclass(frozen=True)
class CohortPrice:
    """What a cohort is estimated to cost.

    Attributes:
        seconds: Seconds of work on the server's workers.
        size_bytes: Bytes of the data set.
        memory_bytes: Bytes of memory that one worker needs.
    """

    seconds: float
    size_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class Cohort:
    """A cohort as it stands.

    Attributes:
        name: Resource name, ``"cohorts/<id>"``; empty where it was only priced.
        display_name: Name of the data set.
        state: Where it stands.
        spec_json: The spec with every default filled in.
        case_count: Cases that the spec asks for.
        cases_made: Cases that are made and stored.
        rejections: Draws that the gate rejected, by reason.
        price: What it was estimated to cost.
        size_bytes: Bytes that are stored for the data set.
        file_count: Files of the data set, 0 before it is complete.
        error_reason: Why the work stopped, in UPPER_SNAKE_CASE, or "".
        error_message: The same for a person, or "".
        withheld_reasons: Why the images do not leave.
        generator_version: What makes it.
        models: Models that paint the images, where a network does, and those of the gate.
        create_time: When it was created.
        end_time: When the work was over, or None.
        expire_time: When it will be deleted, or None.
    """

    name: str
    display_name: str
    state: CohortState
    spec_json: bytes
    case_count: int
    cases_made: int
    rejections: Mapping[str, int]
    price: CohortPrice
    size_bytes: int
    file_count: int
    error_reason: str
    error_message: str
    withheld_reasons: tuple[str, ...]
    generator_version: str
    models: tuple[ModelIdentity, ...]
    create_time: datetime | None
    end_time: datetime | None
    expire_time: datetime | None


@dataclass(frozen=True)
class UploadedAnatomy:
    """A label map that the server keeps.

    Attributes:
        anatomy_id: How specs refer to it, in ``anatomies.own[].id``.
        labels: The values that occur in it: the spec names the tissue of each.
    """

    anatomy_id: str
    labels: tuple[int, ...]


PREFIX: Final = "cohorts/"
"""What cohorts' names begin with."""


def name_of(cohort: str) -> str:
    """Returns the resource name of a cohort.

    Args:
        cohort: Its name, or its id alone.
    """
    return cohort if cohort.startswith(PREFIX) else PREFIX + cohort


def cohort_from(message: cohort_pb2.Cohort) -> Cohort:
    """Returns a cohort of the wire.

    Args:
        message: As received.
    """
    price = message.price
    return Cohort(
        name=message.name,
        display_name=message.display_name,
        state=CohortState(message.state),
        spec_json=message.spec,
        case_count=message.case_count,
        cases_made=message.cases_made,
        rejections={each.reason: each.count for each in message.rejections},
        price=CohortPrice(price.seconds, price.size_bytes, price.memory_bytes),
        size_bytes=message.size_bytes,
        file_count=message.file_count,
        error_reason=message.error.reason,
        error_message=message.error.message,
        withheld_reasons=tuple(message.withheld_reasons),
        generator_version=message.generator_version,
        models=tuple(model_from(model) for model in message.models),
        create_time=_time_of(message.create_time, message.HasField("create_time")),
        end_time=_time_of(message.end_time, message.HasField("end_time")),
        expire_time=_time_of(message.expire_time, message.HasField("expire_time")),
    )


def _time_of(message: timestamp_pb2.Timestamp, given: bool) -> datetime | None:
    return message.ToDatetime(tzinfo=UTC) if given else None
