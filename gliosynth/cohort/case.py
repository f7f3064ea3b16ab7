"""One case of a cohort: drawn, judged, drawn again if it must, and written. Pure: same spec and index, same bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gliosynth.anatomy import Anatomy
from gliosynth.cohort.anatomies.source import AnatomySource
from gliosynth.cohort.dataset.bids import manifest_path, subject_of
from gliosynth.cohort.dataset.case_files import case_files
from gliosynth.cohort.drawing import draw_case, networks_id
from gliosynth.cohort.gate import Finding, Segment, judge_case
from gliosynth.cohort.lineage import generator_id
from gliosynth.cohort.measurement import CaseMeasurement, measure_case
from gliosynth.cohort.measurement.geometry import geometry_of, load_frame, pack
from gliosynth.cohort.plain import to_json, to_plain
from gliosynth.cohort.recipe import donor_of, generator_of
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.cohort.summary import CaseFacts, CaseSummary, FileRecord, Reject
from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.errors import InvalidParameterError
from gliosynth.generation import GeneratorNetwork


@dataclass(frozen=True, eq=False)
class CaseArtefacts:
    """One finished case.

    Attributes:
        subject: ``"sub-0001"``.
        files: Bytes by path from the data set's root.
        summary: What remains when the files are written; write it last.
    """

    subject: str
    files: Mapping[str, bytes]
    summary: CaseSummary


@dataclass(frozen=True, eq=False)
class Draw:
    """One attempt at a case.

    Attributes:
        case: What was simulated.
        measurement: The same in numbers.
        findings: What the gate found.
    """

    case: SimulatedCase
    measurement: CaseMeasurement
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The rules that do not hold; none if the draw is accepted."""
        return tuple(finding for finding in self.findings if not finding.passed)


def make_case(
    spec: CohortSpec,
    index: int,
    *,
    anatomies: AnatomySource,
    segment: Segment | None,
    check: Callable[[], None],
    networks: Sequence[GeneratorNetwork] = (),
) -> CaseArtefacts:
    """Returns one accepted case; it depends on the spec and the index alone, not on other cases or the machine.

    What a network paints also depends on the engine that runs it, in its last bits.

    Args:
        spec: The cohort.
        index: Number of the case, from 0.
        anatomies: Gives the donors.
        segment: Reads the images again for the gate; None leaves that rule out, and the manifest says so.
        check: Called between the parts of the work; raises to stop it.
        networks: Paint the images, where the spec's generator is a network.

    Raises:
        InvalidParameterError: The index is outside the cohort, every attempt was refused (CASE_NEVER_ACCEPTED), or
            there is no network for the spec's generator (NO_NETWORK).
        ModelError: A network answers outside its contract.
    """
    _check_index(spec, index)
    _check_networks(spec, networks)
    donor = donor_of(spec, index, anatomies.names())
    anatomy = anatomies.load(donor)
    rejects: list[Reject] = []
    for attempt in range(spec.gate.attempts):
        check()
        case = draw_case(spec, anatomy, networks, rng=generator_of(spec, index, attempt), check=check)
        if isinstance(case, Finding):
            rejects.append(Reject(attempt, (case,)))
            continue
        draw = _judged(spec, case, segment)
        if draw.failures:
            rejects.append(Reject(attempt, draw.failures))
            continue
        check()
        return _finish(spec, draw, _facts(spec, index, donor, rejects, draw, segment), anatomy)
    raise _never_accepted(index, rejects)


def _judged(spec: CohortSpec, case: SimulatedCase, segment: Segment | None) -> Draw:
    """Returns a drawn case with its measurement and what the gate finds."""
    exact = measure_case(case.contrasts, case.labels, case.brain, case.tissues, spacing_mm=case.spacing_mm)
    # Rounded at once, so that a summary in memory equals the one that is read back.
    measurement = CaseMeasurement.from_dict(exact.to_dict())
    findings = judge_case(case, measurement, thresholds=spec.gate, volume_ml=spec.tumour.volume_ml, segment=segment)
    return Draw(case, measurement, findings)


def _facts(
    spec: CohortSpec, index: int, donor: str, rejects: Sequence[Reject], draw: Draw, segment: Segment | None
) -> CaseFacts:
    """Returns where an accepted draw comes from."""
    return CaseFacts(
        subject=subject_of(index),
        index=index,
        seed=spec.seed,
        attempt=len(rejects),
        rejects=tuple(rejects),
        findings=draw.findings,
        donor=donor,
        generator=generator_id(spec),
        networks=networks_id(draw.case.parameters),
        segmenter=None if segment is None else segment.digest,
        parameters=to_plain(draw.case.parameters),
    )


def _finish(spec: CohortSpec, draw: Draw, facts: CaseFacts, anatomy: Anatomy) -> CaseArtefacts:
    """Returns the accepted draw as files, with the manifest that lists them."""
    files = case_files(spec, facts.subject, draw.case)
    records = tuple(FileRecord.of(path, data) for path, data in files.items())
    manifest = to_json({"manifest_version": 1, **_manifest(facts), "files": records})
    path = manifest_path(facts.subject)
    summary = CaseSummary(
        facts=facts,
        files=(*records, FileRecord.of(path, manifest)),
        measurement=draw.measurement,
        donor_geometry=_geometry(spec, anatomy),
    )
    return CaseArtefacts(facts.subject, {**files, path: manifest}, summary)


def _geometry(spec: CohortSpec, anatomy: Anatomy) -> str | None:
    """Returns the geometry of a donor of the caller's own, by which memorisation is judged; None for built-in ones."""
    if anatomy.name not in {own.id for own in spec.anatomies.own}:
        return None
    found = geometry_of(anatomy.tissues, load_frame(), spacing_mm=(1.0, 1.0, 1.0))
    return None if found is None else pack(found)


def _manifest(facts: CaseFacts) -> dict[str, object]:
    """Returns the facts as the manifest words them."""
    plain = to_plain(facts)
    if not isinstance(plain, dict):
        raise TypeError("facts of a case are a mapping")
    return {**plain, "gate": "with segmenter" if facts.segmenter else "without segmenter"}


def _check_index(spec: CohortSpec, index: int) -> None:
    if not 0 <= index < spec.case_count:
        raise InvalidParameterError(
            f"the cohort has the cases 0 to {spec.case_count - 1}, there is no case {index}",
            field="index",
            got=str(index),
        )


def _check_networks(spec: CohortSpec, networks: Sequence[GeneratorNetwork]) -> None:
    if spec.generator.is_network and not networks:
        raise InvalidParameterError(
            f"generator: {spec.generator.value} is a network, and none was given; load it from a model repository",
            field="generator",
            got=spec.generator.value,
            reason="NO_NETWORK",
        )


def _never_accepted(index: int, rejects: list[Reject]) -> InvalidParameterError:
    """Returns the error of a case that no attempt made acceptable, with the reasons and how often each came."""
    counts: dict[str, int] = {}
    for reject in rejects:
        for finding in reject.findings:
            counts[finding.rule] = counts.get(finding.rule, 0) + 1
    reasons = ", ".join(f"{rule} {count}x" for rule, count in sorted(counts.items()))
    return InvalidParameterError(
        f"case {index}: all {len(rejects)} draws were refused ({reasons}); widen the gate's thresholds or the tumour's"
        " volumes, or allow more attempts",
        field="gate",
        got=reasons,
        reason="CASE_NEVER_ACCEPTED",
    )
