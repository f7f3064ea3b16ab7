"""What generator and discriminator ask of each other: least squares with smoothed labels, hinge, feature matching."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

SMOOTHED_REAL: Final = (0.9, 1.0)
"""Range of the label of a real image, drawn per image (METHODS.md A.002)."""


class AdversarialRule(StrEnum):
    """Which game is played; the value is its name in options."""

    LEAST_SQUARES = "least_squares"
    """Mao et al. 2017, equation 9, with b = 1 smoothed to U(.9, 1), a = 0, c = 1: paper 002's code."""
    HINGE = "hinge"
    """Lim and Ye 2017; SPADE's (Park et al. 2019, section 3)."""


class Judgement(NamedTuple):
    """What a discriminator says at one scale.

    Attributes:
        logits: One per patch, ``(B, 1, h, w)``: high for real.
        features: Its hidden feature maps, fine to coarse.
    """

    logits: Tensor
    features: tuple[Tensor, ...]


def discriminator_loss(
    real: Sequence[Judgement], fake: Sequence[Judgement], *, rule: AdversarialRule, rngs: Sequence[np.random.Generator]
) -> Tensor:
    """Returns the discriminator's loss, the mean over scales.

    Least squares: (E[(D(real) - b)²] + E[D(fake)²]) / 2, b from U(.9, 1) per image.
    Hinge: E[max(0, 1 - D(real))] + E[max(0, 1 + D(fake))].

    Args:
        real: Judgements of real images, one a scale.
        fake: Judgements of generated ones.
        rule: The game.
        rngs: Draw the smoothed labels: each those of its share of the batch.
    """
    count = len(real[0].logits) // len(rngs)
    drawn = np.concatenate([rng.uniform(*SMOOTHED_REAL, size=count) for rng in rngs]).astype(np.float32)
    label = torch.from_numpy(drawn).to(real[0].logits.device).view(-1, 1, 1, 1)
    losses = []
    for true, false in zip(real, fake, strict=True):
        if rule is AdversarialRule.LEAST_SQUARES:
            losses.append(0.5 * (((true.logits - label) ** 2).mean() + (false.logits**2).mean()))
        else:
            losses.append(torch.relu(1 - true.logits).mean() + torch.relu(1 + false.logits).mean())
    return torch.stack(losses).mean()


def generator_loss(fake: Sequence[Judgement], *, rule: AdversarialRule) -> Tensor:
    """Returns the generator's adversarial loss, the mean over scales.

    Least squares: E[(D(fake) - 1)²] / 2. Hinge: -E[D(fake)], which falls below 0.
    """
    if rule is AdversarialRule.LEAST_SQUARES:
        return torch.stack([0.5 * ((one.logits - 1) ** 2).mean() for one in fake]).mean()
    return torch.stack([-one.logits.mean() for one in fake]).mean()


def feature_matching(fake: Sequence[Judgement], real: Sequence[Judgement]) -> Tensor:
    """Returns the mean absolute difference of the discriminator's features, over layers and scales.

    Wang et al. 2018 (pix2pixHD), equation 4. The real image's features are a target: no gradient runs through them.
    """
    differences = [
        (one - other.detach()).abs().mean()
        for false, true in zip(fake, real, strict=True)
        for one, other in zip(false.features, true.features, strict=True)
    ]
    return torch.stack(differences).mean()
