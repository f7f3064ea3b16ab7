"""Losses of the region segmenters: soft Dice and Tversky over the batch, with binary cross entropy.

p are probabilities, g the reference in {0, 1}; sums run over all pixels of the batch, so a slice without tumour
costs only what is wrongly found on it (paper 002, equation 4, computed over the batch as its released code does). On
several devices the sums run over the batches of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from training.loop.reductions import sum_over_devices

DICE_SMOOTHING: Final = 0.01
"""c of paper 002, equation 4, in pixels: keeps 0/0 at 1."""

TARGET_LOGIT: Final = 5.0
"""Logit that the warm-up pulls a region's pixels to, and its negative the others': METHODS C.1 line 10 (SynthSeg)."""


@dataclass(frozen=True)
class OverlapWeights:
    """Prices of the two errors in the Tversky index; .5 and .5 give Dice.

    Attributes:
        false_negative: Price of a missed pixel.
        false_positive: Price of a pixel too many.
        cross_entropy: Weight of the mean binary cross entropy that is added; paper 002 has none.
    """

    false_negative: float = 0.5
    false_positive: float = 0.5
    cross_entropy: float = 1.0


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
    hits = (probabilities * reference).sum()
    misses = ((1 - probabilities) * reference).sum()
    excess = (probabilities * (1 - reference)).sum()
    sums = sum_over_devices(torch.stack([hits, misses, excess]))
    overlap = sums[0] + DICE_SMOOTHING / 2
    return 1 - overlap / (overlap + weights.false_negative * sums[1] + weights.false_positive * sums[2])


def region_loss(logits: Tensor, reference: Tensor, weights: OverlapWeights) -> Tensor:
    """Returns the overlap loss plus the weighted mean binary cross entropy, both in float32.

    Args:
        logits: ``(B, 1, H, W)``, any float dtype.
        reference: ``(B, 1, H, W)`` float, 0 or 1.
        weights: Prices of the overlap part, and the weight of the cross entropy.
    """
    logits = logits.float()
    overlap = tversky_loss(torch.sigmoid(logits), reference, weights)
    return overlap + weights.cross_entropy * nn.functional.binary_cross_entropy_with_logits(logits, reference)


def regions_loss(logits: Tensor, reference: Tensor, weights: Sequence[OverlapWeights]) -> Tensor:
    """Returns the mean of the regions' losses.

    Args:
        logits: ``(B, R, H, W)``, any float dtype.
        reference: ``(B, R, H, W)`` float, 0 or 1.
        weights: One a region.
    """
    each = [region_loss(logits[:, [r]], reference[:, [r]], one) for r, one in enumerate(weights)]
    return torch.stack(each).mean()


def deep_loss(logits: Tensor, reference: Tensor, weights: Sequence[OverlapWeights]) -> Tensor:
    """Returns sum_s 2^-s L_s / sum_s 2^-s over the scales s of the decoder, 0 the finest (nnU-Net's deep supervision).

    Args:
        logits: ``(B, S R, H, W)``: S scales of R regions, the finest first, each enlarged to the reference's size.
        reference: ``(B, R, H, W)`` float, 0 or 1.
        weights: One a region; with S = 1 this is `regions_loss`.
    """
    scales = torch.split(logits, len(weights), dim=1)
    shares = [0.5**scale for scale in range(len(scales))]
    losses = [share * regions_loss(one, reference, weights) for share, one in zip(shares, scales, strict=True)]
    return torch.stack(losses).sum() / sum(shares)


def logit_loss(logits: Tensor, reference: Tensor) -> Tensor:
    """Returns the mean square distance of the logits to +5 in a region and -5 outside: a warm-up's loss.

    A Dice loss has hardly any gradient while a network answers noise; this one always has (SynthSeg's first phase).

    Args:
        logits: ``(B, S R, H, W)``, any float dtype, as `deep_loss`.
        reference: ``(B, R, H, W)`` float, 0 or 1.
    """
    target = TARGET_LOGIT * (2 * reference - 1)
    scales = torch.split(logits.float(), reference.shape[1], dim=1)
    return torch.stack([(one - target).square().mean() for one in scales]).mean()
