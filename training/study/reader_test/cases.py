"""Where the cases of a reader test come from: any layout of `training.data.sources`, or a ring of volumes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from gliosynth.errors import InvalidInputError
from training.data.ring import EMPTY, Ring
from training.data.sources.found import FoundCase
from training.data.sources.layouts import find_cases
from training.data.sources.reading import SPACING_MM, read_case
from training.study.reader_test.sheet import ReaderCase

Reader = Callable[[], ReaderCase]
"""Reads one case when it is wanted."""


def find_readers(folder: Path) -> Mapping[str, Reader]:
    """Returns a reader for every case of a folder, by name; no image is opened yet.

    Args:
        folder: BraTS, Decathlon or BIDS data, with or without labels, or a ring (`training.data.ring`).

    Raises:
        InvalidInputError: No layout fits the folder.
    """
    if (folder / "ring.json").is_file():
        ring = Ring(folder)
        slots = np.flatnonzero(ring.index[:, 0] != EMPTY)
        return {f"volume-{int(ring.index[slot, 0]):05d}": partial(_from_ring, ring, int(slot)) for slot in slots}
    return {case.name: partial(_from_files, case) for case in find_cases(folder)}


def _from_files(case: FoundCase) -> ReaderCase:
    volume = read_case(case, tumour_free=True)
    return ReaderCase(case.name, volume.contrasts, volume.brain, volume.labels, (SPACING_MM,) * 3)


def _from_ring(ring: Ring, slot: int) -> ReaderCase:
    number = int(ring.index[slot, 0])
    slices = ring.read(slot, np.arange(int(ring.index[slot, 1])))
    if slices is None:
        raise InvalidInputError(
            f"{ring.folder}: volume {number} was replaced while it was read; give a ring that nobody renews"
        )
    return ReaderCase(
        name=f"volume-{number:05d}",
        contrasts=np.moveaxis(slices.contrasts, 0, 3),
        brain=np.moveaxis(slices.brain, 0, 2),
        labels=np.moveaxis(slices.labels, 0, 2),
        spacing_mm=(1.0, 1.0, ring.shape.slice_mm),
    )
