"""A region segmenter as the loop trains it: U-Net, overlap loss, slices of a ring, scores on shifted simulators."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from gliosynth.labels import region_mask
from training.data.mixture import Rings
from training.data.ring import Ring
from training.loop.devices import descend, set_up
from training.loop.run_folder import load_weights
from training.loop.system import Evaluation, Step
from training.losses.overlap import deep_loss, logit_loss
from training.networks.unet2d import UNet2d
from training.segmentation.augment import augment
from training.segmentation.gbm.views import draw_placed_views
from training.segmentation.options import Options
from training.segmentation.presets import Preset, network_input
from training.segmentation.samples import draw_views
from training.segmentation.validation import rings_below, score_presets

NETWORK: Final = "network"
"""Name of the one thing that learns."""


class SegmenterSystem:
    """One U-Net, one optimiser."""

    averaged = (NETWORK,)

    def __init__(
        self,
        options: Options,
        fabric: Fabric,
        *,
        rings: Rings,
        validation: Path | None,
        held_out: Mapping[str, Ring] | None = None,
    ) -> None:
        """Makes the network from the seed or the warm start.

        Args:
            options: What decides the result.
            fabric: The device or devices.
            rings: Volumes that batches are drawn from.
            validation: Folder of the shifted simulators' rings; None: the last weights are as good as any.
            held_out: Cases of the user's folders that are not trained on, scored beside the simulators, by folder.
        """
        self.options, self.fabric, self.rings, self.validation = options, fabric, rings, validation
        self.held_out = dict(held_out or {})
        self.preset = options.preset
        torch.manual_seed(options.loop.seed)
        network = UNet2d(self.preset.spec)
        if options.warm_start:
            load_weights(Path(options.warm_start), network)
        self.trained = {NETWORK: network}
        self.optimizers = {NETWORK: optimizer_of(self.preset, network, learning_rate=options.loop.learning_rate)}
        self.wrapped = set_up(fabric, network, self.optimizers[NETWORK])
        self.facts: Mapping[str, object] = {
            "preset": self.preset.name, "region": str(self.preset.region),
            "regions": [str(region) for region in self.preset.regions], "spec": self.preset.spec.as_json(),
            "channels": list(self.preset.channels), "neighbours": self.preset.neighbours,
        }  # fmt: skip

    def state(self) -> Mapping[str, Tensor]:
        """Returns nothing: weights and moments are all there is."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes nothing back."""

    def step(self, at: Step) -> Mapping[str, float]:
        """Fits the network to one batch."""
        with at.data:
            self.rings.advance(at.number)
            inputs, reference = draw_batch(self.rings, self.preset, at=at)
        logits = self.wrapped(self.fabric.to_device(inputs))
        reference = self.fabric.to_device(reference)
        if at.number < self.preset.recipe.logit_share * self.options.loop.steps:
            loss = logit_loss(logits, reference)
        else:
            loss = deep_loss(logits, reference, self.preset.weights)
        clip = self.options.loop.clip
        descend(self.fabric, self.trained[NETWORK], self.optimizers[NETWORK], loss=loss, clip=clip)
        return {"loss": float(loss.detach())}

    def evaluate(self, averaged: Mapping[str, nn.Module]) -> Evaluation:
        """Scores the worst mean Dice of shifted simulators and held-out cases; 0 where there are none."""
        if self.validation is None:
            return Evaluation(0.0)
        stride = self.options.validation_stride
        judges = rings_below(self.validation) | self.held_out
        scores = score_presets(averaged[NETWORK], self.preset, judges, stride=stride)
        regions = {region: float(np.mean(list(each.values()))) for region, each in scores.by_region.items() if each}
        return Evaluation(scores.worst, scores.by_preset | (regions if len(regions) > 1 else {}))

    def picture(self, averaged: Mapping[str, nn.Module]) -> NDArray[np.uint8] | None:  # noqa: ARG002  # the protocol
        """Shows nothing."""
        return None


def optimizer_of(preset: Preset, network: nn.Module, *, learning_rate: float) -> torch.optim.Optimizer:
    """Returns the optimiser of a preset's recipe."""
    if preset.recipe.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), learning_rate)
    return torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=preset.recipe.weight_decay)


def draw_batch(rings: Rings, preset: Preset, *, at: Step) -> tuple[Tensor, Tensor]:
    """Returns the network input ``(B, C, H, W)`` and the regions' reference ``(B, R, H, W)`` of one step."""
    draw = draw_placed_views if preset.placed else draw_views
    drawn = [augment(draw(rings, preset, count=at.count, rng=rng), preset, rng=rng) for rng in at.rngs]
    contrasts = torch.cat([part.contrasts for part in drawn])
    labels = torch.cat([part.labels for part in drawn]).numpy()
    masks = np.concatenate([region_mask(labels, region) for region in preset.regions], axis=1)
    inputs = network_input(contrasts, subtract=preset.subtract)
    return inputs.contiguous(memory_format=torch.channels_last), torch.from_numpy(masks).float()
