"""The ground that a tumour grows on, and the one operation that makes its volumes exact."""

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from gliosynth.elementary import power
from gliosynth.separable import Array


@dataclass(frozen=True, eq=False)
class Terrain:
    """The anatomy around a tumour, inside its box.

    Attributes:
        allowed: ``(X, Y, Z)`` bool: cerebrum on the tumour's side.
        fluid: ``(X, Y, Z)`` bool: ventricles; nothing grows there.
        white: ``(X, Y, Z)`` float32 0 to 1: smoothed share of white matter.
        offsets_mm: Three arrays ``(X, 1, 1)``, ``(1, Y, 1)``, ``(1, 1, Z)`` float32: mm from the tumour's centre.
        spacing_mm: Voxel edges in mm.
    """

    allowed: Array
    fluid: Array
    white: Array
    offsets_mm: tuple[Array, Array, Array]
    spacing_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along X, Y, Z."""
        x, y, z = self.allowed.shape
        return x, y, z

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0


def ball_radius_mm(volume_ml: float) -> float:
    """Returns the radius in mm of a ball of the given volume in ml."""
    return float(power(3.0 * volume_ml * 1000.0 / (4.0 * np.pi), 1.0 / 3.0))


def lowest(score: Array, candidates: Array, count: int) -> Array:
    """Returns the mask of the `count` candidates with the lowest score (all of them if there are fewer).

    Args:
        score: ``(X, Y, Z)`` float32.
        candidates: ``(X, Y, Z)`` bool.
        count: Number of voxels; ties at the threshold may add a few.
    """
    xp = array_namespace(score)
    if count <= 0:
        return xp.zeros_like(candidates)
    masked = xp.where(candidates, score, xp.asarray(float("inf"), dtype=score.dtype))
    ordered = xp.sort(xp.reshape(masked, (-1,)))
    return candidates & (masked <= ordered[min(count, ordered.shape[0]) - 1])
