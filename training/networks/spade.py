"""SPADE's generator: the brain map modulates every normalised layer. Own code, written from the paper.

T. Park, M.-Y. Liu, T.-C. Wang, J.-Y. Zhu, "Semantic image synthesis with spatially-adaptive normalization", CVPR 2019.
A normalised layer forgets how bright a uniform region was; scale and shift that depend on the map give it back. The
first layer is a convolution of the map at the coarsest resolution (section 3), not a random vector.
"""

from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torch.nn.utils.parametrizations import spectral_norm

from training.networks.one_hot import brain_of, input_channels, one_hot

LEAK: Final = 0.2
"""Slope of LeakyReLU below 0."""

FACTORS: Final = ((16, 16), (16, 16), (16, 16), (16, 8), (8, 4), (4, 2), (2, 1))
"""Channels before and after each block, in units of the width (figure 4 and appendix A)."""

SCALES: Final = (0, 1, 1, 2, 3, 4, 5)
"""How often each block's input has been doubled; the last is the full resolution."""


@dataclass(frozen=True)
class SpadeSpec:
    """What a SPADE generator is built from; stored as JSON beside its weights.

    Attributes:
        contrasts: Images generated at once, and brain maps taken: 1 or 4 (joint).
        width: Channels of the finest block; the coarsest has 16 times as many (64 in the paper).
        hidden: Channels between the map and a layer's scale and shift (128 in the paper).
    """

    contrasts: int = 4
    width: int = 18
    hidden: int = 48

    @property
    def multiple(self) -> int:
        """Number of pixels that height and width must be a multiple of."""
        return 1 << SCALES[-1]

    def as_json(self) -> dict[str, object]:
        """Returns the fields as JSON values."""
        return dict(asdict(self))


class SpatiallyAdaptiveNorm(nn.Module):
    """y = (1 + gamma(L)) * (x - mean) / sd + beta(L), gamma, beta = W 3x3 * relu(W 3x3 * L) (equation 1, figure 3).

    Mean and standard deviation are the batch's per channel in training and their running averages afterwards (batch
    norm, as in the paper), so that an image does not depend on what it is served with.
    """

    def __init__(self, channels: int, maps: int, hidden: int) -> None:
        """Builds a batch norm without scale and shift, and what makes both from the map."""
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Conv2d(maps, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, layout: Tensor) -> Tensor:
        """Maps ``(B, C, h, w)`` and the map at its resolution ``(B, maps, h, w)`` to ``(B, C, h, w)``."""
        seen = torch.relu(self.shared(layout))
        return self.norm(x) * (1 + self.gamma(seen)) + self.beta(seen)  # type: ignore[no-any-return]


class SpadeResBlock(nn.Module):
    """x -> W2 * lrelu(S2(W1 * lrelu(S1(x)))) + shortcut(x); shortcut = Ws 1x1 * Ss(x) if widths differ (figure 4)."""

    def __init__(self, inputs: int, outputs: int, maps: int, hidden: int) -> None:
        """Builds the block; every convolution of the main path has spectral norm (section 3)."""
        super().__init__()
        middle = min(inputs, outputs)
        self.norm1 = SpatiallyAdaptiveNorm(inputs, maps, hidden)
        self.conv1 = spectral_norm(nn.Conv2d(inputs, middle, 3, padding=1))
        self.norm2 = SpatiallyAdaptiveNorm(middle, maps, hidden)
        self.conv2 = spectral_norm(nn.Conv2d(middle, outputs, 3, padding=1))
        self.learned = inputs != outputs
        if self.learned:
            self.norm_side = SpatiallyAdaptiveNorm(inputs, maps, hidden)
            self.side = spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor, layout: Tensor) -> Tensor:
        """Maps ``(B, inputs, h, w)`` and the map at its resolution to ``(B, outputs, h, w)``."""
        y = self.conv1(f.leaky_relu(self.norm1(x, layout), LEAK))
        y = self.conv2(f.leaky_relu(self.norm2(y, layout), LEAK))
        return y + (self.side(self.norm_side(x, layout)) if self.learned else x)  # type: ignore[no-any-return]


class SpadeGenerator(nn.Module):
    """F_0 = W * L_0; F_(i+1) = block_i(up(F_i), L_i); images = (tanh(W * lrelu(F_n)) + 1) / 2, 0 outside the brain.

    L_i is the one-hot brain map, resized to block i's resolution by taking the nearest pixel; up doubles where
    `SCALES` says so, by repeating pixels.
    """

    def __init__(self, spec: SpadeSpec) -> None:
        """Builds the network of a spec, weights drawn from torch's global generator."""
        super().__init__()
        self.spec = spec
        maps, width = input_channels(spec.contrasts), spec.width
        self.first = nn.Conv2d(maps, FACTORS[0][0] * width, 3, padding=1)
        self.blocks = nn.ModuleList(SpadeResBlock(a * width, b * width, maps, spec.hidden) for a, b in FACTORS)
        self.head = nn.Conv2d(width, spec.contrasts, 3, padding=1)

    def candidates(self, brain_maps: Tensor) -> Tensor:
        """Returns the one candidate ``(B, 1, M, H, W)`` that SPADE offers for brain maps ``(B, M, H, W)`` uint8."""
        finest, at = one_hot(brain_maps), 0
        x = self.first(_nearest(finest, SCALES[-1]))
        for block, scale in zip(self.blocks, SCALES, strict=True):
            if scale > at:
                x, at = f.interpolate(x, scale_factor=2.0, mode="nearest"), scale
            x = block(x, _nearest(finest, SCALES[-1] - scale))
        images = (torch.tanh(self.head(f.leaky_relu(x, LEAK)).float()) + 1) / 2
        return (images * brain_of(brain_maps)).unsqueeze(1)

    def forward(self, brain_maps: Tensor) -> Tensor:
        """Maps brain maps ``(B, M, H, W)`` uint8 to images ``(B, M, H, W)`` float32 in 0 to 1."""
        return self.candidates(brain_maps)[:, 0]


def _nearest(finest: Tensor, halvings: int) -> Tensor:
    """Returns every 2^n-th pixel of a map: what nearest-neighbour resizing takes."""
    step = 1 << halvings
    return finest[:, :, ::step, ::step]
