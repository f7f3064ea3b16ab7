"""A phantom whose volumes, distances and ratios can be worked out by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

SHAPE = (64, 76, 60)
SPACING_MM = (2.0, 2.0, 2.0)
CENTRE = (32, 38, 30)
TUMOUR = (46, 38, 32)

INTENSITIES = {
    # white, grey, fluid, ED, NCR, ET
    0: (1.0, 0.8, 0.4, 0.85, 0.7, 0.9),
    1: (1.0, 0.85, 0.45, 0.9, 0.75, 1.6),
    2: (1.0, 1.2, 2.5, 1.6, 2.2, 1.7),
    3: (1.0, 1.05, 0.5, 1.7, 1.5, 1.6),
}


@dataclass(frozen=True, eq=False)
class Phantom:
    """Ellipsoid of grey around white matter, a fluid ball in its middle, a tumour of nested balls."""

    contrasts: np.ndarray
    labels: np.ndarray
    brain: np.ndarray
    spacing_mm: tuple[float, float, float]


def ball(centre: tuple[int, int, int], radius: float) -> np.ndarray:
    """Voxels within a radius in voxels."""
    grid = np.indices(SHAPE) - np.array(centre).reshape(3, 1, 1, 1)
    return (grid**2).sum(axis=0) <= radius**2


def build(*, tumour: bool = True) -> Phantom:
    """NCR of radius 4, ET to 6, ED to 10 voxels of 2 mm; a thousandth of noise, so that nothing is constant."""
    grid = (np.indices(SHAPE) - np.array(CENTRE).reshape(3, 1, 1, 1)) / np.array([26, 32, 25]).reshape(3, 1, 1, 1)
    radius = np.sqrt((grid**2).sum(axis=0))
    brain = radius <= 1
    parts = np.where(radius <= 0.75, 0, 1)
    parts[ball(CENTRE, 8)] = 2
    labels = np.zeros(SHAPE, np.uint8)
    if tumour:
        for limit, label in ((10, 2), (6, 3), (4, 1)):
            labels[ball(TUMOUR, limit) & brain] = label
    parts = np.select([labels == 2, labels == 1, labels == 3], [3, 4, 5], parts)
    rng = np.random.default_rng(1)
    noise = 1 + 0.001 * rng.standard_normal((4, *SHAPE))
    contrasts = np.stack([np.array(INTENSITIES[index])[parts] for index in range(4)]) * noise * brain
    return Phantom(contrasts.astype(np.float32), labels, brain, SPACING_MM)


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """The phantom with its tumour."""
    return build()


@pytest.fixture(scope="session")
def healthy_phantom() -> Phantom:
    """The phantom without a tumour."""
    return build(tumour=False)
