"""What is known of a cohort, as facts: the rows of the tables, typed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa

from services.cohort.jobs.tables import State


@dataclass(frozen=True)
class ModelRecord:
    """One model that makes or judges a cohort's cases.

    Attributes:
        name: Its name.
        version: Its version.
        digest: ``"sha256:..."`` of its files.
        engine: What computes it.
        precision: Of its layers; ``"server"`` where another process decides.
    """

    name: str
    version: str
    digest: str
    engine: str = "onnxruntime"
    precision: str = "fp32"


@dataclass(frozen=True)
class PriceRecord:
    """What a cohort was estimated to cost."""

    seconds: float
    size_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class NewCohort:
    """A checked request.

    Attributes:
        display_name: Name of the data set.
        spec: The normalised spec, JSON.
        case_count: Cases that it asks for.
        request_id: The caller's, or "".
        request_digest: SHA-256 of what was asked, hexadecimal.
        price: What it will cost.
        generator_version: Version of the generator.
        models: Models that paint the images and that the gate uses.
    """

    display_name: str
    spec: str
    case_count: int
    request_id: str
    request_digest: str
    price: PriceRecord
    generator_version: str
    models: tuple[ModelRecord, ...]


@dataclass(frozen=True)
class CohortRecord:
    """A cohort as it stands; the fields are those of `tables.COHORTS`."""

    id: str
    display_name: str
    state: State
    run: int
    change: int
    spec: str
    request_id: str | None
    request_digest: str
    case_count: int
    cases_made: int
    size_bytes: int
    file_count: int
    price: PriceRecord
    rejections: Mapping[str, int]
    error_reason: str
    error_message: str
    withheld_reasons: tuple[str, ...]
    generator_version: str
    models: tuple[ModelRecord, ...]
    job_version: str
    created_s: float
    ended_s: float | None
    expires_s: float | None


@dataclass(frozen=True)
class CaseOutcome:
    """What one stored case adds to its cohort.

    Attributes:
        number: The case, from 0.
        size_bytes: Bytes of its files.
        rejections: Draws that the gate rejected, by reason.
        generator: What made it, for the counters.
    """

    number: int
    size_bytes: int
    rejections: Mapping[str, int]
    generator: str


def record_of(row: sa.Row[Any]) -> CohortRecord:
    """Returns a row of `tables.COHORTS` as a record.

    Args:
        row: Every column of the table.
    """
    values = {field.name: getattr(row, field.name) for field in fields(CohortRecord)}
    values["state"] = State(row.state)
    values["price"] = PriceRecord(**row.price)
    values["withheld_reasons"] = tuple(row.withheld_reasons)
    values["models"] = tuple(ModelRecord(**model) for model in row.models)
    return CohortRecord(**values)


def new_row(cohort_id: str, cohort: NewCohort) -> dict[str, object]:
    """Returns the columns of a new cohort, its times left out.

    Args:
        cohort_id: Its id.
        cohort: The checked request.
    """
    given = {field.name: getattr(cohort, field.name) for field in fields(NewCohort)}
    given |= {"request_id": cohort.request_id or None, "price": asdict(cohort.price)}
    given |= {"models": [asdict(model) for model in cohort.models]}
    start = {"state": State.QUEUED, "run": 1, "change": 0, "cases_made": 0, "size_bytes": 0, "file_count": 0}
    empty = {"rejections": {}, "error_reason": "", "error_message": "", "withheld_reasons": []}
    return {"id": cohort_id, **given, **start, **empty}
