"""``gliosynth tumour-map``: a tumour map edited, described, or turned into the generator's input."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from gliosynth.cli import options
from gliosynth.cli import tumour_map_options as own
from gliosynth.cli.connection import Connection
from gliosynth.cli.console import ERR, OUT, progress_bar
from gliosynth.cli.documents import tumour_map_json
from gliosynth.cli.exit_codes import EXIT_CODE_HELP
from gliosynth.cli.file_errors import naming_files
from gliosynth.cli.outputs import write_files
from gliosynth.cli.tumour_map_help import EDIT_HELP
from gliosynth.cli.tumour_map_tables import channels_table, description_table, steps_table
from gliosynth.client import EditedTumourMap, VolumeFile
from gliosynth.errors import InvalidParameterError
from gliosynth.tumour_map.edits import Edit
from gliosynth.tumour_map.recipe import parse_edit, parse_recipe

SERVICE: Final = "services.tumour_map"
"""What an embedded server runs: no models are needed here."""

app = typer.Typer(
    name="tumour-map",
    help="Edit tumour maps: move, bend, grow, mirror, transplant; in mm, replayable.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


@app.command(help=EDIT_HELP, epilog=EXIT_CODE_HELP)
def edit(
    tumour: own.TumourArgument,
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="File for the edited map, .nii.gz.")],
    words: Annotated[
        list[str] | None, typer.Option("--edit", metavar="WORDS", help="One edit; may be repeated.")
    ] = None,
    edits: Annotated[Path | None, typer.Option("--edits", dir_okay=False, help="Edits as YAML or JSON.")] = None,
    brain_mask: own.BrainMaskOption = None,
    label_map: own.LabelMapOption = None,
    image: own.ImageOption = None,
    healed_out: Annotated[
        Path | None, typer.Option("--healed-out", dir_okay=False, help="File for the healed --label-map, .nii.gz.")
    ] = None,
    head_mask: own.HeadMaskOption = None,
    head_labels: own.HeadLabelsOption = None,
    brain_labels: own.BrainLabelsOption = "",
    barred_labels: own.BarredLabelsOption = "",
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Edits a tumour map, see `EDIT_HELP`."""
    target = own.tumour_of(tumour)
    head = own.head_of(target, brain_mask=brain_mask, label_map=label_map, image=image)
    recipe = _recipe(words or [], edits)
    if healed_out is not None and label_map is None:
        raise InvalidParameterError("--healed-out needs --label-map: nothing else is healed", field="--healed-out")
    others, key = own.other_heads(head_mask or [], head_labels or []), own.key_of(brain_labels, barred_labels)
    volume, paths = VolumeFile.from_path(target.path), own.paths_of(target, head, others)
    with (
        Connection(server, timeout, None, tls_ca, SERVICE).open() as client,
        naming_files(paths),
        progress_bar(target.path.name) as show,
    ):
        result = client.tumour_maps.edit(volume, recipe, head=head, other_heads=others, key=key, on_progress=show)
    files = {out: result.labels_nifti, _json_beside(out): tumour_map_json(result)}
    if healed_out is not None and result.label_map_nifti is not None:
        files[healed_out] = result.label_map_nifti
    _print(result, _write(files))


def _print(result: EditedTumourMap, written: Iterable[Path]) -> None:
    """Prints what each edit did, the flags, and the files."""
    OUT.print(steps_table(result))
    for flag in result.flags:
        ERR.print(f"{'warning' if flag.is_warning else 'note'}: {flag.message}", style="bold yellow", markup=False)
    for path in written:
        OUT.print(str(path), soft_wrap=True)


@app.command(epilog=EXIT_CODE_HELP)
def describe(
    tumour: own.TumourArgument,
    brain_mask: own.BrainMaskOption = None,
    label_map: own.LabelMapOption = None,
    image: own.ImageOption = None,
    brain_labels: own.BrainLabelsOption = "",
    barred_labels: own.BarredLabelsOption = "",
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Say what a tumour map holds: volumes, centroids, parts, and the lobes that it lies in.

    Lobes are proportions of the brain as in Talairach's atlas, not anatomy; they need to know where the brain is.
    """
    target = own.tumour_of(tumour)
    head = own.head_of(target, brain_mask=brain_mask, label_map=label_map, image=image)
    volume, key = VolumeFile.from_path(target.path), own.key_of(brain_labels, barred_labels)
    paths = own.paths_of(target, head, {})
    with Connection(server, timeout, None, tls_ca, SERVICE).open() as client, naming_files(paths):
        found = client.tumour_maps.describe(volume, head=head, key=key)
    OUT.print(description_table(found))


@app.command("brain-map", epilog=EXIT_CODE_HELP)
def brain_map(
    image: Annotated[Path, typer.Argument(help="One contrast, not normalised, .nii or .nii.gz.")],
    tumour: Annotated[Path, typer.Argument(help="Where the tumour shall be: a label map on the same grid.")],
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="File for the brain map, .nii.gz.")],
    brain_mask: own.BrainMaskOption = None,
    moved_from: Annotated[
        Path | None, typer.Option("--moved-from", help="Where the tumour is in the image, if somewhere else.")
    ] = None,
    server: options.ServerOption = "",
    timeout: options.TimeoutOption = options.DEFAULT_TIMEOUT,
    tls_ca: options.TlsCaOption = None,
) -> None:
    """Build the generator's eight channels: NCR, ED, ET, four bands of intensity, background.

    Writes them as one label map with values 0 to 7 in this order.
    """
    paths = {"image": image, "tumour_map": tumour, "brain_mask": brain_mask, "moved_from": moved_from}
    given = {name: path for name, path in paths.items() if path is not None}
    files = {name: VolumeFile.from_path(path) for name, path in given.items()}
    with (
        Connection(server, timeout, None, tls_ca, SERVICE).open() as client,
        naming_files(given),
        progress_bar(image.name) as show,
    ):
        result = client.tumour_maps.brain_map(
            files["image"],
            files["tumour_map"],
            brain_mask=files.get("brain_mask"),
            moved_from=files.get("moved_from"),
            on_progress=show,
        )
    written = _write({out: result.nifti})
    OUT.print(channels_table(result))
    OUT.print(str(written[0]), soft_wrap=True)


def _recipe(words: list[str], path: Path | None) -> tuple[Edit, ...]:
    """Returns the edits of the file, or of the options."""
    if bool(words) == (path is not None):
        raise InvalidParameterError("give the edits with --edit, or a file of them with --edits", field="--edit")
    if path is None:
        return tuple(parse_edit(line) for line in words)
    try:
        return parse_recipe(path.read_bytes())
    except OSError as error:
        raise InvalidParameterError(
            f"{path}: the file cannot be read ({error.strerror}); check the path", field="--edits", got=str(path)
        ) from error


def _json_beside(path: Path) -> Path:
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    return path.with_name(f"{name}.json")


def _write(files: Mapping[Path, bytes]) -> list[Path]:
    """Writes the files, those of one folder together or not at all, and returns their paths."""
    written: list[Path] = []
    for folder in dict.fromkeys(path.parent for path in files):
        written += write_files(folder, {path.name: data for path, data in files.items() if path.parent == folder})
    return written
