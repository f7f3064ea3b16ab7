"""A system that learns in microseconds, for tests of the loop: a line and its rival, two optimisers, one noise."""

from collections.abc import Mapping

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from training.loop.devices import descend, set_up
from training.loop.system import Evaluation, Step


class LineSystem:
    """Fits y = 2 x1 - x2 by a network with dropout, and the network's error by a rival; keeps their balance."""

    averaged = ("line",)

    def __init__(self, fabric: Fabric, *, learning_rate: float, seed: int = 0) -> None:
        """Makes both networks from the seed."""
        torch.manual_seed(seed)
        self.fabric, self.balance, self.facts = fabric, torch.ones(1), {"kind": "line"}
        self.line = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1))
        self.rival = nn.Linear(2, 1)
        self.trained = {"line": self.line, "rival": self.rival}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "line": torch.optim.AdamW(self.line.parameters(), learning_rate),
            "rival": torch.optim.SGD(self.rival.parameters(), learning_rate / 2, momentum=0.9),
        }
        self.run_line = set_up(fabric, self.line, self.optimizers["line"])
        self.run_rival = set_up(fabric, self.rival, self.optimizers["rival"])

    def state(self) -> Mapping[str, Tensor]:
        """Returns the balance."""
        return {"balance": self.balance}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes the balance."""
        self.balance = state["balance"]

    def step(self, at: Step) -> Mapping[str, float]:
        """Fits both, weighted by the balance, which follows the losses."""
        with at.data:
            points = np.concatenate([rng.standard_normal((at.count, 2), dtype=np.float32) for rng in at.rngs])
        x = self.fabric.to_device(torch.from_numpy(points))
        error = self.run_line(x)[:, 0] - (2 * x[:, 0] - x[:, 1])
        loss = (error**2).mean() * self.balance[0]
        descend(self.fabric, self.line, self.optimizers["line"], loss=loss)
        rival = ((self.run_rival(x)[:, 0] - error.detach()) ** 2).mean()
        descend(self.fabric, self.rival, self.optimizers["rival"], loss=rival)
        self.balance = 0.99 * self.balance + 0.01 * (1 + rival.detach())
        return {"line": float(loss.detach()), "rival": float(rival.detach())}

    def evaluate(self, averaged: Mapping[str, nn.Module]) -> Evaluation:
        """Scores minus the mean squared error on a fixed grid."""
        x = torch.cartesian_prod(torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 5)).to(self.fabric.device)
        error = ((averaged["line"](x)[:, 0] - (2 * x[:, 0] - x[:, 1])) ** 2).mean()
        return Evaluation(-float(error), {"error": float(error)})

    def picture(self, averaged: Mapping[str, nn.Module]) -> NDArray[np.uint8] | None:
        """Draws the plane as grey values."""
        x = torch.cartesian_prod(torch.linspace(-1, 1, 8), torch.linspace(-1, 1, 8)).to(self.fabric.device)
        values = averaged["line"](x)[:, 0].detach().reshape(8, 8)
        grey: NDArray[np.uint8] = ((values + 3) / 6 * 255).clamp(0, 255).to(torch.uint8).cpu().numpy()
        return grey
