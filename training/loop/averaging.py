"""The exponential moving average of a system's weights, which is what is validated and shipped."""

import copy

import torch
from torch import nn

from training.loop.system import System


def averages_of(system: System) -> dict[str, nn.Module]:
    """Returns copies of the networks whose average is kept, in evaluation mode."""
    return {name: copy.deepcopy(system.trained[name]).eval().requires_grad_(False) for name in system.averaged}


def decay_at(step: int, *, ema: float) -> float:
    """Returns the decay of a step: rises to ``ema``, so that the first weights are soon forgotten."""
    return min(ema, (1 + step) / (10 + step))


def average_into(averaged: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Moves averaged weights and batch statistics a share of 1 - decay towards the network's; copies counters."""
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(new)
