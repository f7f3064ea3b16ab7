"""BraTS folders of 2018 to 2023: four images and a ``seg`` a case, in either naming, HGG and LGG apart or together.

File names are those of `gliosynth.case_files`. A case is what shares a name before the contrast, so a folder per
case and all files in one folder are both read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gliosynth.case_files import CONTRAST_SUFFIXES, LABELS_SUFFIX
from training.data.sources.found import FoundCase, ImageFile

FILE_NAME: Final = re.compile(r"^(?P<case>.+)[-_](?P<suffix>[a-z0-9]+)\.nii(\.gz)?$", re.IGNORECASE)
"""Name of the case, separator, suffix, extension."""

SEVERAL_SCANS: Final = (
    re.compile(r"^(?P<patient>BraTS-[A-Za-z]+-\d+)-\d+$"),
    re.compile(r"^(?P<patient>BraTS1[789]_[A-Za-z0-9]+_\d+)_\d+$", re.IGNORECASE),
)
"""Names whose last number counts the scans of a patient: BraTS 2023 and 2017 to 2019."""


@dataclass(frozen=True)
class Brats:
    """Cases of BraTS."""

    name: str = "brats"
    looks_for: str = (
        "files that end in _t1, _t1ce, _t2, _flair (2018 to 2021) or -t1n, -t1c, -t2w, -t2f (2023), and seg"
    )

    def recognises(self, folder: Path) -> bool:
        """Returns whether there is a file with a contrast's name at or below the folder."""
        return any(suffix in CONTRAST_SUFFIXES for _, suffix, _ in _named(folder))

    def find(self, folder: Path) -> tuple[FoundCase, ...]:
        """Returns the cases at or below the folder by name."""
        parts: dict[tuple[Path, str], list[tuple[str, Path]]] = defaultdict(list)
        for case, suffix, path in _named(folder):
            parts[path.parent, case].append((suffix, path))
        times = Counter(case for _, case in parts)
        found = [
            _case(case if times[case] == 1 else (place / case).relative_to(folder).as_posix(), case, files)
            for (place, case), files in parts.items()
        ]
        return tuple(sorted(found, key=lambda case: case.name))


def patient_of(case: str) -> str:
    """Returns the patient of a case's name: without the number of the scan, where the year's names have one."""
    matches = (pattern.match(case) for pattern in SEVERAL_SCANS)
    return next((match["patient"] for match in matches if match is not None), case)


def _case(name: str, case: str, files: list[tuple[str, Path]]) -> FoundCase:
    images = [ImageFile(CONTRAST_SUFFIXES[suffix], path) for suffix, path in files if suffix in CONTRAST_SUFFIXES]
    labels = [path for suffix, path in files if suffix == LABELS_SUFFIX]
    return FoundCase(name, patient_of(case), tuple(images), tuple(labels))


def _named(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Yields case, suffix in small letters and path of every image and label map at or below a folder, sorted."""
    for path in sorted(folder.rglob("*.nii*")):
        match = FILE_NAME.match(path.name)
        if match is None:
            continue
        suffix = match["suffix"].lower()
        if suffix in CONTRAST_SUFFIXES or suffix == LABELS_SUFFIX:
            yield match["case"], suffix, path
