"""Movements put together: where each point of the edited map came from, in world mm."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, map_coordinates

from gliosynth.geometry import Box, Grid, Points, apply_affine, crop_affine
from gliosynth.labels import LabelMap, Mask, labels_from_regions
from gliosynth.tumour_map.signed_distance import MARGIN_VOXELS, Field, Fields, lowest, voxel_ml_of
from gliosynth.volume import Affine

LATTICE: Final = 16
"""Nodes of a bend along each direction; it repeats beyond them, and no tumour is as long as sixteen of its scales."""

BEND_REACH: Final = 4.0
"""A bend moves no point farther than about this many standard deviations."""


@dataclass(frozen=True, eq=False)
class Bend:
    """A smooth displacement, the same in mm on every grid.

    Attributes:
        nodes: ``(3, LATTICE, LATTICE, LATTICE)`` float64: displacement in mm at each node, RAS+.
        centre_mm: ``(3,)``: where the first node lies, world mm.
        scale_mm: Distance of the nodes.
        amount_mm: Standard deviation of the displacement.
    """

    nodes: NDArray[np.float64]
    centre_mm: Points
    scale_mm: float
    amount_mm: float

    def sources_of(self, points: Points) -> Points:
        """Returns where points came from.

        Args:
            points: ``(..., 3)`` world mm.
        """
        index = np.moveaxis((points - self.centre_mm) / self.scale_mm, -1, 0)
        moved = [map_coordinates(axis, index, order=3, mode="grid-wrap", prefilter=False) for axis in self.nodes]
        return np.asarray(points + np.stack(moved, axis=-1))


@dataclass(frozen=True, eq=False)
class Turn:
    """An affine step.

    Attributes:
        forward: ``(4, 4)``: world mm before to world mm after.
    """

    forward: Affine

    def sources_of(self, points: Points) -> Points:
        """Returns where points ``(..., 3)`` came from, world mm."""
        return apply_affine(_inverse(self.forward), points)


@dataclass(frozen=True, eq=False)
class Path:
    """A movement: affine steps and bends, in the order they were asked for.

    Attributes:
        steps: Neighbouring affine steps are one step.
        centroid_mm: ``(3,)``: where the tumour's centroid has come to, world mm.
    """

    centroid_mm: Points
    steps: tuple[Turn | Bend, ...] = field(default=())

    @property
    def volume_factor(self) -> float:
        """By what volumes change; bends keep them."""
        return float(np.prod([abs(np.linalg.det(turn.forward[:3, :3])) for turn in self._turns()]))

    @property
    def reach_mm(self) -> float:
        """How far bends may move a point, mm."""
        return BEND_REACH * sum(step.amount_mm for step in self.steps if isinstance(step, Bend))

    def turned(self, forward: Affine) -> Self:
        """Returns the movement with an affine step added.

        Args:
            forward: ``(4, 4)``, world mm before to world mm after.
        """
        centroid_mm = apply_affine(forward, self.centroid_mm)
        if self.steps and isinstance(self.steps[-1], Turn):
            joined = Turn(forward @ self.steps[-1].forward)
            return type(self)(centroid_mm, (*self.steps[:-1], joined))
        return type(self)(centroid_mm, (*self.steps, Turn(forward)))

    def bent(self, bend: Bend) -> Self:
        """Returns the movement with a bend added."""
        return type(self)(self.centroid_mm, (*self.steps, bend))

    def sources_of(self, points: Points) -> Points:
        """Returns where points ``(..., 3)`` came from, world mm."""
        for step in reversed(self.steps):
            points = step.sources_of(points)
        return points

    def corners_of(self, corners: Points) -> Points:
        """Returns where the corners ``(8, 3)`` of a box come to, bends aside."""
        for turn in self._turns():
            corners = apply_affine(turn.forward, corners)
        return corners

    def _turns(self) -> Sequence[Turn]:
        return [step for step in self.steps if isinstance(step, Turn)]


@dataclass(frozen=True, eq=False)
class Moved:
    """A tumour where a movement has taken it, nothing cut off yet.

    Attributes:
        labels: ``(x, y, z)`` uint8, the voxels of `box`.
        box: Where they lie; it may leave the grid.
    """

    labels: LabelMap
    box: Box


def make_bend(centroid_mm: Points, *, amount_mm: float, scale_mm: float, rng: np.random.Generator) -> Bend:
    """Returns a random displacement: white noise on nodes, cubic B-splines between them.

    Args:
        centroid_mm: ``(3,)``: the middle of what is bent.
        amount_mm: Standard deviation of the displacement along each direction.
        scale_mm: Distance of the nodes.
        rng: Random generator.
    """
    noise = rng.standard_normal((3, LATTICE, LATTICE, LATTICE))
    # A cubic B-spline of white noise has the variance of its squared weights: (1/6, 2/3, 1/6) at a node, and less
    # between two. The mean over positions is 151/315 along each direction (the spline of order 7 at 0).
    gain = (151.0 / 315.0) ** 1.5
    first = centroid_mm - scale_mm * (LATTICE - 1) / 2
    return Bend(noise * (amount_mm / gain), first, scale_mm, amount_mm)


def move(fields: Fields, path: Path, grid: Grid) -> Moved:
    """Returns the tumour at the end of a movement; every region has exactly the volume that the movement gives it.

    Args:
        fields: The tumour before.
        path: The movement.
        grid: The grid to draw on.
    """
    box = _target_box(fields, path, grid)
    sample = _sampler(fields, path, Grid.of(box.shape, crop_affine(grid.affine, box)))
    factor = path.volume_factor * fields.voxel_ml / voxel_ml_of(grid)
    masks: list[Mask] = []
    within = np.ones(box.shape, dtype=np.bool_)
    for distances, count in zip(fields.distances, fields.counts, strict=True):
        if distances is None:
            within = np.zeros(box.shape, dtype=np.bool_)
        else:
            within = lowest(sample(distances), within, round(count * factor))
        masks.append(within)
    return Moved(labels_from_regions(*masks), box)


class _Sampler:
    """Reads fields at the sources of every voxel of a target."""

    def __init__(self, fields: Fields, path: Path, target: Grid) -> None:
        to_source = _inverse(fields.grid.affine)
        self._shape = target.shape
        self._matrix: Affine | None = None
        self._index: Points | None = None
        if all(isinstance(step, Turn) for step in path.steps):
            forward = path.steps[0].forward if path.steps and isinstance(path.steps[0], Turn) else np.eye(4)
            self._matrix = to_source @ _inverse(forward) @ target.affine
        else:
            voxels = np.stack(np.meshgrid(*(np.arange(size) for size in target.shape), indexing="ij"), axis=-1)
            sources = path.sources_of(apply_affine(target.affine, voxels))
            self._index = np.moveaxis(apply_affine(to_source, sources), -1, 0)

    def __call__(self, distances: Field) -> Field:
        """Returns the field on the target; outside its box the nearest known distance stands."""
        values: Field
        if self._matrix is not None:
            values = affine_transform(
                distances, self._matrix[:3, :3], self._matrix[:3, 3], self._shape, order=1, mode="nearest"
            )
        else:
            values = map_coordinates(distances, self._index, order=1, mode="nearest")
        return values


def _sampler(fields: Fields, path: Path, target: Grid) -> _Sampler:
    return _Sampler(fields, path, target)


def _target_box(fields: Fields, path: Path, grid: Grid) -> Box:
    """Returns the box of the grid, perhaps beyond it, that the moved box fills."""
    corners = path.corners_of(fields.grid.corners)
    index = apply_affine(_inverse(grid.affine), corners)
    reach = path.reach_mm / np.asarray(grid.spacing_mm)
    low = np.floor(index.min(axis=0) - reach).astype(int) - MARGIN_VOXELS
    high = np.ceil(index.max(axis=0) + reach).astype(int) + 1 + MARGIN_VOXELS
    return Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))


def _inverse(affine: Affine) -> Affine:
    return np.asarray(np.linalg.inv(affine), dtype=np.float64)
