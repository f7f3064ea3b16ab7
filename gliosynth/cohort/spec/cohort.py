"""The cohort spec: one document that says what a cohort is, checked before anything starts."""

import json
from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError
from pydantic import model_validator as check_model
from pydantic_core import ErrorDetails

from gliosynth.cohort.section import Section
from gliosynth.cohort.spec.documents import read_document
from gliosynth.cohort.spec.generators import Generator, ManipulationSection
from gliosynth.cohort.spec.sections import (
    Anatomies,
    Formats,
    GridSection,
    ImageFormat,
    ScannerSection,
    TumourSection,
)
from gliosynth.cohort.spec.thresholds import GateThresholds, ReleaseSection
from gliosynth.errors import FieldViolation, InvalidSpecError

MOST_CASES: Final = 10_000
"""Most cases of one cohort."""

LARGEST_COHORT_BYTES: Final = 1 << 40
"""Most bytes that a cohort may need before compression (1 TiB)."""

LONGEST_GOT: Final = 120
"""Characters of an offending value that a message repeats."""

SCHEMA_ID: Final = "https://gliosynth.dev/schemas/cohort-spec.schema.json"
"""Identifier of the published JSON schema; a name, not an address to fetch."""


class CohortSpec(Section):
    """A cohort of synthetic cases: the same spec makes the same bytes, case by case, in any order, anywhere."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$")]
    """Name of the data set: letters, digits, space, dot, hyphen and underscore, at most 63."""
    case_count: Annotated[int, Field(ge=1, le=MOST_CASES)]
    """Number of accepted cases in the data set."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Every random draw follows from it, the number of the case and the number of the attempt."""
    anatomies: Anatomies = Anatomies()
    """Whose heads the cases are made from."""
    tumour: TumourSection = TumourSection()
    """What the tumours are like."""
    scanner: ScannerSection = ScannerSection()
    """What the scanners are like."""
    generator: Generator = Generator.SIMULATOR
    """What makes the images: signal equations, or a network of the server's model repository."""
    manipulation: ManipulationSection | None = None
    """How tumours are moved before a network paints them; absent: as in its fields' defaults. Only with a network: the
    simulator grows tumours where they are."""
    grid: GridSection = GridSection()
    """Grid of every image."""
    formats: Formats = Formats()
    """How files are written."""
    gate: GateThresholds = GateThresholds()
    """What a case must fulfil; a case that does not is drawn again."""
    release: ReleaseSection = ReleaseSection()
    """What the cohort as a whole must fulfil before it leaves."""

    @check_model(mode="after")
    def _check(self) -> Self:
        if self.manipulation is not None and not self.generator.is_network:
            raise ValueError(
                f"must leave out manipulation with the generator {self.generator.value}, which grows tumours where they"
                " are; name a network's generator, or a place in tumour"
            )
        size = 2 if self.formats.image is ImageFormat.INT16 else 4
        total = self.case_count * self.grid.voxel_count * (4 * size + 3)
        if total > LARGEST_COHORT_BYTES:
            raise ValueError(
                f"must stay below {LARGEST_COHORT_BYTES} bytes before compression, {self.case_count} cases of"
                f" {self.grid.voxel_count} voxels are {total}: ask for fewer cases or a smaller grid"
            )
        return self

    def to_json(self) -> bytes:
        """Returns the spec with every default written out, indented UTF-8 JSON; `parse_spec` reads it back."""
        return (self.model_dump_json(indent=2) + "\n").encode()


def parse_spec(document: bytes | str | Mapping[str, object]) -> CohortSpec:
    """Returns the spec in a JSON or YAML document.

    Args:
        document: JSON or YAML text (at most 1 MiB), or its content.

    Raises:
        InvalidSpecError: The text is neither, or fields break rules; its violations name each field, rule and value.
    """
    content = document if isinstance(document, Mapping) else read_document(document)
    try:
        return _filled_in(CohortSpec.model_validate_json(json.dumps(content, default=str)))
    except ValidationError as error:
        raise _spec_error(error) from None


def _filled_in(spec: CohortSpec) -> CohortSpec:
    """Returns a spec with what follows from its own fields: what its release expects, and how its tumours move."""
    filled = _with_expectations(spec)
    if filled.generator.is_network and filled.manipulation is None:
        return filled.model_copy(update={"manipulation": ManipulationSection()})
    return filled


def _with_expectations(spec: CohortSpec) -> CohortSpec:
    """Returns a spec whose release expects the tumour volumes that it asks for, where it says nothing else.

    A cohort of small tumours that was ordered as such is then not kept back for being small.
    """
    asked, volume = spec.tumour.volume_ml.model_fields_set, spec.tumour.volume_ml
    expected = {"volume_median_ml": ("median", volume.median), "volume_log_sd": ("log_sd", volume.log_sd)}
    update = {
        field: value
        for field, (source, value) in expected.items()
        if source in asked and field not in spec.release.model_fields_set
    }
    return spec.model_copy(update={"release": spec.release.model_copy(update=update)})


def json_schema() -> dict[str, object]:
    """Returns the JSON schema of a spec (draft 2020-12), as published in ``cohort-spec.schema.json``."""
    schema = CohortSpec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def _spec_error(error: ValidationError) -> InvalidSpecError:
    """Returns the error that names every violation of a validation."""
    violations = tuple(
        FieldViolation(
            field=_path(found["loc"]) or "(document)",
            rule=_rule(found["type"], found["msg"]),
            got=_shorten(found["input"]) if found["type"] != "missing" else "nothing",
        )
        for found in _causes(error)
    )
    lines = "; ".join(f"{one.field} {one.rule}, got {one.got}" for one in violations)
    return InvalidSpecError(f"the cohort spec breaks {len(violations)} rule(s): {lines}", violations=violations)


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Returns the violations without those that only follow from others: a list is too short without its bad items."""
    found = error.errors(include_url=False)
    return [
        one
        for one in found
        if one["type"] != "too_short"
        or not any(
            len(other["loc"]) > len(one["loc"]) and other["loc"][: len(one["loc"])] == one["loc"] for other in found
        )
    ]


def _path(location: tuple[int | str, ...]) -> str:
    """Returns ``"anatomies.own[0].labels"`` for a location; pydantic's marks of union members are left out."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step != "[key]" and not step.endswith("]"):
            path += f".{step}" if path else step
    return path


def _rule(kind: str, message: str) -> str:
    """Returns a validation's message as the rest of a sentence: ``"must be at most ..."``."""
    if kind == "extra_forbidden":
        return "is no field of a cohort spec"
    if kind == "missing":
        return "must be given"
    rule = message.removeprefix("Value error, ")
    return rule.replace("Input should ", "must ", 1) if rule.startswith("Input should ") else rule


def _shorten(value: object) -> str:
    """Returns a value as text of bounded length."""
    text = json.dumps(value, default=str) if not isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST_GOT else text[: LONGEST_GOT - 3] + "..."
