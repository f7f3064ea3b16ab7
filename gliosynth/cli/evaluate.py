"""``gliosynth evaluate``: every labelled case below a folder, scored beside the threshold baseline."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from gliosynth import __version__
from gliosynth.case_files import has_labels
from gliosynth.cli import options
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import ERR, OUT
from gliosynth.cli.evaluation import EvaluatedCase, evaluate_case
from gliosynth.cli.outputs import write_files
from gliosynth.client import CaseFiles, find_case, find_case_folders
from gliosynth.errors import InvalidCaseError
from gliosynth.labels import REGIONS
from gliosynth.metrics import CaseScores, RegionScores

LARGE_ET_ML: Final = 5.0
"""Enhancing tumour above this volume in ml is scored on its own as well: Dice of a few voxels is a coin toss."""


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder with one folder a case, in any BraTS naming of 2018 to 2023.")],
    json_file: Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Where to write the scores.")] = None,
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Score the labelled cases below a folder, with the threshold baseline beside them."""
    cases = labelled_cases(folder)
    with Connection(server, timeout, model_repository, tls_ca).open() as client:
        evaluated = [_announced(evaluate_case(client, case)) for case in cases]
    OUT.print(scores_table(evaluated))
    if json_file is not None:
        document = json.dumps(evaluation_document(evaluated), indent=2) + "\n"
        for path in write_files(json_file.parent, {json_file.name: document.encode()}):
            OUT.print(str(path), soft_wrap=True)


def labelled_cases(folder: Path) -> tuple[CaseFiles, ...]:
    """Returns the complete, labelled cases at or below a folder; those without labels are passed over aloud.

    Args:
        folder: Where to look.

    Raises:
        InvalidCaseError: There is no labelled case, or one of them is incomplete or ambiguous.
    """
    folders = find_case_folders(folder)
    for unlabelled in (path for path in folders if not has_labels(path)):
        ERR.print(f"note: {unlabelled} has no labels and is not scored", style="dim", markup=False, soft_wrap=True)
    cases = tuple(find_case(path) for path in folders if has_labels(path))
    if not cases:
        raise InvalidCaseError(
            f"{folder}: no labelled case was found; give a folder with one folder a case, each with four contrasts"
            " and a label map ending in _seg or -seg",
            field="FOLDER",
            got=str(folder),
            reason="NO_LABELLED_CASE",
        )
    return cases


def evaluation_document(evaluated: Sequence[EvaluatedCase]) -> dict[str, Any]:
    """Returns the scores as plain data for JSON.

    Args:
        evaluated: At least one case.
    """
    models = evaluated[0].segmented.result.models
    return {
        "cases": [_case_document(case) for case in evaluated],
        "mean": _mean_document(evaluated),
        "hd95_definition": evaluated[0].scores.definition.value,
        "models": [{"name": model.name, "version": model.version, "digest": model.digest} for model in models],
        "gliosynth_version": __version__,
    }


def _case_document(case: EvaluatedCase) -> dict[str, Any]:
    return {
        "id": case.segmented.files.case_id,
        "dice": _by_region(case.scores, lambda scores: scores.dice),
        "hd95": _by_region(case.scores, lambda scores: scores.hd95_mm),
        "baseline_dice": _by_region(case.baseline_scores, lambda scores: scores.dice),
        "baseline_hd95": _by_region(case.baseline_scores, lambda scores: scores.hd95_mm),
        "lesionwise_dice": _by_region(case.scores, _lesionwise_dice),
        "reference_ml": _by_region(case.scores, lambda scores: scores.reference_ml),
        "prediction_ml": _by_region(case.scores, lambda scores: scores.prediction_ml),
        "flags": [flag.id for flag in case.segmented.result.flags if flag.is_warning],
        "seconds": case.segmented.seconds,
    }


def _mean_document(evaluated: Sequence[EvaluatedCase]) -> dict[str, Any]:
    documents = [_case_document(case) for case in evaluated]
    means: dict[str, Any] = {
        key: {region.value: fmean(document[key][region.value] for document in documents) for region in REGIONS}
        for key in ("dice", "hd95", "baseline_dice", "baseline_hd95", "lesionwise_dice")
    }
    large = [document for document in documents if document["reference_ml"]["ET"] > LARGE_ET_ML]
    means["et_over_5_ml"] = {
        "case_count": len(large),
        "dice": fmean(document["dice"]["ET"] for document in large) if large else None,
        "baseline_dice": fmean(document["baseline_dice"]["ET"] for document in large) if large else None,
    }
    means["seconds"] = fmean(document["seconds"] for document in documents)
    return means


def _by_region(scores: CaseScores, value: Callable[[RegionScores], float]) -> dict[str, float]:
    return {region.value: value(scores.of(region)) for region in REGIONS}


def _lesionwise_dice(scores: RegionScores) -> float:
    if scores.lesionwise is None:
        raise ValueError("score_case was asked to leave out the lesion-wise scores")
    return scores.lesionwise.dice


def _announced(case: EvaluatedCase) -> EvaluatedCase:
    dice = ", ".join(f"{region.value} {case.scores.of(region).dice:.3f}" for region in REGIONS)
    text = f"{case.segmented.files.case_id}: Dice {dice} ({case.segmented.seconds:.1f} s)"
    ERR.print(text, style="dim", markup=False, soft_wrap=True)
    return case


def scores_table(evaluated: Sequence[EvaluatedCase]) -> Table:
    """Returns Dice (the baseline's in brackets) and HD95 of every case, and the means; fits 80 columns.

    Args:
        evaluated: At least one case.
    """
    definition = evaluated[0].scores.definition.value
    caption = f"Dice, and the threshold baseline's in brackets. HD95 ({definition}) in mm: WT / TC / ET."
    table = Table(caption=caption, caption_justify="left")
    table.add_column("Case", overflow="fold")
    for header in (*(f"Dice {region.value}" for region in REGIONS), "HD95"):
        table.add_column(header, justify="right", no_wrap=True)
    for case in evaluated:
        document = _case_document(case)
        table.add_row(document["id"], *_dice_cells(document), _distances_cell(document))
    means = _mean_document(evaluated)
    table.add_section()
    table.add_row("mean", *_dice_cells(means), _distances_cell(means), style="bold")
    large = means["et_over_5_ml"]
    if large["case_count"]:
        table.add_row(
            f"ET > 5 ml, n={large['case_count']}", "", "", _dice_cell(large["dice"], large["baseline_dice"]), ""
        )
    return table


def _dice_cells(document: Mapping[str, Any]) -> list[str]:
    return [_dice_cell(document["dice"][region.value], document["baseline_dice"][region.value]) for region in REGIONS]


def _dice_cell(dice: float, baseline: float) -> str:
    return f"{dice:.3f} ({baseline:.3f})"


def _distances_cell(document: Mapping[str, Any]) -> str:
    return " / ".join(f"{document['hd95'][region.value]:.1f}" for region in REGIONS)
