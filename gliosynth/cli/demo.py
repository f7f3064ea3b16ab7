"""``gliosynth demo``: two real gliomas go in over gRPC, three synthetic ones come out, each with its report."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from gliosynth import __version__
from gliosynth.cli import options
from gliosynth.cli.cohort_local import make_locally
from gliosynth.cli.cohort_views import exit_for
from gliosynth.cli.connection import CHECKOUT, Connection
from gliosynth.cli.console import OUT
from gliosynth.cli.evaluate import scores_table
from gliosynth.cli.evaluation import EvaluatedCase, evaluate_case
from gliosynth.cli.outputs import write_files
from gliosynth.cli.report_content import report_case
from gliosynth.cli.segment import SegmentedCase, outputs_of, print_flags, regions_table, segment_case
from gliosynth.client import CasePayload, GliosynthClient, find_case
from gliosynth.report.content import Report, ReportCase
from gliosynth.report.page import report_html


@dataclass(frozen=True)
class DemoCase:
    """One of the example cases.

    Attributes:
        folder: Its folder below the examples.
        description: What a reader should know about it.
        citation: Where it comes from, and its licence.
    """

    folder: str
    description: str
    citation: str


DEMO_CASES: Final = (
    DemoCase(
        "TCGA-FG-6692",
        "A lower-grade glioma as it came from the scanner: four two-dimensional axial contrasts with 5.5 mm slices on"
        " grids of their own, not registered to each other, the head not skull-stripped (only de-faced). There are no"
        " expert labels. The result lies on the grid of the T1 with contrast agent.",
        "TCGA-FG-6692, TCGA-LGG collection, The Cancer Imaging Archive, CC BY 3.0. Pedano et al. (2016),"
        " doi:10.7937/K9/TCIA.2016.L4LTD3TK. Files from BrainLesion/tutorials, de-faced and renamed.",
    ),
    DemoCase(
        "Brats18_TCIA02_370_1",
        "A high-grade glioma of the BraTS 2018 training set (TCGA-06-0185): co-registered, skull-stripped, 1 mm. Its"
        " expert labels judge the result beside a plain threshold. No model was trained on it or chosen by it; it is"
        " one of the seven cases whose region medians the simulator's ranges were calibrated with.",
        "TCGA-06-0185, TCGA-GBM collection, The Cancer Imaging Archive, CC BY 3.0. Bakas et al., Scientific Data"
        " 4:170117 (2017); Bakas et al., TCIA (2017), doi:10.7937/K9/TCIA.2017.KLXWJJ1Q; Menze et al., IEEE TMI"
        " 34:1993-2024 (2015); Scarpace et al., TCGA-GBM, TCIA.",
    ),
)
"""A case in native space, and one with expert labels."""

COHORT_SPEC: Final = Path("cohorts") / "demo.yaml"
"""The synthetic cohort of the demo, below the examples."""

COHORT_WORKERS: Final = 2
"""Processes that make it."""


def demo(
    out: options.OutOption = Path("demo"),
    cases: Annotated[
        Path | None, typer.Option("--cases", exists=True, file_okay=False, help="Folder of the example cases.")
    ] = None,
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Segment two real gliomas over gRPC, score the labelled one, and make a small synthetic cohort on this machine."""
    folder = cases or CHECKOUT / "examples" / "cases"
    with Connection(server, timeout, model_repository, tls_ca).open() as client:
        reported = [_run(client, folder / case.folder, case, out) for case in DEMO_CASES]
    created = datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")
    page = report_html(Report(tuple(reported), __version__, created, "gliosynth demo"))
    for path in write_files(out, {"report.html": page.encode()}):
        OUT.print(f"\nReport: {path}\n", markup=False, soft_wrap=True)
    _make_cohort(CHECKOUT / "examples" / COHORT_SPEC, out / "cohort", model_repository)


def _make_cohort(spec: Path, out: Path, model_repository: Path | None) -> None:
    """Makes the synthetic cohort into a folder; that of an earlier demo is replaced."""
    if (out / "cohort-spec.json").is_file():
        shutil.rmtree(out)
    cohort = make_locally(spec.read_bytes(), out, workers=COHORT_WORKERS, model_repository=model_repository)
    exit_for(cohort)
    OUT.print(f"\nCohort: {out / 'report.html'}", markup=False, soft_wrap=True)


def _run(client: GliosynthClient, folder: Path, case: DemoCase, out: Path) -> ReportCase:
    files = find_case(folder)
    evaluated: EvaluatedCase | None = None
    if files.labels is None:
        done = segment_case(client, files, CasePayload.from_files(files))
    else:
        evaluated = evaluate_case(client, files)
        done = evaluated.segmented
    write_files(out, outputs_of(done))
    _print(done, evaluated)
    return report_case(done, description=case.description, citation=case.citation, evaluated=evaluated)


def _print(done: SegmentedCase, evaluated: EvaluatedCase | None) -> None:
    OUT.print()
    OUT.print(regions_table(done))
    print_flags(done.result)
    if evaluated is not None:
        OUT.print(scores_table([evaluated]))
