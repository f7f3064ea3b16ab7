"""Movements put together: where each point of the edited map came from, in world mm."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, map_coordinates

from gliosynth.errors import InvalidParameterError
from gliosynth.geometry import Box, Grid, Points, apply_affine, crop_affine
from gliosynth.labels import LabelMap, Mask, labels_from_regions
from gliosynth.separable import apply_separable, linear_matrix
from gliosynth.tumour_map.signed_distance import (
    MARGIN_VOXELS,
    Field,
    Fields,
    RegionField,
    lowest_places,
    voxel_ml_of,
)
from gliosynth.volume import Affine

LATTICE: Final = 16
"""Nodes of a bend along each direction; it repeats beyond them, and no tumour is as long as sixteen of its scales."""

NODE_MM: Final = 2.0
"""Distance of the nodes on which bent movements are followed, mm: half the shortest wave of a bend."""

GRAIN_PER_MM: Final = np.float32(4096.0)
"""Distances are compared in grains of this many a mm, so that another machine's rounding orders them alike."""

MOST_VOXELS: Final = 1 << 25
"""Most voxels in the box of a moved tumour: four heads of 1 mm."""

NUDGE_MM: Final = (0.004, 0.003, 0.002)
"""Every source is read this far beside its place, mm RAS: a surface that comes to lie on voxel centres then gains the
voxels of one side and loses those of the other, instead of some of both."""

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
        return apply_affine(inverse_of(self.forward), points)


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
        """Returns where the corners ``(N, 3)`` of boxes come to, bends aside."""
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


def _check_size(shape: NDArray[np.int64], grid: Grid) -> None:
    """Refuses a tumour that has become larger than any head, before memory is taken for it."""
    if np.prod(shape.astype(np.float64)) <= MOST_VOXELS:
        return
    extents_mm = " x ".join(f"{size * edge:.0f}" for size, edge in zip(shape, grid.spacing_mm, strict=True))
    raise InvalidParameterError(
        f"factor: the tumour would fill a box of {extents_mm} mm, larger than a head; scale it less",
        field="factor",
        got=extents_mm,
        reason="TUMOUR_TOO_LARGE",
    )


def inverse_of(affine: Affine) -> Affine:
    """Returns the inverse of an affine ``(4, 4)``."""
    return np.asarray(np.linalg.inv(affine), dtype=np.float64)


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
    sources = _Sources(path, Grid.of(box.shape, crop_affine(grid.affine, box)))
    masks: list[Mask] = []
    within: NDArray[np.int64] | None = None
    for region in fields:
        within = _taken(region, within, sources, path, grid)
        mask = np.zeros(box.shape, dtype=np.bool_)
        mask.reshape(-1)[within] = True
        masks.append(mask)
    return Moved(labels_from_regions(*masks), box)


def _taken(
    region: RegionField | None, within: NDArray[np.int64] | None, sources: "_Sources", path: Path, grid: Grid
) -> NDArray[np.int64]:
    """Returns the places of a moved region in the flat box, chosen within those of the region around it."""
    if region is None:
        return np.zeros(0, dtype=np.int64)
    values = np.rint(sources.read(region, within) * GRAIN_PER_MM)
    count = round(region.count * path.volume_factor * voxel_ml_of(region.grid) / voxel_ml_of(grid))
    return lowest_places(values, np.arange(values.size) if within is None else within, count)


class _Sources:
    """Where the voxels of a target came from: an affine, or a displacement that is linear between coarse nodes."""

    def __init__(self, path: Path, target: Grid) -> None:
        self._target = target
        self._turn: Affine | None = None
        self._dense: Points | None = None
        if all(isinstance(step, Turn) for step in path.steps):
            forward = path.steps[0].forward if path.steps and isinstance(path.steps[0], Turn) else np.eye(4)
            self._turn = _nudged(inverse_of(forward) @ target.affine)
        else:
            self._dense = _dense_sources(path, target)

    def read(self, region: RegionField, places: NDArray[np.int64] | None) -> Field:
        """Returns a region's field at the sources, flat; outside its box the nearest known distance stands.

        Args:
            region: The region.
            places: Voxels of the flat target, or None for all.
        """
        to_source = inverse_of(region.grid.affine)
        values: Field
        if self._turn is not None:
            matrix = to_source @ self._turn
            if places is None:
                linear, offset = matrix[:3, :3], matrix[:3, 3]
                values = affine_transform(region.distances, linear, offset, self._target.shape, order=1, mode="nearest")
                return values.reshape(-1)
            index = apply_affine(matrix, np.stack(np.unravel_index(places, self._target.shape), axis=-1))
        else:
            index = apply_affine(to_source, self._points(places))
        values = map_coordinates(region.distances, index.T, order=1, mode="nearest")
        return values

    def _points(self, places: NDArray[np.int64] | None) -> Points:
        points = np.asarray(self._dense).reshape(-1, 3)
        return points if places is None else points[places]


def _nudged(affine: Affine) -> Affine:
    moved = affine.copy()
    moved[:3, 3] += NUDGE_MM
    return moved


def _dense_sources(path: Path, target: Grid) -> Points:
    """Returns the source ``(X, Y, Z, 3)`` in world mm of every voxel of a target.

    The path is followed on nodes `NODE_MM` apart and linear in between, where affine steps are exact.
    """
    nodes = [
        np.linspace(0.0, size - 1.0, max(2, int(np.ceil((size - 1) * edge / NODE_MM)) + 1))
        for size, edge in zip(target.shape, target.spacing_mm, strict=True)
    ]
    voxels = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1)
    sources = path.sources_of(apply_affine(target.affine, voxels)) + np.asarray(NUDGE_MM)
    operators = [
        linear_matrix(np.arange(size, dtype=np.float64), axis) for size, axis in zip(target.shape, nodes, strict=True)
    ]
    dense = [apply_separable(sources[..., axis].astype(np.float32), *operators) for axis in range(3)]
    return np.stack(dense, axis=-1).astype(np.float64)


def _target_box(fields: Fields, path: Path, grid: Grid) -> Box:
    """Returns the box of the grid, perhaps beyond it, that the moved tumour's box fills."""
    corners = path.corners_of(np.concatenate([region.grid.corners for region in fields if region is not None]))
    index = apply_affine(inverse_of(grid.affine), corners)
    reach = path.reach_mm / np.asarray(grid.spacing_mm)
    low = np.floor(index.min(axis=0) - reach).astype(int) - MARGIN_VOXELS
    high = np.ceil(index.max(axis=0) + reach).astype(int) + 1 + MARGIN_VOXELS
    _check_size(high - low, grid)
    return Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))
