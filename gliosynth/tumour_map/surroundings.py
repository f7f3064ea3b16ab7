"""Where a tumour may lie: a head's brain, from a mask, a label map of tissues, or an image."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import BRAIN_CSF, PARENCHYMA, Anatomy, Tissue
from gliosynth.errors import InvalidCaseError, InvalidLabelError
from gliosynth.geometry import Grid, grid_of
from gliosynth.labels import Mask
from gliosynth.tumour_map.brain_frame import BrainFrame, frame_of
from gliosynth.volume import Volume

LabelVoxels = NDArray[np.integer]
"""``(X, Y, Z)`` integers: a label map of tissues."""

LARGEST_LABEL: Final = 65535
"""Largest value of a label map of tissues."""


@dataclass(frozen=True)
class TissueKey:
    """What the values of a label map mean.

    Attributes:
        brain: Values of the brain, its fluid and vessels included.
        barred: Values of the brain in which no tumour lies: the ventricles.
    """

    brain: tuple[int, ...]
    barred: tuple[int, ...] = ()


GLIOSYNTH_KEY: Final = TissueKey(
    brain=tuple(int(tissue) for tissue in (*PARENCHYMA, *BRAIN_CSF, Tissue.CHOROID_PLEXUS)),
    barred=(int(Tissue.VENTRICLE), int(Tissue.CHOROID_PLEXUS)),
)
"""The values of `gliosynth.anatomy.Tissue`."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A head around a tumour.

    Attributes:
        grid: The grid of everything below.
        brain: ``(X, Y, Z)`` bool; all of the grid where nothing is known.
        room: ``(X, Y, Z)`` bool: where a tumour may lie, a part of the brain.
        tissues: The label map itself, or None.
        is_bounded: Whether the brain is known.
    """

    grid: Grid
    brain: Mask
    room: Mask
    tissues: LabelVoxels | None = None
    is_bounded: bool = True

    @cached_property
    def frame(self) -> BrainFrame:
        """The proportions of the brain, measured when they are first needed."""
        return frame_of(self.brain, self.grid)

    @classmethod
    def unknown(cls, grid: Grid) -> Self:
        """Returns a head of which nothing is known: a tumour may lie anywhere on the grid."""
        everywhere = np.ones(grid.shape, dtype=np.bool_)
        return cls(grid, everywhere, everywhere, is_bounded=False)

    @classmethod
    def of_mask(cls, brain: Volume[np.bool_]) -> Self:
        """Returns the head of a brain mask.

        Raises:
            InvalidLabelError: EMPTY_BRAIN_MASK.
        """
        return cls(grid_of(brain), _not_empty(brain.data, brain.name), brain.data)

    @classmethod
    def of_image(cls, image: Volume[np.generic]) -> Self:
        """Returns the head of a skull-stripped image: its voxels that are not 0.

        Raises:
            InvalidLabelError: EMPTY_BRAIN_MASK.
        """
        brain: Mask = image.data != 0
        return cls(grid_of(image), _not_empty(brain, image.name), brain)

    @classmethod
    def of_tissues(cls, tissues: Volume[np.integer], key: TissueKey = GLIOSYNTH_KEY) -> Self:
        """Returns the head of a label map.

        Args:
            tissues: Values 0 to `LARGEST_LABEL`.
            key: What they mean.

        Raises:
            InvalidLabelError: A value is out of range, or none is brain.
        """
        data = tissues.data
        if int(data.min()) < 0 or int(data.max()) > LARGEST_LABEL:
            raise InvalidLabelError(
                f"{tissues.name}: label values must lie in 0 to {LARGEST_LABEL}, not {data.min()} to {data.max()}",
                field=tissues.name,
                got=f"{data.min()} to {data.max()}",
            )
        brain = _members(data, key.brain)
        room = brain & ~_members(data, key.barred)
        return cls(grid_of(tissues), _not_empty(brain, tissues.name), _not_empty(room, tissues.name), data)

    @classmethod
    def of_anatomy(cls, anatomy: Anatomy) -> Self:
        """Returns a head that ships with the library."""
        tissues: Volume[np.integer] = Volume(anatomy.tissues, anatomy.affine, anatomy.name)
        return cls.of_tissues(tissues)


def check_same_grid(grid: Grid, other: Grid, *, name: str) -> None:
    """Refuses a volume that lies elsewhere than the tumour map.

    Args:
        grid: The tumour map's.
        other: The volume's.
        name: Its name, for the message.

    Raises:
        InvalidCaseError: GRID_MISMATCH.
    """
    if not grid.matches(other):
        raise InvalidCaseError(
            f"{name}: its grid {other.shape} is not that of the tumour map {grid.shape}, or lies elsewhere; resample"
            " one onto the other",
            field=name,
            got=str(other.shape),
            reason="GRID_MISMATCH",
        )


def _members(data: LabelVoxels, values: Iterable[int]) -> Mask:
    table = np.zeros(LARGEST_LABEL + 1, dtype=np.bool_)
    table[list(values)] = True
    members: Mask = table[data]
    return members


def _not_empty(mask: Mask, name: str) -> Mask:
    if not mask.any():
        raise InvalidLabelError(
            f"{name}: no voxel of it is brain; give a volume that covers the brain, and say which values are brain",
            field=name,
            got="0 voxels",
            reason="EMPTY_BRAIN_MASK",
        )
    return mask
