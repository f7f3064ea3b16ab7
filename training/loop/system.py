"""What the loop asks of anything that is trained: a segmenter, a generator with its discriminator, an encoder.

The loop owns steps, averages, learning rates, checkpoints, statistics and pictures; a system owns networks, losses and
batches. A system is a function of its options: everything random in it comes from the step's generators.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.loop.stopwatch import Stopwatch


@dataclass(frozen=True)
class Step:
    """One optimisation step, and where its randomness comes from.

    The batch of a step is drawn in parts, part p from the generator ``[seed, number, p]``; the devices share the parts
    between them. So a run with the same number of parts draws the same batches on one device and on several.

    Attributes:
        number: Number of the step, from 0.
        seed: Of the run.
        parts: Numbers of the parts that this device draws, at least one.
        count: Samples (slices) a part.
        data: Runs while the step has no batch yet: ``with at.data: batch = draw(...)``.
    """

    number: int
    seed: int
    parts: range
    count: int
    data: Stopwatch = field(default_factory=Stopwatch)

    @property
    def rngs(self) -> list[np.random.Generator]:
        """Returns a new generator for each part; each draws `count` samples."""
        return [np.random.default_rng([self.seed, self.number, part]) for part in self.parts]

    def seed_torch(self) -> None:
        """Seeds torch's own generators, which dropout draws from, with ``[seed, number, first part]``."""
        state = np.random.SeedSequence([self.seed, self.number, self.parts[0]]).generate_state(1, np.uint64)
        torch.manual_seed(int(state[0] >> np.uint64(1)))


@dataclass(frozen=True)
class Evaluation:
    """Result of one look at the averaged weights.

    Attributes:
        score: Higher is better; the highest chooses best.safetensors.
        figures: What else is worth a column of stats.jsonl, by name.
    """

    score: float
    figures: Mapping[str, float] = field(default_factory=dict)


class System(Protocol):
    """What is trained.

    A system sets up its networks and optimisers with the run's fabric in its constructor
    (`training.loop.devices.set_up`) and keeps the fabric's wrappers to itself; what it shows here are the plain ones.
    """

    @property
    def trained(self) -> Mapping[str, nn.Module]:
        """Networks whose weights learn, by name: ``{"generator": ..., "discriminator": ...}``."""

    @property
    def averaged(self) -> tuple[str, ...]:
        """Names of those whose average is kept, validated and shipped; of one alone, under the network's own keys."""

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Optimisers by name; the loop scales the learning rates they were made with."""

    @property
    def facts(self) -> Mapping[str, object]:
        """What the JSON beside the weights says of them beside options, step and scores: preset, spec; JSON values."""

    def state(self) -> Mapping[str, Tensor]:
        """Returns what resuming needs beyond weights and optimisers (balanced loss weights), by name."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes back what `state` gave."""

    def step(self, at: Step) -> Mapping[str, float]:
        """Does one optimisation step on the batch of its generators and returns losses by name."""

    def evaluate(self, averaged: Mapping[str, nn.Module]) -> Evaluation:
        """Scores the averaged networks, which are in evaluation mode; only the first device is asked."""

    def picture(self, averaged: Mapping[str, nn.Module]) -> NDArray[np.uint8] | None:
        """Returns an image ``(H, W)`` or ``(H, W, 3)`` of what the averaged networks do, or None for nothing to see."""
