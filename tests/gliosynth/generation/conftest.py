"""A network that can be worked out by hand, and a small simulated case, for the tests of this folder."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.anatomy import load_anatomy
from gliosynth.brain_map import BrainChannel
from gliosynth.contrast.settings import COHORT
from gliosynth.contrast.simulate import SimulatedCase, simulate_case
from gliosynth.generation import GeneratorNetwork, NetworkIdentity, SliceSize
from gliosynth.labels import CONTRASTS, Contrast
from gliosynth.tumour.settings import GridSettings

LookUp = Callable[..., GeneratorNetwork]
"""Returns a network that paints each channel of a brain map in one intensity."""

LEVELS = np.array([0.3, 0.9, 0.7, 0.8, 0.6, 0.4, 0.2, 0.0], dtype=np.float32)
"""Unit intensity of each `BrainChannel`, in the first contrast; the n-th contrast has it times 1 / n."""


def _look_up(
    contrasts: tuple[Contrast, ...] = CONTRASTS,
    *,
    size: SliceSize | None = None,
    batch_size: int = 3,
    seen: list[NDArray[np.uint8]] | None = None,
) -> GeneratorNetwork:
    shares = np.array([1.0 / (CONTRASTS.index(contrast) + 1) for contrast in contrasts], dtype=np.float32)

    def generate(brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        if seen is not None:
            seen.append(brain_maps)
        return LEVELS[brain_maps] * shares[:, None, None]

    identity = NetworkIdentity(f"look_up_{'_'.join(contrasts)}", "1", "sha256:0", "numpy", "nothing")
    return GeneratorNetwork(identity, contrasts, size or SliceSize(multiple=16), batch_size, generate)


@pytest.fixture(scope="session")
def look_up() -> LookUp:
    """Networks of one table; `seen` collects the batches that they are given."""
    return _look_up


@pytest.fixture(scope="session")
def levels() -> NDArray[np.float32]:
    """Unit intensity of each channel in the first contrast."""
    assert len(LEVELS) == len(BrainChannel)
    return LEVELS


def _simulated(seed: int, *, free_share: float = 0.0) -> SimulatedCase:
    grid = GridSettings(shape=(40, 48, 40), spacing_mm=(4.0, 4.0, 4.0))
    settings = replace(COHORT, grid=grid, tumour=replace(COHORT.tumour, free_share=free_share))
    return simulate_case(load_anatomy("head_03"), settings=settings, rng=np.random.default_rng(seed))


@pytest.fixture(scope="session")
def base() -> SimulatedCase:
    """A case with a tumour, 40 x 48 x 40 voxels of 4 mm."""
    return _simulated(3)


@pytest.fixture(scope="session")
def free() -> SimulatedCase:
    """A case without a tumour."""
    return _simulated(4, free_share=1.0)
