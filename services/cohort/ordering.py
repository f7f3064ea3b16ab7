"""An order for a cohort: the spec checked in full and priced, before anything starts."""

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.lineage import generator_id
from gliosynth.cohort.price import price_of
from gliosynth.cohort.spec import CohortSpec, parse_spec
from gliosynth.errors import FieldViolation, InvalidInputError, InvalidSpecError
from gliosynth.v1 import cohort_pb2
from services.cohort import convert, parameters
from services.cohort.backend import Backend
from services.cohort.jobs.records import NewCohort, PriceRecord
from services.cohort.making.gate import gate_models
from services.cohort.making.generator import generator_models


def order_of(request: cohort_pb2.CreateCohortRequest, backend: Backend) -> NewCohort:
    """Returns the checked order.

    Args:
        request: As received.
        backend: Knows the uploaded label maps, the models and the workers.

    Raises:
        InvalidSpecError: The spec breaks rules, or its grid those of its generator.
        ModelError: A model of the generator is none.
        InvalidParameterError: The request id is none.
        UnknownModelError: The repository lacks a model of the gate, or of the spec's generator.
        StorageError: The store cannot be read.
    """
    request_id = parameters.checked_request_id(request.request_id)
    spec = parse_spec(request.spec)
    _check_own_anatomies(spec, backend)
    return NewCohort(
        display_name=spec.name,
        spec=spec.to_json().decode(),
        case_count=spec.case_count,
        request_id=request_id,
        request_digest=parameters.digest_of(request),
        price=_price(spec, workers=max(1, backend.settings.cohort_workers)),
        generator_version=generator_id(spec),
        models=(*generator_models(backend.settings, spec), *gate_models(backend.settings)),
    )


def preview_message(order: NewCohort) -> cohort_pb2.Cohort:
    """Returns what would be made, as the answer to `validate_only`.

    Args:
        order: The checked order.
    """
    return cohort_pb2.Cohort(
        display_name=order.display_name,
        spec=order.spec.encode(),
        case_count=order.case_count,
        price=convert.price_message(order.price),
        generator_version=order.generator_version,
        models=convert.model_messages(order.models),
    )


def _price(spec: CohortSpec, *, workers: int) -> PriceRecord:
    price = price_of(spec, workers=workers)
    return PriceRecord(price.seconds, price.bytes, price.memory_bytes)


def _check_own_anatomies(spec: CohortSpec, backend: Backend) -> None:
    """Refuses own label maps that are not there or whose labels are not all mapped, one violation for each."""
    if not spec.anatomies.own:
        return
    anatomies = SpecAnatomies(spec, backend.house.label_maps.read)
    violations = []
    for index, own in enumerate(spec.anatomies.own):
        try:
            anatomies.load(own.id)
        except InvalidInputError as error:
            violations.append(FieldViolation(f"anatomies.own[{index}]", str(error), error.got or own.id))
    if violations:
        lines = "; ".join(f"{one.field}: {one.rule}" for one in violations)
        raise InvalidSpecError(f"the cohort spec cannot be used: {lines}", violations=tuple(violations))
