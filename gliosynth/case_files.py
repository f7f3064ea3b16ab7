"""Finds the files of a case in a folder, in the naming of any BraTS year from 2018 to 2023.

====================  =======  ========  =======  =========  ========
years                 T1       T1 + Gd   T2       FLAIR      labels
====================  =======  ========  =======  =========  ========
2018 to 2021          ``_t1``  ``_t1ce`` ``_t2``  ``_flair`` ``_seg``
2023                  ``-t1n`` ``-t1c``  ``-t2w`` ``-t2f``   ``-seg``
====================  =======  ========  =======  =========  ========

Both separators are accepted with both families of names, in any case of letters, as ``.nii`` or ``.nii.gz``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gliosynth.errors import InvalidCaseError
from gliosynth.labels import CONTRASTS, Contrast

CONTRAST_SUFFIXES: Final = MappingProxyType(
    {
        "t1": Contrast.T1N,
        "t1n": Contrast.T1N,
        "t1ce": Contrast.T1C,
        "t1gd": Contrast.T1C,
        "t1c": Contrast.T1C,
        "t2": Contrast.T2W,
        "t2w": Contrast.T2W,
        "flair": Contrast.T2F,
        "t2f": Contrast.T2F,
    }
)
"""What each file name ends with (before the extension), and the contrast it means."""

LABELS_SUFFIX: Final = "seg"
"""What the file name of an expert's label map ends with."""

_FILE_NAME: Final = re.compile(r"^(?P<case>.+)[-_](?P<suffix>[a-z0-9]+)\.nii(\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class CaseFiles:
    """Where the volumes of one case lie.

    Attributes:
        case_id: What the files are called before the contrast, such as ``BraTS-GLI-00001-000``.
        contrasts: One file for each of the four contrasts.
        labels: The expert's label map, or None.
    """

    case_id: str
    contrasts: Mapping[Contrast, Path]
    labels: Path | None = None


@dataclass(frozen=True)
class _Found:
    case_id: str
    suffix: str
    path: Path


def find_case(folder: Path) -> CaseFiles:
    """Returns the four contrasts and, if there is one, the label map of a case folder.

    Args:
        folder: Folder that holds the files of exactly one case.

    Raises:
        InvalidCaseError: The folder does not exist, a contrast is missing or there twice, or the files belong to
            several cases.
    """
    if not folder.is_dir():
        raise InvalidCaseError(f"{folder}: there is no such folder; give the folder of one case", got=str(folder))
    found = list(_recognised_files(folder))
    _check_one_case(folder, found)
    contrasts = {contrast: _the_one(folder, found, contrast) for contrast in CONTRASTS}
    labels = [item.path for item in found if item.suffix == LABELS_SUFFIX]
    if len(labels) > 1:
        raise _duplicate(folder, "labels", labels)
    return CaseFiles(found[0].case_id, MappingProxyType(contrasts), labels[0] if labels else None)


def find_case_folders(folder: Path) -> tuple[Path, ...]:
    """Returns every folder at or below `folder` that holds at least one file with the name of a case's volume.

    Args:
        folder: Where to look.

    Raises:
        InvalidCaseError: The folder does not exist.
    """
    if not folder.is_dir():
        raise InvalidCaseError(f"{folder}: there is no such folder; give one that holds a folder per case")
    candidates = [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]
    return tuple(path for path in candidates if next(_recognised_files(path), None) is not None)


def has_labels(folder: Path) -> bool:
    """Returns whether the folder holds an expert's label map.

    Args:
        folder: Folder of a case.
    """
    return any(item.suffix == LABELS_SUFFIX for item in _recognised_files(folder))


def _recognised_files(folder: Path) -> Iterator[_Found]:
    for path in sorted(folder.iterdir()):
        match = _FILE_NAME.match(path.name)
        if match is None or not path.is_file():
            continue
        suffix = match["suffix"].lower()
        if suffix in CONTRAST_SUFFIXES or suffix == LABELS_SUFFIX:
            yield _Found(match["case"], suffix, path)


def _check_one_case(folder: Path, found: list[_Found]) -> None:
    case_ids = sorted({item.case_id for item in found})
    if len(case_ids) > 1:
        raise InvalidCaseError(
            f"{folder}: the files belong to {len(case_ids)} cases ({', '.join(case_ids[:3])}); give each its own",
            field="case",
            got=", ".join(case_ids[:3]),
            reason="SEVERAL_CASES",
        )


def _the_one(folder: Path, found: list[_Found], contrast: Contrast) -> Path:
    paths = [item.path for item in found if CONTRAST_SUFFIXES.get(item.suffix) is contrast]
    if len(paths) > 1:
        raise _duplicate(folder, contrast.value, paths)
    if not paths:
        endings = ", ".join(f"_{suffix}" for suffix, meaning in CONTRAST_SUFFIXES.items() if meaning is contrast)
        raise InvalidCaseError(
            f"{folder}: no {contrast.value} was found (a name ending in {endings}, .nii or .nii.gz); add the file",
            field=contrast.value,
            reason="CONTRAST_MISSING",
        )
    return paths[0]


def _duplicate(folder: Path, what: str, paths: list[Path]) -> InvalidCaseError:
    names = ", ".join(path.name for path in paths)
    return InvalidCaseError(
        f"{folder}: {what} was found {len(paths)} times ({names}); keep one of them",
        field=what,
        got=names,
        reason="CONTRAST_DUPLICATE",
    )
