"""The simulator as training uses it: named presets, and the shifted validation sets."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from gliosynth.anatomy import Anatomy, load_anatomies
from gliosynth.contrast.settings import SHIFTED, TRAINING, TUMOUR_FREE, SimulatorSettings, preset
from gliosynth.contrast.simulate import SimulatedCase, simulate_case
from gliosynth.preprocessing.intensity import normalise
from training.data.ring import Ring, RingShape, Simulate, feed

LOG = logging.getLogger("training.data.simulated")

VALIDATION_PRESETS: Final = tuple(settings.name for settings in (*SHIFTED, TUMOUR_FREE))
"""Names of the shifted simulators, of which the worst counts."""

VALIDATION_SEED: Final = 20_000
"""Base of the seeds of validation volumes, far from those of training."""

HELD_OUT: Final = ("head_19", "head_20")
"""Anatomies of the validation volumes, never seen in training."""


def simulator(name: str) -> Simulate:
    """Returns the function that makes a volume of a named preset on a random anatomy, z-scored as the service does.

    Raises:
        InvalidParameterError: No preset has this name.
    """
    settings = preset(name)
    return simulator_of(settings, held_out=settings is not TRAINING)


def simulator_of(settings: SimulatorSettings, *, held_out: bool) -> Simulate:
    """Returns the function that makes a volume of some settings, z-scored as the service does.

    Args:
        settings: Of the simulator.
        held_out: Whether its anatomies are those of validation or those of training.
    """
    return simulator_on(settings, [anatomy for anatomy in load_anatomies() if (anatomy.name in HELD_OUT) == held_out])


def simulator_on(settings: SimulatorSettings, anatomies: Sequence[Anatomy]) -> Simulate:
    """Returns the function that makes a volume of some settings on one of some anatomies.

    Args:
        settings: Of the simulator.
        anatomies: At least one; each is equally likely.
    """

    def simulate(rng: np.random.Generator) -> SimulatedCase:
        case = simulate_case(anatomies[int(rng.integers(len(anatomies)))], settings=settings, rng=rng)
        scores = np.stack([normalise(contrast, case.brain) for contrast in case.contrasts])
        return replace(case, contrasts=scores)

    return simulate


def fill_validation(folder: Path, *, volumes: int, shape: RingShape | None = None) -> None:
    """Simulates the validation volumes of every shifted preset that the folder does not hold yet.

    Args:
        folder: Of one ring a preset.
        volumes: Of each; 0 takes the folder as it lies.
        shape: Size of the rings, but for their slots.
    """
    for number, name in enumerate(VALIDATION_PRESETS if volumes else ()):
        ring = Ring.create(folder / name, replace(shape or RingShape(), slots=volumes))
        missing = range(ring.next_volume if ring.filled else 0, volumes)
        if missing:
            LOG.info("simulating %d validation volumes of %s", len(missing), name)
            feed(ring, simulator(name), seed=VALIDATION_SEED + number, numbers=missing)
