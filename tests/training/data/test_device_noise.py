"""Noise from the device, on the device that every machine has."""

from dataclasses import replace

import numpy as np
import torch
from array_api_compat import array_namespace

from gliosynth.anatomy import load_anatomy
from gliosynth.contrast.settings import TRAINING
from gliosynth.contrast.simulate import SimulatedCase, simulate_case
from gliosynth.separable import white_noise
from gliosynth.tumour.settings import GridSettings
from training.data.device_noise import DeviceNoise

SETTINGS = replace(
    TRAINING,
    grid=GridSettings(shape=(44, 52, 24), spacing_mm=(4.0, 4.0, 6.0)),
    tumour=replace(TRAINING.tumour, free_share=0.0),
)


def simulate(seed: int) -> SimulatedCase:
    """Returns a case whose noise torch draws."""
    noise = DeviceNoise(seed, device="cpu")
    return simulate_case(load_anatomy("head_05"), settings=SETTINGS, rng=noise, xp=torch)


def test_only_volumes_of_other_libraries_come_from_the_device() -> None:
    """Torch's volumes are drawn by torch; NumPy's volumes and all else are what NumPy draws."""
    noise, plain = (
        DeviceNoise(1, device="cpu"),
        np.random.Generator(np.random.PCG64(np.random.SeedSequence(1).spawn(1)[0])),
    )
    drawn = white_noise(noise, (8, 8, 8), xp=array_namespace(torch.zeros(1)))
    assert isinstance(drawn, torch.Tensor)
    np.testing.assert_array_equal(
        white_noise(noise, (8, 8, 8), xp=np), plain.standard_normal((8, 8, 8), dtype=np.float32)
    )
    assert noise.uniform() == plain.uniform()
    ours = white_noise(np.random.default_rng(5), (8, 8, 8), xp=array_namespace(torch.zeros(1)))
    np.testing.assert_array_equal(ours.numpy(), np.random.default_rng(5).standard_normal((8, 8, 8), dtype=np.float32))


def test_volumes_are_white_and_normal() -> None:
    """Mean 0, variance 1, no correlation of neighbours, and another volume at every call."""
    noise = DeviceNoise(2, device="cpu")
    first, second = (noise.white_volume((64, 64, 64)).numpy() for _ in range(2))
    assert abs(first.mean()) < 0.01
    assert abs(first.var() - 1.0) < 0.02
    assert abs(np.corrcoef(first[1:].ravel(), first[:-1].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01


def test_a_case_depends_on_its_seed_alone() -> None:
    """The same seed gives the same case, another one does not; the case is sound."""
    case, again, other = simulate(3), simulate(3), simulate(4)
    assert torch.equal(case.contrasts, again.contrasts)
    assert torch.equal(case.labels, again.labels)
    assert not torch.equal(case.contrasts, other.contrasts)
    assert torch.isfinite(case.contrasts).all()
    assert (case.labels > 0).any()
    assert not case.contrasts[:, ~case.brain].any()
