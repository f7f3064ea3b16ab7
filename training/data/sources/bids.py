"""BIDS data sets: images below ``sub-*/[ses-*]/anat``, label maps and masks there or in ``derivatives``.

Our own cohorts (`gliosynth.cohort.dataset.bids`) are read, and what others have in common with them: ``T1w``, ``T1w``
with a contrast agent (``ce-``), ``T2w``, ``FLAIR``; the tumour as ``dseg``, or as a ``mask`` of a lesion (``label-``,
``desc-``), with the values of BraTS; the brain as a ``mask``. A session of a subject is a case of that patient.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gliosynth.cohort.dataset.bids import SUFFIXES
from gliosynth.labels import Contrast
from training.data.sources.found import FoundCase, ImageFile

FILE_NAME: Final = re.compile(r"^(?P<entities>sub-[^_]+(_[a-zA-Z]+-[^_]+)*)_(?P<suffix>[A-Za-z0-9]+)\.nii(\.gz)?$")
"""Entities, then the suffix."""

ENTITY: Final = re.compile(r"(?P<key>[a-zA-Z]+)-(?P<value>[^_]+)")
"""One entity of a name."""

CONTRAST_OF: Final = {suffix: contrast for contrast, suffix in SUFFIXES.items() if contrast is not Contrast.T1C}
"""Contrast of each suffix, of images without a contrast agent."""

TUMOUR_WORDS: Final = frozenset({"tumour", "tumor", "lesion", "glioma", "seg"})
"""``desc-`` or ``label-`` of label maps of tumours."""


@dataclass(frozen=True)
class Bids:
    """Cases of a BIDS data set."""

    name: str = "bids"
    looks_for: str = "sub-*/anat or sub-*/ses-*/anat with images that end in _T1w, _T2w or _FLAIR"

    def recognises(self, folder: Path) -> bool:
        """Returns whether there is an image of a known contrast."""
        return any(_contrast(image) is not None for image in _images(folder))

    def find(self, folder: Path) -> tuple[FoundCase, ...]:
        """Returns one case a session, or a subject without sessions, by name."""
        images, maps = _by_case(_images(folder)), _by_case(_parts(folder / "derivatives", "**/anat"))
        found = [_case(case, named, [*maps[case], *named]) for case, named in images.items()]
        return tuple(sorted((case for case in found if case.images), key=lambda case: case.name))


@dataclass(frozen=True)
class _Named:
    """A file with its name taken apart."""

    path: Path
    entities: dict[str, str]
    suffix: str

    @property
    def case(self) -> str:
        """Subject and session."""
        return "_".join(f"{key}-{self.entities[key]}" for key in ("sub", "ses") if key in self.entities)

    @property
    def words(self) -> set[str]:
        """What the entities say that a map shows, in small letters."""
        return {self.entities.get(key, "").lower() for key in ("desc", "label")}


def _case(name: str, images: list[_Named], maps: list[_Named]) -> FoundCase:
    contrasts = [(_contrast(image), image.path) for image in images]
    return FoundCase(
        name=name,
        patient=name.split("_", maxsplit=1)[0],
        images=tuple(ImageFile(contrast, path) for contrast, path in contrasts if contrast is not None),
        labels=tuple(one.path for one in maps if _is_tumour(one)),
        brain=tuple(one.path for one in maps if _is_brain(one)),
    )


def _by_case(files: Iterable[_Named]) -> dict[str, list[_Named]]:
    """Returns the files of every subject and session."""
    cases: dict[str, list[_Named]] = defaultdict(list)
    for one in files:
        cases[one.case].append(one)
    return cases


def _images(folder: Path) -> Iterator[_Named]:
    yield from _parts(folder, "sub-*/anat")
    yield from _parts(folder, "sub-*/ses-*/anat")


def _parts(folder: Path, places: str) -> Iterator[_Named]:
    """Yields the volumes with a BIDS name in some places of a folder, sorted."""
    for place in sorted(folder.glob(places)):
        for path in sorted(place.glob("*.nii*")):
            match = FILE_NAME.match(path.name)
            if match is not None:
                yield _Named(path, dict(ENTITY.findall(match["entities"])), match["suffix"])


def _contrast(image: _Named) -> Contrast | None:
    """Returns the contrast of an image, or None where it is none of ours."""
    if "ce" in image.entities:
        return Contrast.T1C if image.suffix == "T1w" else None
    return CONTRAST_OF.get(image.suffix)


def _is_tumour(one: _Named) -> bool:
    """Whether a file is a label map of the tumour: one without description is, where it is a dseg."""
    described = bool(one.words - {""})
    return bool(one.words & TUMOUR_WORDS) if described else one.suffix == "dseg"


def _is_brain(one: _Named) -> bool:
    return one.suffix == "mask" and "brain" in one.words
