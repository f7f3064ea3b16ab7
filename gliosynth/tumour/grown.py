"""The grown family: a tumour's growth on a coarse grid, read as scores in mm on the grid of the case.

Voxels are ranked by when cells came (and by how many died); a rank becomes the radius in mm of the ball of that many
voxels. So grown shapes are scored in the unit of the noisy ellipsoids, and all that follows is shared.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Final

import numpy as np
from array_api_compat import array_namespace, device, to_device
from numpy.typing import NDArray

from gliosynth.elementary import exp, power
from gliosynth.separable import Array, Matrix, apply_separable, linear_matrix, random_field, smooth
from gliosynth.tumour.growth import GREY_SHARE, CellKinetics, Field, GrowthFields, Host, solve
from gliosynth.tumour.terrain import Terrain

CELLS_PER_RADIUS: Final = 5.0
"""Voxels of the coarse grid in a tumour's radius, at least."""

TRACT_SIGMA_MM: Final = 4.0
"""Smoothing of white matter that tells bundles of tracts from its thin blades in the gyri, mm."""

TRACT_SHARES: Final = (0.55, 0.95)
"""Smoothed share of white matter at which tracts begin and are full."""

SPARE: Final = 1.1
"""Growth goes on to this multiple of the wanted volume, so that the case's grid has voxels to choose from."""

TIE: Final = 1e-3
"""Weight of the exposure where equally many cells have died."""


@dataclass(frozen=True, eq=False)
class GrownScores:
    """Scores of a grown tumour on the case's grid, ``(X, Y, Z)`` float32 mm.

    Attributes:
        arrival: Small where cells came early; on the surface of the planned volume it equals the ball's radius.
        decay: Small where most cells have died.
        steps: Time steps that growth took.
    """

    arrival: Array
    decay: Array
    steps: int


@dataclass(frozen=True)
class CoarseGrid:
    """The cubic grid of a growth, inside a tumour's box.

    Attributes:
        positions_mm: Three vectors: coarse positions in mm from the box's first voxel.
        edges_mm: Voxel edges of the box, mm.
        pitch_mm: Edge of the coarse voxels, mm.
        shape: Voxels of the box.
    """

    positions_mm: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    edges_mm: tuple[float, float, float]
    pitch_mm: float
    shape: tuple[int, int, int]

    def down(self) -> tuple[Matrix, Matrix, Matrix]:
        """Returns the matrices from the box to the coarse grid."""
        x, y, z = (
            linear_matrix(positions / edge, np.arange(size, dtype=np.float64))
            for positions, edge, size in zip(self.positions_mm, self.edges_mm, self.shape, strict=True)
        )
        return x, y, z

    def up(self) -> tuple[Matrix, Matrix, Matrix]:
        """Returns the matrices from the coarse grid to the box."""
        x, y, z = (
            linear_matrix(np.arange(size, dtype=np.float64) * edge, positions)
            for positions, edge, size in zip(self.positions_mm, self.edges_mm, self.shape, strict=True)
        )
        return x, y, z


def coarse_grid(terrain: Terrain, pitch_mm: float) -> CoarseGrid:
    """Returns the coarse grid of a box: from its first voxel on, at least two voxels along each axis."""
    lengths = [(size - 1) * edge for size, edge in zip(terrain.shape, terrain.spacing_mm, strict=True)]
    x, y, z = (np.arange(max(int(length / pitch_mm) + 1, 2), dtype=np.float64) * pitch_mm for length in lengths)
    return CoarseGrid((x, y, z), terrain.spacing_mm, pitch_mm, terrain.shape)


def grow_scores(
    terrain: Terrain,
    kinetics: CellKinetics,
    *,
    volume_ml: float,
    radius_mm: float,
    pitch_mm: float,
    rng: np.random.Generator,
) -> GrownScores:
    """Returns the scores of a tumour that has grown from the box's centre.

    Args:
        terrain: Where it grows.
        kinetics: The constants.
        volume_ml: Whole tumour.
        radius_mm: Radius of the ball of that volume.
        pitch_mm: Edge of the coarse voxels where the radius is large enough.
        rng: Source of the heterogeneity.
    """
    xp = array_namespace(terrain.white)
    grid = coarse_grid(terrain, min(pitch_mm, radius_mm / CELLS_PER_RADIUS))
    host = host_of(terrain, grid, kinetics, radius_mm, rng)
    if not host.mobility.any():
        unreached = xp.full(terrain.shape, float("inf"), dtype=xp.float32, device=device(terrain.white))
        return GrownScores(unreached, unreached, 0)
    fields = solve(host, kinetics, seed=_seed(host, terrain, grid), volume_ml=SPARE * volume_ml)
    return _scores(fields, grid, terrain, xp)


