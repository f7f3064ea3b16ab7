"""What a layout finds in a folder: cases as files, none of them opened yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gliosynth.labels import Contrast, Label


@dataclass(frozen=True)
class ImageFile:
    """One contrast.

    Attributes:
        contrast: Which.
        path: Its file.
        channel: Place along the fourth dimension of a file of several contrasts, None in one of its own.
    """

    contrast: Contrast
    path: Path
    channel: int | None = None


@dataclass(frozen=True)
class FoundCase:
    """The files that seem to be one case; what is wrong with them is said when it is read.

    Attributes:
        name: What the case is called: unique in its source.
        patient: Whose it is: scans of one patient never part.
        images: Contrasts found; a good case has each at most once, and at least one.
        labels: Label maps found; a good case has one.
        brain: Brain masks found; a good case has at most one.
        values: Label of every value that may occur in the label map; None: those of BraTS of any year.
    """

    name: str
    patient: str
    images: tuple[ImageFile, ...]
    labels: tuple[Path, ...]
    brain: tuple[Path, ...] = ()
    values: Mapping[int, Label] | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the case once, sorted."""
        return tuple(sorted({*(image.path for image in self.images), *self.labels, *self.brain}))


class Layout(Protocol):
    """One way in which people lay out cases in a folder."""

    @property
    def name(self) -> str:
        """What the command line calls it."""

    @property
    def looks_for(self) -> str:
        """What it recognises a folder by, for the message when no layout fits."""

    def recognises(self, folder: Path) -> bool:
        """Returns whether a folder is laid out so."""

    def find(self, folder: Path) -> tuple[FoundCase, ...]:
        """Returns the cases below a folder by name.

        Raises:
            InvalidInputError: The folder's own table (dataset.json) cannot be used.
        """
