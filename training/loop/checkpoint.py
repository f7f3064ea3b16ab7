"""A run's state as named tensors: networks, averages, the optimisers' moments and what else the system keeps."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.loop.run_folder import below
from training.loop.system import System


def tensors_of(system: System, averages: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Returns everything that resuming needs, each tensor under ``kind.name.key``."""
    tensors = {f"system.{key}": value for key, value in system.state().items()}
    for name, network in system.trained.items():
        tensors |= {f"trained.{name}.{key}": value for key, value in network.state_dict().items()}
    for name, network in averages.items():
        tensors |= {f"averaged.{name}.{key}": value for key, value in network.state_dict().items()}
    for name, optimizer in system.optimizers.items():
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{name}.{number}.{key}": value for key, value in moments.items()}
    return tensors


def restore(system: System, averages: Mapping[str, nn.Module], tensors: Mapping[str, Tensor]) -> None:
    """Puts back what `tensors_of` gave."""
    for name, network in system.trained.items():
        network.load_state_dict(below(f"trained.{name}.", tensors))
    for name, network in averages.items():
        network.load_state_dict(below(f"averaged.{name}.", tensors))
    for name, optimizer in system.optimizers.items():
        _restore_moments(optimizer, below(f"optimizer.{name}.", tensors))
    system.load_state(below("system.", tensors))


def _restore_moments(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        moments.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
