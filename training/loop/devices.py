"""One device or several: how a system puts its networks on them, and takes an optimisation step there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from training.loop.batch_norm import share_batch_norm
from training.loop.options import LoopOptions
from training.loop.stopwatch import Stopwatch
from training.loop.system import Step


def set_up(fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer) -> nn.Module:
    """Puts a network, channels last, and its optimiser on the fabric's device.

    On several devices every device starts from the first one's weights, gradients are averaged, and batch norm takes
    the whole batch's statistics.

    Returns:
        The network as the fabric runs it (precision, data parallel); network and optimiser themselves stay usable.
    """
    if fabric.world_size > 1:
        share_batch_norm(network)
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


@dataclass(frozen=True)
class Agreed:
    """What the devices agree on after a step.

    Attributes:
        losses: Means over the devices.
        elapsed_s: Seconds the slowest needed.
        stop: Whether one of them was asked to stop.
    """

    losses: Mapping[str, float]
    elapsed_s: float
    stop: bool


def agree(fabric: Fabric, losses: Mapping[str, float], *, elapsed_s: float, stop: bool) -> Agreed:
    """Returns what the devices agree on; they must end at the same step, or one would wait for the others for ever."""
    if fabric.world_size == 1:
        return Agreed(dict(losses), elapsed_s, stop)
    names = sorted(losses)
    values = torch.tensor([*(losses[name] for name in names)], dtype=torch.float64, device=fabric.device)
    most = torch.tensor([elapsed_s, float(stop)], dtype=torch.float64, device=fabric.device)
    means = cast(Tensor, fabric.all_reduce(values, reduce_op="mean")).tolist()
    slowest, stopped = cast(Tensor, fabric.all_reduce(most, reduce_op="max")).tolist()
    return Agreed(dict(zip(names, means, strict=True)), slowest, stopped > 0)
