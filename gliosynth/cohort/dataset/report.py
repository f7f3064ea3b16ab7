"""The cohort's report for people: verdict, distributions, fidelity, memorisation, pictures."""

from collections.abc import Callable, Sequence

from gliosynth.cohort.dataset.bids import panel_path
from gliosynth.cohort.dataset.data_card import reject_counts
from gliosynth.cohort.dataset.origin import Origin, origin_of
from gliosynth.cohort.dataset.verdict import Verdict
from gliosynth.cohort.judgement import CohortFacts, case_caption, cohort_page, shown_cases
from gliosynth.cohort.spec import CohortSpec
from gliosynth.cohort.summary import CaseSummary
from gliosynth.report.cohort import CaseTile, cohort_report


def report_html(
    spec: CohortSpec, summaries: Sequence[CaseSummary], verdict: Verdict, *, read: Callable[[str], bytes]
) -> bytes:
    """Returns the report as one self-contained HTML page.

    Args:
        spec: The cohort.
        summaries: One for each case, by index.
        verdict: Whether it leaves.
        read: Gives a case's file by its path; only the pictures that are shown are read.
    """
    origin = origin_of(spec, summaries)
    page = cohort_page(
        verdict.judgement,
        [summary.measurement for summary in summaries],
        thresholds=spec.release,
        facts=CohortFacts(
            name=spec.name,
            sentence=sentence_of(spec),
            rejects=dict(reject_counts(summaries).rows),
            lineage=_lineage(spec, summaries, origin),
            origin=origin.limit,
            further_reasons=verdict.lineage_reasons,
            enforced=spec.release.enforce,
        ),
        tiles=[_tile(summaries[index], read) for index in shown_cases(spec.case_count, seed=spec.seed)],
    )
    return cohort_report(page).encode()


def sentence_of(spec: CohortSpec) -> str:
    """Returns the spec in a sentence."""
    x, y, z = spec.grid.shape
    spacing = " x ".join(f"{edge:g}" for edge in spec.grid.spacing_mm)
    volume = spec.tumour.volume_ml
    painter = f", painted by the generator {spec.generator.value}" if spec.generator.is_network else ""
    own = len(spec.anatomies.own)
    return (
        f"{spec.case_count} synthetic cases on {x} x {y} x {z} voxels of {spacing} mm, scanners"
        f" {spec.scanner.preset.value}, tumours with a median of {volume.median:g} ml ({volume.smallest:g} to"
        f" {volume.largest:g} ml), {100 * spec.tumour.free_share:g} % without a tumour"
        f"{f', on {own} label maps of the owner' if own else ''}{painter}; seed {spec.seed}."
    )


def _tile(summary: CaseSummary, read: Callable[[str], bytes]) -> CaseTile:
    subject = summary.facts.subject
    return CaseTile(title=subject, caption=case_caption(summary.measurement), picture=read(panel_path(subject)))


def _lineage(spec: CohortSpec, summaries: Sequence[CaseSummary], origin: Origin) -> tuple[tuple[str, str], ...]:
    """Returns what made the cohort, label and value."""
    segmenters = sorted({summary.facts.segmenter or "none" for summary in summaries})
    donors = sorted({summary.facts.donor for summary in summaries})
    networks = tuple((f"Network {one.name}", f"{one.text}; trained on {one.trained_on}") for one in origin.networks)
    return (
        ("Generator", ", ".join(sorted({summary.facts.generator for summary in summaries}))),
        *networks,
        ("Segmenter of the gate", ", ".join(segmenters)),
        ("Anatomy donors", f"{len(donors)}: {', '.join(donors)}"),
        ("Seed", str(spec.seed)),
    )
