"""CRN's diversity loss: several candidates are offered, and the best of them is what mainly counts.

Q. Chen, V. Koltun, ICCV 2017, section 3.4, equation 4: where several images fit a layout, a network that must give one
gives their mean, which is blurred; of several candidates each can be sharp. The code of paper 002 trains nine
(METHODS.md A.002; the paper does not mention it).
"""

from typing import Final

import torch
from torch import Tensor

BEST_SHARE: Final = 0.999
"""Weight of the best candidate's error."""

MEAN_SHARE: Final = 0.001
"""Weight of the candidates' mean error, which keeps those alive that are never the best."""


def diversity_loss(errors: Tensor) -> Tensor:
    """Returns sum over classes of .999 min + .001 mean over candidates, the mean over samples and contrasts.

    The minimum is taken in each class on its own, so that one candidate may have the best tumour and another the best
    white matter. With one candidate it is the plain error.

    Args:
        errors: ``(B, K, M, P)``: each candidate's error in each class.

    Returns:
        Scalar.
    """
    best, mean = errors.amin(dim=1), errors.mean(dim=1)
    return (BEST_SHARE * best + MEAN_SHARE * mean).sum(dim=-1).mean()


def best_candidates(candidates: Tensor, errors: Tensor) -> Tensor:
    """Returns of each sample the candidate with the least error in all classes, ``(B, M, H, W)``.

    Args:
        candidates: ``(B, K, M, H, W)``.
        errors: ``(B, K, M, P)``.
    """
    chosen = errors.sum(dim=(2, 3)).argmin(dim=1)
    return candidates[torch.arange(len(candidates), device=candidates.device), chosen]
