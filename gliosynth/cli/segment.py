"""``gliosynth segment``: four contrasts in, a label map, a JSON and a picture out."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gliosynth.cli import case_options, options
from gliosynth.cli.case_options import case_of, errors_name_files
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import ERR, OUT, progress_bar
from gliosynth.cli.documents import segmentation_json
from gliosynth.cli.outputs import write_files
from gliosynth.cli.pictures import scene_of
from gliosynth.client import CaseFiles, CasePayload, GliosynthClient, SegmentationResult
from gliosynth.labels import Contrast
from gliosynth.report.overlay import overlay_png
from gliosynth.report.palette import REGION_NAMES


@dataclass(frozen=True)
class SegmentedCase:
    """A case and what became of it.

    Attributes:
        files: Where its volumes lie.
        payload: What was sent.
        result: What came back.
        seconds: Wall-clock seconds of the request.
    """

    files: CaseFiles
    payload: CasePayload
    result: SegmentationResult
    seconds: float


def segment(
    case_folder: case_options.CaseArgument = None,
    t1n: case_options.T1nOption = None,
    t1c: case_options.T1cOption = None,
    t2w: case_options.T2wOption = None,
    t2f: case_options.T2fOption = None,
    brain_mask: case_options.BrainMaskOption = None,
    out: options.OutOption = Path("out"),
    case_id: Annotated[str, typer.Option("--case-id", help="What to call the results.")] = "",
    model: Annotated[str, typer.Option("--model", help="Family of models. Default: the server's.")] = "",
    model_version: Annotated[str, typer.Option("--model-version", help="Their version. Default: the newest.")] = "",
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Segment the tumour of a case on the grid of its T1 with contrast agent.

    Writes CASE_seg.nii.gz (1 NCR, 2 ED, 3 ET), CASE.json (volumes, quality flags, models, steps, times) and
    CASE_overlay.png, all or none of them.
    """
    contrasts = {Contrast.T1N: t1n, Contrast.T1C: t1c, Contrast.T2W: t2w, Contrast.T2F: t2f}
    files = case_of(case_folder, contrasts, case_id=case_id)
    payload = CasePayload.from_files(files, brain_mask=brain_mask)
    with Connection(server, timeout, model_repository, tls_ca).open() as client:
        done = segment_case(client, files, payload, model=model, model_version=model_version)
    paths = write_files(out, outputs_of(done))
    OUT.print(regions_table(done))
    print_flags(done.result)
    for path in paths:
        OUT.print(str(path), soft_wrap=True)


def segment_case(
    client: GliosynthClient, files: CaseFiles, payload: CasePayload, *, model: str = "", model_version: str = ""
) -> SegmentedCase:
    """Returns a case segmented by the server, with a progress bar meanwhile.

    Args:
        client: Connection to the server.
        files: Where the volumes came from, for messages.
        payload: What to send.
        model: Family of models, or ``""``.
        model_version: Their version, or ``""``.

    Raises:
        GliosynthError: As in `GliosynthClient.segment`, naming the file.
    """
    start_s = time.perf_counter()
    with errors_name_files(files), progress_bar(files.case_id) as show:
        result = client.segment(payload, on_progress=show, model=model, model_version=model_version)
    return SegmentedCase(files, payload, result, time.perf_counter() - start_s)


def outputs_of(done: SegmentedCase) -> dict[str, bytes]:
    """Returns the contents of the three files of a case, by name.

    Args:
        done: The segmented case.
    """
    case_id = done.files.case_id
    scene = scene_of(done.payload, done.result.labels, steps=done.result.steps)
    return {
        f"{case_id}_seg.nii.gz": done.result.labels_nifti,
        f"{case_id}.json": segmentation_json(case_id, done.result, seconds=done.seconds),
        f"{case_id}_overlay.png": overlay_png(scene),
    }


def regions_table(done: SegmentedCase) -> Table:
    """Returns the volumes of a case as a table.

    Args:
        done: The segmented case.
    """
    table = Table(title=f"{done.files.case_id} ({done.seconds:.1f} s)", title_justify="left")
    table.add_column("Region")
    table.add_column("Volume (ml)", justify="right")
    table.add_column("Centre, RAS+ (mm)", justify="right")
    for region in done.result.regions:
        centre = "not found"
        if region.centroid_mm is not None:
            centre = ", ".join(f"{value:.1f}" for value in region.centroid_mm)
        table.add_row(f"{region.region.value}  {REGION_NAMES[region.region]}", f"{region.volume_ml:.2f}", centre)
    return table


def print_flags(result: SegmentationResult) -> None:
    """Prints what should be looked at, warnings first, on standard error.

    Args:
        result: The segmented case.
    """
    for flag in sorted(result.flags, key=lambda flag: not flag.is_warning):
        style = "bold yellow" if flag.is_warning else "dim"
        ERR.print(f"{'warning' if flag.is_warning else 'note'}: {flag.message}", style=style, markup=False)
