"""A trained network as the cascade and the joint evaluation call it: slices in, fp32 logits out, in this process."""

import json
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gliosynth.errors import InvalidParameterError
from training.loop.run_folder import load_weights
from training.networks.mean import MeanOfNetworks
from training.networks.unet2d import UNet2d
from training.segmentation.presets import Preset, preset_of
from training.segmentation.validation import THRESHOLD

BATCH: Final = 16
"""Slices a forward pass."""


class TorchModel:
    """A network in memory as the cascade's `RegionModel`, in float32."""

    def __init__(self, network: nn.Module, preset: Preset, *, threshold: float = THRESHOLD, flip: bool = False) -> None:
        """Takes a network and what it sees.

        Args:
            network: Put into evaluation mode.
            preset: Names its channels.
            threshold: Probability from which a pixel belongs to the region.
            flip: Answer with the mean logit of the slice and its left-right mirror image.
        """
        self.preset, self.channels, self.batch_size, self.threshold = preset, preset.channels, BATCH, threshold
        self.network, self._flip = network.eval(), flip

    def varied(self, *, threshold: float, flip: bool) -> "TorchModel":
        """Returns the same network with another threshold, with or without mirroring."""
        return TorchModel(self.network, self.preset, threshold=threshold, flip=flip)

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the logits ``(B, R, H, W)`` of slices ``(B, C, H, W)``, whose H runs from left to right."""
        slices = torch.from_numpy(np.ascontiguousarray(batch))
        with torch.no_grad():
            answer = self.network(slices)
            if self._flip:
                answer = (answer + self.network(slices.flip(2)).flip(2)) / 2
        return np.asarray(answer.numpy(), dtype=np.float32)

    def submit(self, batch: NDArray[np.float32]) -> "Future[NDArray[np.float32]]":
        """Returns `logits`, already computed."""
        answer: Future[NDArray[np.float32]] = Future()
        answer.set_result(self.logits(batch))
        return answer


def load_model(weights: Path) -> TorchModel:
    """Returns the network of weights that a run wrote, built as the facts beside them say."""
    facts = json.loads(weights.with_suffix(".json").read_text())
    preset = preset_of(facts)
    network = UNet2d(preset.spec)
    load_weights(weights, network)
    return TorchModel(network, preset)


def load_mean(weights: Sequence[Path]) -> TorchModel:
    """Returns the mean of the networks of several runs, which see the same channels; of one run, its network.

    Raises:
        InvalidParameterError: The networks see different channels.
    """
    models = [load_model(path) for path in weights]
    first = models[0]
    if any(model.channels != first.channels for model in models):
        raise InvalidParameterError(
            f"{', '.join(path.name for path in weights)}: these networks see different channels, so they have no mean",
            field="weights",
        )
    if len(models) == 1:
        return first
    return TorchModel(MeanOfNetworks([model.network for model in models]), first.preset)
