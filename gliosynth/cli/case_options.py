"""The case of a command line: a folder in any BraTS naming, or four files."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from gliosynth.cli.file_errors import naming_files
from gliosynth.client import CaseFiles, find_case
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast

CaseArgument = Annotated[
    Path | None, typer.Argument(metavar="[CASE_FOLDER]", help="Folder with the four contrasts, in any BraTS naming.")
]
"""Folder of the case."""

T1nOption = Annotated[Path | None, typer.Option("--t1n", help="T1-weighted file, instead of CASE_FOLDER.")]
T1cOption = Annotated[Path | None, typer.Option("--t1c", help="T1-weighted file with contrast agent.")]
T2wOption = Annotated[Path | None, typer.Option("--t2w", help="T2-weighted file.")]
T2fOption = Annotated[Path | None, typer.Option("--t2f", help="T2-FLAIR file.")]
BrainMaskOption = Annotated[
    Path | None, typer.Option("--brain-mask", help="Brain mask on the t1c's grid; replaces skull stripping.")
]
"""Brain mask of the caller."""


def case_of(folder: Path | None, files: Mapping[Contrast, Path | None], *, case_id: str) -> CaseFiles:
    """Returns the case that a command line names.

    Args:
        folder: Folder of the case, or None.
        files: A file for each contrast, or None.
        case_id: What to call the results; ``""`` for the name that the files share, or ``case``.

    Raises:
        InvalidParameterError: Neither a folder nor four files are given, or both are.
        InvalidCaseError: The folder does not hold exactly one case.
    """
    given = {contrast: path for contrast, path in files.items() if path is not None}
    if folder is not None and given:
        raise InvalidParameterError("give a case folder or the four files, not both", field="CASE_FOLDER")
    if folder is not None:
        found = find_case(folder)
        return CaseFiles(case_id or found.case_id, found.contrasts, found.labels)
    missing = [f"--{contrast.value}" for contrast in CONTRASTS if contrast not in given]
    if missing:
        raise InvalidParameterError(
            f"the case is incomplete: {', '.join(missing)} missing; give a case folder or all four files",
            field=missing[0],
        )
    return CaseFiles(case_id or "case", given)


def errors_name_files(case: CaseFiles) -> AbstractContextManager[None]:
    """Returns a context in which an error names the file that it is about, see `naming_files`.

    Args:
        case: Where the volumes came from.
    """
    return naming_files({contrast.value: path for contrast, path in case.contrasts.items()})
