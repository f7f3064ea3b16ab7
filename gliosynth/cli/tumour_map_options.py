"""Options of ``gliosynth tumour-map``: the tumour, and where its brain is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gliosynth.client import HeadFile, HeadKind, VolumeFile, find_case
from gliosynth.client.tumour_map_requests import HEAD_NAME
from gliosynth.errors import InvalidCaseError, InvalidParameterError
from gliosynth.labels import REFERENCE_CONTRAST
from gliosynth.tumour_map import GLIOSYNTH_KEY, TissueKey

TumourArgument = Annotated[Path, typer.Argument(help="Tumour map, .nii or .nii.gz, or a case folder with one (_seg).")]
BrainMaskOption = Annotated[Path | None, typer.Option("--brain-mask", help="Brain mask on the same grid.")]
LabelMapOption = Annotated[Path | None, typer.Option("--label-map", help="Tissue label map on the same grid.")]
ImageOption = Annotated[Path | None, typer.Option("--image", help="Skull-stripped image on the same grid.")]
HeadMaskOption = Annotated[
    list[str] | None, typer.Option("--head-mask", metavar="NAME=FILE", help="Brain mask of a head to transplant into.")
]
HeadLabelsOption = Annotated[
    list[str] | None, typer.Option("--head-labels", metavar="NAME=FILE", help="Tissue label map of such a head.")
]
BrainLabelsOption = Annotated[
    str, typer.Option("--brain-labels", metavar="N,N,...", help="Brain in label maps. Default: gliosynth's own values.")
]
BarredLabelsOption = Annotated[
    str, typer.Option("--barred-labels", metavar="N,N,...", help="Brain where no tumour lies, such as ventricles.")
]


@dataclass(frozen=True)
class Target:
    """The tumour map of a command line.

    Attributes:
        path: Its file.
        image: The t1c beside it, where a case folder was given.
    """

    path: Path
    image: Path | None = None


def tumour_of(path: Path) -> Target:
    """Returns the tumour map that a command line names.

    Args:
        path: A file, or the folder of a case.

    Raises:
        InvalidCaseError: The folder does not hold exactly one case, or no label map.
    """
    if not path.is_dir():
        return Target(path)
    case = find_case(path)
    if case.labels is None:
        raise InvalidCaseError(
            f"{path}: the case has no label map (a name ending in _seg, .nii or .nii.gz); give the file itself",
            field="TUMOUR",
            reason="LABELS_MISSING",
        )
    return Target(case.labels, case.contrasts[REFERENCE_CONTRAST])


def head_of(target: Target, *, brain_mask: Path | None, label_map: Path | None, image: Path | None) -> HeadFile | None:
    """Returns the file that says where the brain is, or None.

    Args:
        target: The tumour map; its case's t1c is taken where no option names a file.
        brain_mask: Of ``--brain-mask``.
        label_map: Of ``--label-map``.
        image: Of ``--image``.

    Raises:
        InvalidParameterError: Several are given.
    """
    options = {HeadKind.BRAIN_MASK: brain_mask, HeadKind.LABEL_MAP: label_map, HeadKind.IMAGE: image}
    given = [(kind, path) for kind, path in options.items() if path is not None]
    if len(given) > 1:
        raise InvalidParameterError(
            "give at most one of --brain-mask, --label-map and --image: each says where the brain is",
            field="--brain-mask",
        )
    if not given and target.image is not None:
        given = [(HeadKind.IMAGE, target.image)]
    return HeadFile(VolumeFile.from_path(given[0][1]), given[0][0]) if given else None


def other_heads(masks: Sequence[str], labels: Sequence[str]) -> dict[str, HeadFile]:
    """Returns the heads to transplant into, by name.

    Args:
        masks: ``NAME=FILE`` of each brain mask.
        labels: ``NAME=FILE`` of each label map.

    Raises:
        InvalidParameterError: One is not written so, or a name is given twice.
    """
    heads: dict[str, HeadFile] = {}
    for option, kind, texts in (
        ("--head-mask", HeadKind.BRAIN_MASK, masks),
        ("--head-labels", HeadKind.LABEL_MAP, labels),
    ):
        for text in texts:
            name, equals, path = text.partition("=")
            if not (name and equals and path) or name in heads:
                raise InvalidParameterError(
                    f"{option}: {text!r} must be NAME=FILE, each name once", field=option, got=text
                )
            heads[name] = HeadFile(VolumeFile.from_path(Path(path)), kind)
    return heads


def paths_of(target: Target, head: HeadFile | None, others: Mapping[str, HeadFile]) -> dict[str, Path]:
    """Returns the file of each volume by the name that it is sent under, for messages.

    Args:
        target: The tumour map.
        head: Its head, or None.
        others: Heads to transplant into.
    """
    named = {HEAD_NAME: head, **others}
    paths = {name: file.volume.path for name, file in named.items() if file is not None}
    return {"tumour_map": target.path, **{name: path for name, path in paths.items() if path is not None}}


def key_of(brain: str, barred: str) -> TissueKey | None:
    """Returns what the values of label maps mean, or None for gliosynth's own.

    Args:
        brain: Of ``--brain-labels``.
        barred: Of ``--barred-labels``.

    Raises:
        InvalidParameterError: They are no numbers.
    """
    if not brain and not barred:
        return None
    values = _numbers("--brain-labels", brain) if brain else GLIOSYNTH_KEY.brain
    return TissueKey(values, _numbers("--barred-labels", barred) if barred else ())


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidParameterError(
            f"{option}: {text!r} are no label values; write them as 2,3,41,42", field=option, got=text
        ) from error
