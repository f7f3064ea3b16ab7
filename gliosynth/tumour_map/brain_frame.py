"""A frame of proportions on a brain: the plane between the hemispheres, and places as in Talairach's atlas.

Talairach and Tournoux (Co-planar stereotaxic atlas of the human brain, 1988) give places in proportion to the box of
the cerebrum. Here the box is found from a brain mask alone, in the patient's directions: no registration, no landmarks.
So a head that is tilted shifts the places, and the frame is a frame of proportions, not of anatomy.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.geometry import Grid, Points, apply_affine
from gliosynth.labels import Mask
from gliosynth.tumour_map.signed_distance import voxel_ml_of
from gliosynth.tumour_map.symmetry import symmetry_plane

HALF_WIDTH_MM: Final = 68.0
"""Half the width of Talairach's brain, mm."""

FRONT_MM: Final = 70.0
"""Its front end before the anterior commissure, mm."""

LENGTH_MM: Final = 172.0
"""Its length, mm."""

TOP_MM: Final = 74.0
"""Its top above the commissures, mm."""

SAMPLE_MM: Final = 2.0
"""Distance of the voxels that the frame is measured on, mm."""

SMALLEST_SECTION_MM2: Final = 100.0
"""A brain ends where its sections fall below this, mm2: stray voxels are no brain."""

SECTION_MM: Final = 2.0
"""Thickness of the sections, mm."""


@dataclass(frozen=True, eq=False)
class BrainFrame:
    """Proportions of one brain. Points are ``(..., 3)`` in RAS+ mm.

    Attributes:
        midplane: ``(3,)``: the plane between the hemispheres, ``x = midplane @ (1, y, z)`` in world mm.
        half_width_mm: Half the brain's width.
        front_mm: Its most anterior y.
        length_mm: Its length from front to back.
        top_mm: Its highest z.
    """

    midplane: NDArray[np.float64]
    half_width_mm: float
    front_mm: float
    length_mm: float
    top_mm: float

    def side_mm(self, points: Points) -> NDArray[np.float64]:
        """Returns the distance from the midplane along x, ``(...)`` mm, positive on the right."""
        a, b, c = self.midplane
        return np.asarray(points[..., 0] - (a + b * points[..., 1] + c * points[..., 2]))

    def places_of(self, points: Points) -> Points:
        """Returns Talairach-like coordinates, ``(..., 3)`` mm: right of the midplane, before and above the commissure.

        The scale from top to bottom is that of the length, because how much of the brain-stem a mask holds varies.
        """
        along = LENGTH_MM / self.length_mm
        return np.stack(
            [
                self.side_mm(points) * (HALF_WIDTH_MM / self.half_width_mm),
                FRONT_MM - (self.front_mm - points[..., 1]) * along,
                TOP_MM - (self.top_mm - points[..., 2]) * along,
            ],
            axis=-1,
        )

    def points_of(self, places: Points) -> Points:
        """Returns the points of Talairach-like coordinates: the inverse of `places_of`."""
        along = self.length_mm / LENGTH_MM
        y = self.front_mm - (FRONT_MM - places[..., 1]) * along
        z = self.top_mm - (TOP_MM - places[..., 2]) * along
        a, b, c = self.midplane
        x = places[..., 0] * (self.half_width_mm / HALF_WIDTH_MM) + (a + b * y + c * z)
        return np.stack([x, y, z], axis=-1)

    def mirror(self) -> NDArray[np.float64]:
        """Returns the reflection across the midplane, ``(4, 4)``, world mm to world mm."""
        a, b, c = self.midplane
        normal = np.array([1.0, -b, -c]) / np.sqrt(1.0 + b * b + c * c)
        offset = a / np.sqrt(1.0 + b * b + c * c)
        reflection = np.eye(4)
        reflection[:3, :3] -= 2.0 * np.outer(normal, normal)
        reflection[:3, 3] = 2.0 * offset * normal
        return reflection


def frame_of(brain: Mask, grid: Grid) -> BrainFrame:
    """Returns the frame of a brain.

    Args:
        brain: ``(X, Y, Z)``, not empty.
        grid: Its grid, of any orientation.
    """
    points = sampled_points(brain, grid, SAMPLE_MM)
    midplane = symmetry_plane(points)
    x, y, z = points.T
    point_mm3 = np.count_nonzero(brain) * voxel_ml_of(grid) * 1000.0 / len(points)
    left, right = _ends(x - (midplane[0] + midplane[1] * y + midplane[2] * z), point_mm3)
    back, front = _ends(y, point_mm3)
    _, top = _ends(z, point_mm3)
    return BrainFrame(midplane, (right - left) / 2.0, front, front - back, top)


def _ends(along: NDArray[np.float64], point_mm3: float) -> tuple[float, float]:
    """Returns where the brain begins and ends along a direction, mm."""
    sections = np.floor(along / SECTION_MM).astype(np.int64)
    first = int(sections.min())
    areas = np.bincount(sections - first) * point_mm3 / SECTION_MM
    found = np.flatnonzero(areas >= min(SMALLEST_SECTION_MM2, areas.max()))
    return (first + int(found[0])) * SECTION_MM, (first + int(found[-1]) + 1) * SECTION_MM


def sampled_points(mask: Mask, grid: Grid, sample_mm: float) -> Points:
    """Returns some voxels of a mask, evenly spread, as points ``(N, 3)`` in RAS+ mm; all of them if those are none.

    Args:
        mask: ``(X, Y, Z)``, not empty.
        grid: Its grid.
        sample_mm: Their distance; at least a voxel.
    """
    steps = [max(1, round(sample_mm / edge)) for edge in grid.spacing_mm]
    index = np.argwhere(mask[:: steps[0], :: steps[1], :: steps[2]]) * steps
    if not len(index):
        index = np.argwhere(mask)
    return apply_affine(grid.affine, index)