def host_of(
    terrain: Terrain, grid: CoarseGrid, kinetics: CellKinetics, radius_mm: float, rng: np.random.Generator
) -> Host:
    """Returns the tissue on the coarse grid: mobility by white matter and tracts, vigour by smooth noise."""
    pitch = (grid.pitch_mm,) * 3
    white = _coarse(terrain.white, grid)
    allowed = _coarse(terrain.allowed, grid) > 0.5
    low, high = TRACT_SHARES
    tracts = np.clip((smooth(white, TRACT_SIGMA_MM, pitch) - low) / (high - low), 0.0, 1.0)
    mobility = (GREY_SHARE + (1.0 - GREY_SHARE) * white) * (1.0 + kinetics.tract_gain * tracts * white)
    noise = random_field(rng, white.shape, spacing_mm=pitch, sigma_mm=max(radius_mm / 3.0, grid.pitch_mm), xp=np)
    vigour = np.clip(exp(np.float32(kinetics.heterogeneity) * noise), 0.2, 3.0)
    return Host(np.where(allowed, mobility, 0.0).astype(np.float32), vigour.astype(np.float32), grid.pitch_mm)


def ball_scores(field: Field, pitch_mm: float) -> Field:
    """Returns, for each voxel, the radius in mm of the ball of all voxels with a larger value; 0 values give infinity.

    Args:
        field: ``(A, B, C)`` float32, at least 0.
        pitch_mm: Edge of the cubic voxels, mm.
    """
    flat = field.ravel()
    reached = np.flatnonzero(flat > 0)
    order = reached[np.argsort(-flat[reached], kind="stable")]
    scores = np.full(flat.size, np.inf, dtype=np.float32)
    volumes_mm3 = (np.arange(order.size) + 0.5) * pitch_mm**3
    scores[order] = power(3.0 * volumes_mm3 / (4.0 * np.pi), 1.0 / 3.0)
    return scores.reshape(field.shape)


def _scores(fields: GrowthFields, grid: CoarseGrid, terrain: Terrain, xp: ModuleType) -> GrownScores:
    """Returns the scores of grown fields on the case's grid."""
    arrival = ball_scores(fields.exposure, grid.pitch_mm)
    exposed = np.where(fields.exposure > 0, TIE * fields.exposure / fields.exposure.max() + 1e-12, 0.0)
    dead = np.where(fields.exposure > 0, fields.necrotic, 0.0) + exposed
    decay = ball_scores(dead.astype(np.float32), grid.pitch_mm)
    where = device(terrain.white)
    reached = np.isfinite(arrival)
    up = grid.up()
    weight = apply_separable(xp.asarray(reached.astype(np.float32), device=where), *up)
    fine = []
    for score in (arrival, decay):
        filled = np.where(reached, score, np.float32(0.0)).astype(np.float32)
        value = apply_separable(xp.asarray(filled, device=where), *up) / xp.clip(weight, 0.05, 1.0)
        fine.append(xp.where(weight > 0.05, value, xp.asarray(float("inf"), dtype=value.dtype, device=where)))
    return GrownScores(fine[0], fine[1], fields.steps)


def _coarse(array: Array, grid: CoarseGrid) -> Field:
    """Returns an array of the box on the coarse grid, in NumPy."""
    xp = array_namespace(array)
    coarse = apply_separable(xp.astype(array, xp.float32), *grid.down())
    return np.asarray(to_device(coarse, "cpu"), dtype=np.float32)


def _seed(host: Host, terrain: Terrain, grid: CoarseGrid) -> tuple[int, int, int]:
    """Returns the coarse voxel nearest to the tumour's centre in which cells can move."""
    distance = np.zeros(host.mobility.shape, dtype=np.float32)
    for axis, (positions, offset) in enumerate(zip(grid.positions_mm, terrain.offsets_mm, strict=True)):
        view = [1, 1, 1]
        view[axis] = positions.size
        first = float(offset.reshape(-1)[0])
        distance += np.reshape((positions + first) ** 2, view).astype(np.float32)
    distance[host.mobility <= 0] = np.inf
    x, y, z = np.unravel_index(int(distance.argmin()), distance.shape)
    return int(x), int(y), int(z)
