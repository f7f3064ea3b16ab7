"""The data set around the cases: descriptions, participants, data card, digests and verdict. No clock in any file."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gliosynth import __version__
from gliosynth.anatomy import Tissue
from gliosynth.cohort.dataset.bids import BIDS_VERSION, PIPELINE, TISSUE, TUMOUR, label_table
from gliosynth.cohort.dataset.data_card import data_card, readme, reject_counts
from gliosynth.cohort.dataset.licences import licence_files, licence_of, uses_built_in
from gliosynth.cohort.dataset.participants import participants_json, participants_tsv
from gliosynth.cohort.dataset.report import report_html
from gliosynth.cohort.dataset.verdict import Verdict, verdict_of
from gliosynth.cohort.plain import to_json
from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.cohort.spec.sections import tissue_name
from gliosynth.cohort.summary import CaseSummary, FileRecord
from gliosynth.errors import InvalidCaseError
from gliosynth.labels import Label

SPEC_PATH: Final = "cohort-spec.json"
"""The spec with every default written out."""

REPORT_PATH: Final = "report.html"
"""The report for people."""

SUMS_PATH: Final = "SHA256SUMS"
"""Digests of all files but itself, as ``sha256sum --check`` reads them."""

COHORT_PATH: Final = f"{PIPELINE}/cohort.json"
"""The cohort's manifest."""

IGNORED: Final = (SPEC_PATH, REPORT_PATH, SUMS_PATH, "DATACARD.md", "NOTICE")
"""Files at the root that BIDS has no name for."""

DERIVATIVES_IGNORED: Final = ("cohort.json", "*_manifest.json", "figures")
"""The same among the labels."""

LABELS: Final = (
    (int(Label.NCR), "Necrotic and non-enhancing tumour core", "NCR"),
    (int(Label.ED), "Peritumoral oedema and infiltration", "ED"),
    (int(Label.ET), "Enhancing tumour", "ET"),
)
"""Index, name and abbreviation of the tumour labels (BraTS 2023)."""


SYNTHSEG: Final = MappingProxyType({"URL": "https://github.com/BBillot/SynthSeg", "Version": "66342c1"})
"""Where the anatomies that ship with the library come from."""

DERIVATIVES_README: Final = (
    b"Labels, masks, manifests and pictures of the synthetic cases; the README one level above the derivatives says"
    b" more.\n"
)
"""README of the labels' folder."""


@dataclass(frozen=True, eq=False)
class DatasetArtefacts:
    """What completes a data set.

    Attributes:
        files: Bytes by path from the data set's root.
        verdict: Whether the cohort leaves, and why not.
    """

    files: Mapping[str, bytes]
    verdict: Verdict


def finish_dataset(
    spec: CohortSpec,
    summaries: Sequence[CaseSummary],
    *,
    read: Callable[[str], bytes],
) -> DatasetArtefacts:
    """Returns the files around the cases; the same summaries give the same bytes, in whatever order they come.

    Args:
        spec: The cohort.
        summaries: One for each case.
        read: Gives a case's file by its path; the report shows some of the pictures.

    Raises:
        InvalidCaseError: A case is missing, comes twice, or was made by another generator than the others.
    """
    ordered = _ordered(spec, summaries)
    verdict = verdict_of(spec, ordered)
    files = {
        "dataset_description.json": to_json(_description(spec, ordered)),
        ".bidsignore": _lines(IGNORED),
        "participants.tsv": participants_tsv(ordered),
        "participants.json": participants_json(),
        "README.md": readme(spec, ordered, verdict),
        "DATACARD.md": data_card(spec, ordered, verdict),
        SPEC_PATH: spec.to_json(),
        REPORT_PATH: report_html(spec, ordered, verdict, read=read),
        f"{PIPELINE}/dataset_description.json": to_json(_derivatives_description(ordered)),
        f"{PIPELINE}/README.md": DERIVATIVES_README,
        f"{PIPELINE}/.bidsignore": _lines(DERIVATIVES_IGNORED),
        f"{PIPELINE}/desc-{TUMOUR}_dseg.tsv": label_table(LABELS),
        f"{PIPELINE}/desc-{TISSUE}_dseg.tsv": label_table(_tissue_labels()),
        **licence_files(spec),
    }
    records = [FileRecord.of(path, data) for path, data in files.items()]
    files[COHORT_PATH] = to_json(_manifest(spec, ordered, verdict, records))
    return DatasetArtefacts({**files, SUMS_PATH: _sums(files, ordered)}, verdict)


