"""A head made of formulas, so that it can be sampled exactly on any grid and in any position."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from gliosynth.geometry import Grid, apply_affine
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.preprocessing.case import Case, assemble_case
from gliosynth.volume import Affine, Volume

BRAIN_MM = np.array([60.0, 72.0, 55.0])
SCALP_MM = 14.0
SKULL_MM = (3.0, 9.0)


@dataclass(frozen=True)
class Phantom:
    """An ellipsoidal brain with ventricles and blobs; optionally a dark skull and a bright scalp around it.

    Attributes:
        seed: The subject: where the blobs are.
        skull: Whether there is a head around the brain.
    """

    seed: int = 0
    skull: bool = False

    def volume(self, contrast: Contrast, grid: Grid, *, pose: Affine | None = None) -> Volume[np.int16]:
        """Returns the image of one contrast; `pose` maps the grid's world to the phantom's."""
        points = apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
        if pose is not None:
            points = apply_affine(pose, points)
        signal = self._signal(contrast, points)
        return Volume(np.rint(signal * 500).astype(np.int16), grid.affine, str(contrast))

    def brain(self, grid: Grid) -> Volume[np.bool_]:
        """Returns the true brain mask."""
        points = apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
        return Volume(self._depth(points) < 0, grid.affine, "brain")

    def case(self, grids: dict[Contrast, Grid], poses: dict[Contrast, Affine] | None = None) -> Case:
        """Returns the four contrasts, each on its grid and in its pose."""
        return assemble_case([(c, self.volume(c, grids[c], pose=(poses or {}).get(c))) for c in CONTRASTS])

    def _depth(self, points: np.ndarray) -> np.ndarray:
        """Returns about how many mm a point lies outside the brain."""
        return (np.linalg.norm(points / BRAIN_MM, axis=-1) - 1) * BRAIN_MM.min()

    def _signal(self, contrast: Contrast, points: np.ndarray) -> np.ndarray:
        number = CONTRASTS.index(contrast)
        rng = np.random.default_rng(self.seed)
        depth = self._depth(points)
        tissue = np.zeros(depth.shape)
        for centre, width in zip(rng.normal(0, 0.45, (40, 3)) * BRAIN_MM, rng.uniform(4, 11, 40), strict=True):
            tissue += np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
        # Subject 0 has its ventricles in the middle, another has them elsewhere and turned.
        place = points - rng.normal(0, 15, 3) * (self.seed > 0)
        size = (7, 25, 9) if self.seed == 0 else (14, 9, 20)
        fluid = np.linalg.norm((np.abs(place) - (12, 0, 5)) / size, axis=-1) < 1
        grey, csf = ((0.6, 0.3), (0.65, 0.35), (1.5, 3.0), (1.3, 0.4))[number]
        inside = np.where(fluid, csf, 1.0 + (grey - 1.0) * np.clip(tissue, 0, 1.5))
        if not self.skull:
            return np.where(depth < 0, inside, 0.0)
        head = np.where(depth < SKULL_MM[0], 0.7 * csf, np.where(depth < SKULL_MM[1], 0.04, 1.6))
        return np.where(depth < 0, inside, np.where(depth < SCALP_MM, head, 0.01))


@pytest.fixture(scope="session")
def phantom() -> Callable[..., Phantom]:
    """Returns the maker of phantoms."""
    return Phantom


def rotation(axis: int, degrees: float) -> np.ndarray:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[first, first] = matrix[second, second] = c
    matrix[first, second], matrix[second, first] = -s, s
    return matrix


def centred_grid(shape: tuple[int, int, int], directions: np.ndarray, spacing_mm: tuple[float, float, float]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = directions @ np.diag(spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid.of(shape, affine)


@pytest.fixture(scope="session")
def square_grid() -> Grid:
    """3 mm isotropic RAS, large enough for the head."""
    return centred_grid((56, 64, 54), np.eye(3), (3.0, 3.0, 3.0))


@pytest.fixture(scope="session")
def oblique_grid() -> Grid:
    """Anisotropic (2.5 x 2.8 x 5.5 mm), rotated about two axes, X to the left and Z to the feet."""
    turned = rotation(0, 14.0) @ rotation(2, -9.0)
    return centred_grid((70, 68, 30), turned @ np.diag([-1.0, 1.0, -1.0]), (2.5, 2.8, 5.5))


@pytest.fixture(scope="session")
def small_pose() -> Affine:
    """A rigid motion of 6, -4 and 8 degrees and 5, -3 and 4 mm."""
    pose = np.eye(4)
    pose[:3, :3] = rotation(0, 6.0) @ rotation(1, -4.0) @ rotation(2, 8.0)
    pose[:3, 3] = (5.0, -3.0, 4.0)
    return pose
