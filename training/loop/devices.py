"""One device or several: how a system puts its networks on them, and takes an optimisation step there."""

import math
from collections.abc import Mapping
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from training.loop.options import LoopOptions
from training.loop.system import Step, Stopwatch


def set_up(fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer) -> nn.Module:
    """Puts a network, channels last, and its optimiser on the fabric's device.

    Returns:
        The network as the fabric runs it (precision, data parallel); network and optimiser themselves stay usable.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types only its tensors so
    wrapped, _ = fabric.setup(network, optimizer)
    return cast(nn.Module, wrapped)


def descend(
    fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer, *, loss: Tensor, clip: float = math.inf
) -> None:
    """Takes one optimiser step down the gradient of a loss.

    Args:
        fabric: The run's.
        network: The plain network.
        optimizer: Its plain optimiser.
        loss: Scalar.
        clip: Largest norm of the gradient.
    """
    optimizer.zero_grad()
    fabric.backward(loss)
    if math.isfinite(clip):
        nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()


def step_of(options: LoopOptions, number: int, fabric: Fabric, data: Stopwatch) -> Step:
    """Returns a step as this device does it."""
    share = options.parts // fabric.world_size
    first = fabric.global_rank * share
    return Step(number, options.seed, range(first, first + share), options.batch // options.parts, data)


def mean_over_devices(fabric: Fabric, losses: Mapping[str, float]) -> dict[str, float]:
    """Returns the losses' means over the devices."""
    if fabric.world_size == 1:
        return dict(losses)
    values = torch.tensor([losses[name] for name in sorted(losses)], dtype=torch.float64, device=fabric.device)
    means = cast(Tensor, fabric.all_reduce(values, reduce_op="mean"))
    return dict(zip(sorted(losses), means.tolist(), strict=True))
