"""A stand-in for the simulator that makes a volume in a millisecond: a ball of tumour in a ball of brain."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BALL_SHAPE: Final = (60, 72, 10)
"""Voxels of a ball volume."""


@dataclass(frozen=True, eq=False)
class BallVolume:
    """A volume as `training.data.ring.SimulatedVolume` wants it.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32.
        labels: ``(X, Y, Z)`` uint8.
        brain: ``(X, Y, Z)``.
    """

    contrasts: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]


def simulate_ball(rng: np.random.Generator) -> BallVolume:
    """Returns NCR inside ET inside ED at a random place; T1 shows NCR, T1c ET, T2 and FLAIR all of it, each at +2."""
    axes = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in BALL_SHAPE), indexing="ij"))
    centre, radius = rng.uniform(-0.3, 0.3, (3, 1, 1, 1)), rng.uniform(0.3, 0.45)
    brain = (axes**2).sum(axis=0) < 0.9
    far = np.sqrt(((axes - centre) ** 2).sum(axis=0))
    shells = [far < 0.4 * radius, far < 0.7 * radius, far < radius]
    labels = np.select(shells, [1, 3, 2]).astype(np.uint8) * brain
    shown = np.stack([labels == 1, labels == 3, labels > 0, labels > 0]) * 2.0
    contrasts = (rng.normal(0, 0.3, shown.shape) + shown) * brain
    return BallVolume(contrasts.astype(np.float32), labels, brain)
