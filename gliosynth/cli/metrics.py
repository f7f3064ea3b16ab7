"""``gliosynth metrics``: a label map scored against an expert's."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gliosynth.cli import options
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import OUT
from gliosynth.client import RegionScores, VolumeFile


def metrics(
    prediction: Annotated[Path, typer.Argument(help="Label map to judge, .nii or .nii.gz.")],
    reference: Annotated[Path, typer.Argument(help="The expert's label map on the same grid.")],
    hd95_definition: Annotated[str, typer.Option("--hd95", help="Id of the HD95 definition. Default: BraTS's.")] = "",
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    model_repository: options.ModelRepositoryOption = None,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Score a predicted label map against an expert's: WT, TC and ET."""
    predicted, expert = VolumeFile.from_path(prediction), VolumeFile.from_path(reference)
    with Connection(server, timeout, model_repository, tls_ca).open() as client:
        scores = client.score_segmentation(predicted, expert, hd95_definition=hd95_definition)
    OUT.print(scores_table(scores))


def scores_table(scores: tuple[RegionScores, ...]) -> Table:
    """Returns the scores as a table, one row for each region.

    Args:
        scores: WT, TC and ET.
    """
    table = Table(caption=f"HD95: {scores[0].hd95_definition}", caption_justify="left")
    table.add_column("Region")
    tolerances = [f"NSD {tolerance:g} mm" for tolerance in scores[0].surface_dice]
    headers = ("Dice", "HD95 mm", *tolerances, "Sens.", "Spec.", "Lesion Dice", "Expert ml", "Predicted ml")
    for header in headers:
        table.add_column(header, justify="right")
    for region in scores:
        table.add_row(
            region.region.value,
            f"{region.dice:.3f}",
            f"{region.hd95_mm:.1f}",
            *(f"{value:.3f}" for value in region.surface_dice.values()),
            _share(region.sensitivity),
            _share(region.specificity),
            f"{region.lesionwise.dice:.3f}",
            f"{region.reference_volume_ml:.2f}",
            f"{region.prediction_volume_ml:.2f}",
        )
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
