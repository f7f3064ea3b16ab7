"""The perceptual loss of paper 002, equation 2: how far apart two images are in the features of a network.

p_i = || theta_i(real) - theta_i(synthetic) ||_1, theta_i the features of layer i of VGG-19, or of our own encoder where
no VGG-19 file is at hand: same call, other facts. Here each p_i is a mean over the brain and over the features, so that
it does not depend on the size of the image or of the brain.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from gliosynth.errors import InvalidParameterError
from training.loop.run_folder import load_weights
from training.networks.encoder import KIND, FeatureEncoder, encoder_of
from training.networks.vgg19 import LAYERS, load_vgg19

LAYER_WEIGHTS: Final = (0.6, 0.5, 0.5, 0.3, 1 / 0.15)
"""Weights lambda_i of the paper's code for conv1_2, 2_2, 3_2, 4_2 and 5_2 (METHODS A.002), before any balancing."""


class Features(Protocol):
    """A network that features are taken from."""

    def features(self, contrast: Tensor) -> list[Tensor]:
        """Returns features, fine to coarse, of unit intensities ``(B, 1, H, W)``."""


class PerceptualLoss:
    """Distance of two images in the features of a frozen network.

    Attributes:
        network: The network, frozen.
        weights: lambda_i of each layer, fine to coarse.
        described: What the network is, for the facts beside what it taught.
    """

    def __init__(
        self,
        network: Features,
        *,
        weights: tuple[float, ...] = LAYER_WEIGHTS,
        described: Mapping[str, object],
    ) -> None:
        """Freezes the network."""
        if isinstance(network, nn.Module):
            network.eval().requires_grad_(False)
        self.network, self.weights, self.described = network, weights, described

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the layers' terms: ``perceptual_1`` is the finest."""
        return tuple(f"perceptual_{layer}" for layer in range(1, len(self.weights) + 1))

    def facts(self) -> dict[str, object]:
        """Returns JSON values: what the network is, and the layers' weights."""
        return {**self.described, "layer_weights": list(self.weights)}

    def __call__(self, synthetic: Tensor, real: Tensor, mask: Tensor) -> Tensor:
        """Returns sum_i lambda_i p_i, see `terms`."""
        terms = self.terms(synthetic, real, mask)
        return torch.stack([weight * term for weight, term in zip(self.weights, terms, strict=True)]).sum()

    def terms(self, synthetic: Tensor, real: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Returns p_i of each layer, not weighted, fine to coarse; each contrast is looked at on its own.

        Args:
            synthetic: Unit intensities ``(B, M, H, W)``; gradients reach it.
            real: The same of the real image; none reach it.
            mask: ``(B, 1, H, W)`` float, 1 where pixels count; coarser layers use its mean over their cell. Where it
                is 0 everywhere, as on a crop beside the brain, the terms are 0.

        Raises:
            InvalidParameterError: The network has other layers than the weights.
        """
        found = self.network.features(synthetic.flatten(0, 1)[:, None])
        with torch.no_grad():
            wanted = self.network.features(real.flatten(0, 1)[:, None])
        if len(found) != len(self.weights):
            raise InvalidParameterError(
                f"weights: {len(self.weights)} for a network of {len(found)} layers; give one a layer", field="weights"
            )
        each = mask.expand(-1, synthetic.shape[1], -1, -1).flatten(0, 1)[:, None]
        return tuple(_mean_distance(one, two, each) for one, two in zip(found, wanted, strict=True))


def perceptual_of(path: Path) -> PerceptualLoss:
    """Returns the loss of a file: our encoder, which has its facts beside it, or else the weights of VGG-19.

    VGG-19's layers have the weights of the paper's code. Those of our encoder are 1: its features leave a batch norm,
    so that the layers' terms are of one size.

    Args:
        path: ``best.safetensors`` of `training.train_encoder`, or VGG-19 as `training.networks.vgg19` wants it.

    Raises:
        InvalidParameterError: There is no such file, or it holds neither.
    """
    facts_path = path.with_suffix(".json")
    facts = json.loads(facts_path.read_text()) if facts_path.exists() else {}
    if facts.get("kind") == KIND:
        network = load_encoder(path)
        described = {"network": KIND, "targets": facts["targets"], "step": facts["step"], "score": facts["score"]}
        return PerceptualLoss(network, weights=(1.0,) * len(network.blocks), described=described)
    return PerceptualLoss(load_vgg19(path), described={"network": "VGG-19", "layers": list(LAYERS)})


def load_encoder(path: Path) -> FeatureEncoder:
    """Returns the encoder of a file that `training.train_encoder` left, frozen, its norms folded.

    Args:
        path: ``best.safetensors`` or ``last.safetensors``; the facts lie beside it.
    """
    network = encoder_of(json.loads(path.with_suffix(".json").read_text()))
    load_weights(path, network)
    return network.folded()


def _mean_distance(one: Tensor, two: Tensor, mask: Tensor) -> Tensor:
    """Returns the mean absolute difference of features ``(N, C, h, w)`` under a mask ``(N, 1, H, W)``."""
    shares = nn.functional.adaptive_avg_pool2d(mask, (one.shape[-2], one.shape[-1]))
    distance = (one.float() - two.float()).abs().mean(dim=1, keepdim=True)
    return (distance * shares).sum() / shares.sum().clamp_min(torch.finfo(torch.float32).tiny)
