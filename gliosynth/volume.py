"""A volume: a 3D array and the affine that places it in the patient."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidVolumeError

Affine = NDArray[np.float64]
"""``(4, 4)`` float64: homogeneous voxel index to millimetres in RAS+ (right, anterior, superior positive)."""

ScalarT_co = TypeVar("ScalarT_co", bound=np.generic, covariant=True)

SMALLEST_SPACING_MM: Final = 0.05
"""Finest voxel edge in mm that is believed; below it the header is taken for wrong."""

LARGEST_SPACING_MM: Final = 30.0
"""Coarsest voxel edge in mm that is believed."""


@dataclass(frozen=True, eq=False)
class Volume(Generic[ScalarT_co]):
    """A scalar field on a regular grid.

    Attributes:
        data: Array ``(X, Y, Z)``.
        affine: Voxel index to RAS+ mm, see `Affine`.
        name: What the volume is called in messages (a field or a file name without patient text).
    """

    data: NDArray[ScalarT_co]
    affine: Affine
    name: str = "volume"

    def __post_init__(self) -> None:
        """Refuses arrays that are not 3D and affines that cannot place them.

        Raises:
            InvalidVolumeError: The data is not 3D, or the affine is not finite, singular, or of unbelievable spacing.
        """
        if self.data.ndim != 3:
            raise InvalidVolumeError(
                f"{self.name}: the volume has {self.data.ndim} dimensions {self.data.shape}, give one 3D volume",
                field=self.name,
                got=str(self.data.shape),
                reason="NOT_3D",
            )
        check_affine(self.affine, name=self.name)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along X, Y and Z."""
        x, y, z = self.data.shape
        return x, y, z

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel in mm along X, Y and Z."""
        return spacing_of(self.affine)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0


def spacing_of(affine: Affine) -> tuple[float, float, float]:
    """Returns the voxel edge lengths in mm: the norms of the affine's columns.

    Args:
        affine: ``(4, 4)``.
    """
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0)
    return float(x), float(y), float(z)


def check_affine(affine: Affine, *, name: str) -> None:
    """Refuses an affine that cannot place a volume.

    Args:
        affine: ``(4, 4)``, voxel index to RAS+ mm.
        name: The volume's name, for the message.

    Raises:
        InvalidVolumeError: Not 4x4, not finite, singular, or with a spacing outside 0.05 to 30 mm.
    """
    if affine.shape != (4, 4):
        raise InvalidVolumeError(
            f"{name}: the affine has shape {affine.shape}, it must be (4, 4)",
            field=f"{name}.affine",
            got=str(affine.shape),
            reason="AFFINE_SHAPE",
        )
    if not np.isfinite(affine).all():
        raise InvalidVolumeError(
            f"{name}: the affine holds NaN or infinity; write the scanner's orientation into the header again",
            field=f"{name}.affine",
            got=np.array2string(affine[:3], precision=3),
            reason="AFFINE_NOT_FINITE",
        )
    spacing_mm = spacing_of(affine)
    if not all(SMALLEST_SPACING_MM <= edge <= LARGEST_SPACING_MM for edge in spacing_mm):
        raise InvalidVolumeError(
            f"{name}: voxel edges of {spacing_mm} mm are outside {SMALLEST_SPACING_MM} to {LARGEST_SPACING_MM} mm;"
            " correct the header",
            field=f"{name}.affine",
            got=str(spacing_mm),
            reason="AFFINE_SPACING",
        )
    directions = affine[:3, :3] / np.asarray(spacing_mm)
    if abs(float(np.linalg.det(directions))) < 0.1:
        raise InvalidVolumeError(
            f"{name}: the affine is singular (its axes are linearly dependent); correct the header",
            field=f"{name}.affine",
            got=np.array2string(affine[:3], precision=3),
            reason="AFFINE_SINGULAR",
        )
