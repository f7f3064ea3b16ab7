"""Noise drawn on the device that simulates: for streams on a GPU, where NumPy's noise would be the slowest part.

By default every library simulates from NumPy's noise, so that NumPy and torch give the same case (up to rounding); that
costs a draw on the host and a copy to the device for every white volume. `DeviceNoise` is the option: a generator whose
parameters still come from NumPy, while white volumes come from torch's own generator on the device. A case then depends
on its seed, on the device's kind and on torch's version.

    with torch.device("cuda"):
        case = simulate_case(anatomy, settings=TRAINING, rng=DeviceNoise(seed, device="cuda"), xp=torch)
"""

from collections.abc import Sequence

import numpy as np
import torch


class DeviceNoise(np.random.Generator):
    """A NumPy generator that also draws white volumes on a torch device (`gliosynth.separable.DrawsVolumes`)."""

    def __init__(self, seed: int, *, device: str) -> None:
        """Seeds both streams.

        Args:
            seed: At least 0.
            device: Torch's name of the device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        """
        host, other = np.random.SeedSequence(seed).spawn(2)
        super().__init__(np.random.PCG64(host))
        self._volumes = torch.Generator(device=device)
        self._volumes.manual_seed(int(other.generate_state(1, np.uint64)[0] >> np.uint64(1)))

    def white_volume(self, shape: Sequence[int]) -> torch.Tensor:
        """Returns independent normal numbers of a shape, float32, on the device."""
        return torch.randn(tuple(shape), generator=self._volumes, device=self._volumes.device)
