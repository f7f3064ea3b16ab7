"""Losses of the region segmenters: soft Dice and Tversky over the batch, each with binary cross entropy.

p are probabilities, g the reference in {0, 1}; sums run over all pixels of the batch, so a slice without tumour
costs only what is wrongly found on it (paper 002, equation 4, computed over the batch as its released code does).
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

DICE_SMOOTHING: Final = 0.01
"""c of paper 002, equation 4, in pixels: keeps 0/0 at 1."""


@dataclass(frozen=True)
class OverlapWeights:
    """Prices of the two errors in the Tversky index; .5 and .5 give Dice.

    Attributes:
        false_negative: Price of a missed pixel.
        false_positive: Price of a pixel too many.
    """

    false_negative: float = 0.5
    false_positive: float = 0.5


def tversky_loss(probabilities: Tensor, reference: Tensor, weights: OverlapWeights) -> Tensor:
    """Returns 1 - (tp + c/2) / (tp + a fn + b fp + c/2), Salehi et al. 2017 (arXiv 1706.05721), equation 3.

    With a = b = .5 this is soft Dice, 1 - (2 tp + c) / (sum p + sum g + c), paper 002 equation 4 with c = 0.01.

    Args:
        probabilities: ``(B, 1, H, W)`` float, 0 to 1.
        reference: ``(B, 1, H, W)`` float, 0 or 1.
        weights: Prices a (false negative) and b (false positive).

    Returns:
        Scalar in 0 to 1; 0 where both are empty.
    """
    overlap = (probabilities * reference).sum() + DICE_SMOOTHING / 2
    missed = ((1 - probabilities) * reference).sum()
    excess = (probabilities * (1 - reference)).sum()
    return 1 - overlap / (overlap + weights.false_negative * missed + weights.false_positive * excess)


def region_loss(logits: Tensor, reference: Tensor, weights: OverlapWeights) -> Tensor:
    """Returns the overlap loss plus mean binary cross entropy, both in float32.

    Args:
        logits: ``(B, 1, H, W)``, any float dtype.
        reference: ``(B, 1, H, W)`` float, 0 or 1.
        weights: Prices of the overlap part.
    """
    logits = logits.float()
    overlap = tversky_loss(torch.sigmoid(logits), reference, weights)
    return overlap + nn.functional.binary_cross_entropy_with_logits(logits, reference)
