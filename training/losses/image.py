"""How far a generated image is from the true one, pixel by pixel and window by window, in the brain."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as f

WINDOW_RADIUS_PX: Final = 5
"""Half width of Wang's window of 11 pixels, as in `gliosynth.metrics.structure.SsimWindow.GAUSSIAN_11`."""

WINDOW_SIGMA_PX: Final = 1.5
"""Its standard deviation."""

C1: Final = 0.01**2
"""Stabiliser of the luminance term for a data range of 1 (Wang et al. 2004, section III.B)."""

C2: Final = 0.03**2
"""Stabiliser of the contrast and structure terms for a data range of 1."""


def class_errors(candidates: Tensor, real: Tensor, classes: Tensor) -> Tensor:
    """Returns each class's share of the mean absolute error: its errors over the pixels of the brain.

    Paper 002, equation 1, masked per class as CRN's code has it; over the classes of the brain it sums to the mean
    absolute error in the brain, however much background surrounds it.

    Args:
        candidates: Generated images ``(B, K, M, H, W)``.
        real: ``(B, M, H, W)``.
        classes: ``(B, M, P, H, W)``, 0 or 1, the last of the P classes the background, which does not count.

    Returns:
        ``(B, K, M, P - 1)``.
    """
    inside = classes[:, :, :-1].flatten(-2)
    pixels = inside.sum(dim=(2, 3)).clamp(min=1.0)[:, None, :, None]
    errors = (candidates - real[:, None]).abs().flatten(-2)
    return torch.einsum("bkmn,bmpn->bkmp", errors, inside) / pixels


def dissimilarity(synthetic: Tensor, real: Tensor, brain: Tensor) -> Tensor:
    """Returns 1 - SSIM, differentiable (Wang et al. 2004, equation 13; data range 1): the mean over each slice's brain.

    Args:
        synthetic: ``(B, M, H, W)``, each at least 11 pixels wide.
        real: ``(B, M, H, W)`` in 0 to 1.
        brain: ``(B, 1, H, W)`` float, 1 where it counts; pixels without a whole window do not.

    Returns:
        Scalar in 0 to 2.
    """
    stacked = torch.cat([synthetic, real, synthetic**2, real**2, synthetic * real], dim=1)
    mean_s, mean_r, square_s, square_r, product = _windowed(stacked).chunk(5, dim=1)
    var_s, var_r, covariance = square_s - mean_s**2, square_r - mean_r**2, product - mean_s * mean_r
    luminance = (2 * mean_s * mean_r + C1) / (mean_s**2 + mean_r**2 + C1)
    structure = (2 * covariance + C2) / (var_s + var_r + C2)
    inner = slice(WINDOW_RADIUS_PX, -WINDOW_RADIUS_PX)
    counted = brain[..., inner, inner].expand_as(structure)
    totals = (luminance * structure * counted).sum(dim=(1, 2, 3)) / counted.sum(dim=(1, 2, 3)).clamp(min=1.0)
    return 1 - totals.mean()


def _windowed(images: Tensor) -> Tensor:
    """Returns the Gaussian means of the windows that lie inside, ``(B, C, H - 10, W - 10)``."""
    offset = torch.arange(-WINDOW_RADIUS_PX, WINDOW_RADIUS_PX + 1, device=images.device, dtype=images.dtype)
    taps = torch.exp(-(offset**2) / (2 * WINDOW_SIGMA_PX**2))
    taps = taps / taps.sum()
    rows = f.conv2d(images.flatten(0, 1)[:, None], taps.view(1, 1, -1, 1))
    return f.conv2d(rows, taps.view(1, 1, 1, -1)).view(*images.shape[:2], rows.shape[2], -1)
