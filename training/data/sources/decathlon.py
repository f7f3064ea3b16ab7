"""Task01_BrainTumour of the Medical Segmentation Decathlon: one 4D image a case, and labels numbered its own way.

``dataset.json`` says what the channels and values are; it is read and never assumed, because 1 is oedema here, and NCR
in BraTS. Cases are those of ``imagesTr``, all of one scan: patients cannot be told apart.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gliosynth.case_files import CONTRAST_SUFFIXES
from gliosynth.errors import InvalidInputError
from gliosynth.labels import Contrast, Label
from training.data.sources.found import FoundCase, ImageFile

TABLE: Final = "dataset.json"
"""The task's own description."""

CHANNELS: Final = MappingProxyType({**CONTRAST_SUFFIXES, "t1w": Contrast.T1N})
"""Contrast of each name of a modality, in small letters."""

LABELS: Final = MappingProxyType(
    {
        "background": Label.BACKGROUND,
        "edema": Label.ED,
        "oedema": Label.ED,
        "non-enhancing tumor": Label.NCR,
        "non-enhancing tumour": Label.NCR,
        "enhancing tumor": Label.ET,
        "enhancing tumour": Label.ET,
    }
)
"""Label of each name of a value, in small letters."""


@dataclass(frozen=True)
class Decathlon:
    """Cases of Task01_BrainTumour."""

    name: str = "msd"
    looks_for: str = "dataset.json beside imagesTr and labelsTr"

    def recognises(self, folder: Path) -> bool:
        """Returns whether the folder holds the table and both folders of training cases."""
        return (folder / TABLE).is_file() and all((folder / part).is_dir() for part in ("imagesTr", "labelsTr"))

    def find(self, folder: Path) -> tuple[FoundCase, ...]:
        """Returns the cases of imagesTr by name.

        Raises:
            InvalidInputError: dataset.json is missing or names other channels or values.
        """
        channels, values = _read_table(folder / TABLE)
        return tuple(_case(path, channels, values) for path in _volumes(folder / "imagesTr"))


def _case(image: Path, channels: tuple[Contrast, ...], values: dict[int, Label]) -> FoundCase:
    name = image.name.removesuffix(".gz").removesuffix(".nii")
    images = tuple(ImageFile(contrast, image, channel) for channel, contrast in enumerate(channels))
    labels = tuple(path for path in _volumes(image.parents[1] / "labelsTr") if path.name.startswith(f"{name}.nii"))
    return FoundCase(name, name, images, labels, values=values)


def _volumes(folder: Path) -> list[Path]:
    """Returns the volumes of a folder by name, without the ``._`` files that some archives hold."""
    return sorted(path for path in folder.glob("*.nii*") if not path.name.startswith("."))


def _read_table(path: Path) -> tuple[tuple[Contrast, ...], dict[int, Label]]:
    """Returns the contrast of every channel and the label of every value."""
    try:
        table = json.loads(path.read_text())
        modalities = {int(channel): str(name).lower() for channel, name in table["modality"].items()}
        names = {int(value): str(name).lower() for value, name in table["labels"].items()}
        channels = tuple(CHANNELS[modalities[channel]] for channel in range(len(modalities)))
        values = {value: LABELS[name] for value, name in names.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidInputError(
            f"{path}: not the table of Task01_BrainTumour ({type(error).__name__}: {error}); it must name the channels"
            f' under "modality" ({", ".join(CHANNELS)}) and the values under "labels" ({", ".join(LABELS)})',
            field=TABLE,
        ) from error
    return channels, values
