"""``gliosynth preprocess``: four contrasts in, four normalised ones and a brain mask out, on one 1 mm grid."""

from pathlib import Path
from typing import Annotated

import typer

from gliosynth.cli import case_options, options
from gliosynth.cli.case_options import case_of, errors_name_files
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import OUT, progress_bar
from gliosynth.cli.documents import preprocessing_json
from gliosynth.cli.outputs import write_files
from gliosynth.client import CasePayload
from gliosynth.labels import Contrast


def preprocess(
    case_folder: case_options.CaseArgument = None,
    t1n: case_options.T1nOption = None,
    t1c: case_options.T1cOption = None,
    t2w: case_options.T2wOption = None,
    t2f: case_options.T2fOption = None,
    brain_mask: case_options.BrainMaskOption = None,
    out: options.OutOption = Path("out"),
    case_id: Annotated[str, typer.Option("--case-id", help="What to call the results.")] = "",
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Register, resample to 1 mm, skull-strip and normalise a case.

    Writes CASE_t1n.nii.gz, _t1c, _t2w, _t2f (z-scores in the brain, 0 outside), CASE_brain_mask.nii.gz and
    CASE_preprocessing.json, all or none of them.
    """
    contrasts = {Contrast.T1N: t1n, Contrast.T1C: t1c, Contrast.T2W: t2w, Contrast.T2F: t2f}
    files = case_of(case_folder, contrasts, case_id=case_id)
    payload = CasePayload.from_files(files, brain_mask=brain_mask)
    with (
        Connection(server, timeout, model_repository, tls_ca).open() as client,
        errors_name_files(files),
        progress_bar(files.case_id) as show,
    ):
        result = client.preprocess(payload, on_progress=show)
    documents = {f"{files.case_id}_preprocessing.json": preprocessing_json(files.case_id, result)}
    images = {f"{files.case_id}_{name}.nii.gz": data for name, data in result.files.items()}
    for path in write_files(out, {**images, **documents}):
        OUT.print(str(path), soft_wrap=True)