def _ordered(spec: CohortSpec, summaries: Sequence[CaseSummary]) -> tuple[CaseSummary, ...]:
    """Returns the summaries by index, or refuses them where they are not one for each case."""
    ordered = tuple(sorted(summaries, key=lambda summary: summary.facts.index))
    indices = [summary.facts.index for summary in ordered]
    if indices != list(range(spec.case_count)):
        missing = sorted(set(range(spec.case_count)) - set(indices))[:5]
        raise InvalidCaseError(
            f"a data set of {spec.case_count} cases needs a summary of each, {len(indices)} were given"
            f" (missing: {missing or 'none'}); make the missing cases and give each once",
            field="summaries",
            got=f"{len(indices)} summaries",
        )
    return ordered


def _description(spec: CohortSpec, summaries: Sequence[CaseSummary]) -> dict[str, object]:
    """Returns the data set's ``dataset_description.json``."""
    return {
        "Name": spec.name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": licence_of(spec),
        "Authors": ["The authors of gliosynth", *_donor_authors(spec)],
        "HowToAcknowledge": "Name gliosynth and its version; NOTICE says whom else to cite.",
        "GeneratedBy": [_generated_by(summaries)],
        "SourceDatasets": _sources(spec),
    }


def _derivatives_description(summaries: Sequence[CaseSummary]) -> dict[str, object]:
    """Returns the ``dataset_description.json`` of the labels."""
    return {
        "Name": "Labels, masks and manifests of the synthetic cases",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [_generated_by(summaries)],
        "SourceDatasets": [{"URL": "../../"}],
    }


def _donor_authors(spec: CohortSpec) -> tuple[str, ...]:
    """Returns whose label maps the heads are made from."""
    built_in = ("The authors of SynthSeg (label maps)",) if uses_built_in(spec) else ()
    return (*built_in, "The owners of the label maps") if spec.anatomies.own else built_in


def _sources(spec: CohortSpec) -> list[dict[str, object]]:
    """Returns where the anatomies come from."""
    built_in: list[dict[str, object]] = [dict(SYNTHSEG)] if uses_built_in(spec) else []
    own: list[dict[str, object]] = [{"URL": f"urn:gliosynth:label-map:{own.id}"} for own in spec.anatomies.own]
    return [*built_in, *own]


def _generated_by(summaries: Sequence[CaseSummary]) -> dict[str, object]:
    generators = sorted({text for one in summaries for text in (one.facts.generator, one.facts.networks) if text})
    return {"Name": "gliosynth", "Version": __version__, "Description": ", ".join(generators)}


def _lines(texts: Sequence[str]) -> bytes:
    """Returns texts as the lines of a file."""
    return "".join(f"{text}\n" for text in texts).encode()


def _tissue_labels() -> tuple[tuple[int, str, str], ...]:
    """Returns index, name and abbreviation of every tissue but the background."""
    return tuple((int(tissue), tissue_name(tissue), tissue.name) for tissue in Tissue if tissue)


def _manifest(
    spec: CohortSpec, summaries: Sequence[CaseSummary], verdict: Verdict, records: Sequence[FileRecord]
) -> dict[str, object]:
    """Returns the cohort's manifest: lineage, verdict, and every file with its digest."""
    return {
        "manifest_version": 1,
        "name": spec.name,
        "case_count": spec.case_count,
        "seed": spec.seed,
        "gliosynth": __version__,
        "generators": sorted({summary.facts.generator for summary in summaries}),
        "networks": sorted({summary.facts.networks for summary in summaries if summary.facts.networks}),
        "segmenters": sorted({summary.facts.segmenter for summary in summaries if summary.facts.segmenter}),
        "anatomy_donors": dict(Counter(summary.facts.donor for summary in summaries)),
        "rejected_draws": dict(reject_counts(summaries).rows),
        "released": verdict.released,
        "reasons": verdict.reasons,
        "files": [*records, *(record for summary in summaries for record in summary.files)],
    }


def _sums(files: Mapping[str, bytes], summaries: Sequence[CaseSummary]) -> bytes:
    """Returns the digests of all files, sorted by path."""
    records = [FileRecord.of(path, data) for path, data in files.items()]
    records += [record for summary in summaries for record in summary.files]
    return "".join(f"{one.sha256}  {one.path}\n" for one in sorted(records, key=lambda one: one.path)).encode()
