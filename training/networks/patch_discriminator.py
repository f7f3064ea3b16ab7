"""Discriminators that judge patches: the Augmentation Network's, and SPADE's at two scales.

Isola et al. 2017 (section 3.2.2): convolutions only, so that each logit sees one patch of the image. Both are
conditional: they see the brain map beside the images, so that an image must not only look real but fit its map.
"""

from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torch.nn.utils.parametrizations import spectral_norm

from training.losses.adversarial import Judgement
from training.networks.one_hot import input_channels, one_hot

LEAK: Final = 0.2
"""Slope of LeakyReLU below 0."""

KERNEL: Final = 5
"""Edge of the strided convolutions' kernels (METHODS.md A.002)."""


@dataclass(frozen=True)
class DiscriminatorSpec:
    """What a discriminator is built from.

    Attributes:
        contrasts: Images judged together.
        widths: Feature channels of the strided convolutions, finest first.
        scales: 1: the image; 2: also at half its resolution (Wang et al. 2018).
        spectral: Spectral norm on every convolution (Miyato et al. 2018; SPADE, section 3).
    """

    contrasts: int = 4
    widths: tuple[int, ...] = (64, 128, 256, 512)
    scales: int = 1
    spectral: bool = False

    def as_json(self) -> dict[str, object]:
        """Returns the fields as JSON values."""
        return {**asdict(self), "widths": list(self.widths)}


class PatchDiscriminator(nn.Module):
    """x_i = lrelu(W_i * x_(i-1)), 5x5 with stride 2; logits = W 3x3 * x_n (METHODS.md A.002)."""

    def __init__(self, spec: DiscriminatorSpec) -> None:
        """Builds the convolutions, without norms: statistics of a batch of one or two say little."""
        super().__init__()
        inputs = (input_channels(spec.contrasts) + spec.contrasts, *spec.widths[:-1])
        strided = [
            nn.Conv2d(a, b, KERNEL, stride=2, padding=KERNEL // 2) for a, b in zip(inputs, spec.widths, strict=True)
        ]
        head = nn.Conv2d(spec.widths[-1], 1, 3, padding=1)
        wrap = spectral_norm if spec.spectral else _unchanged
        self.strided = nn.ModuleList(wrap(conv) for conv in strided)
        self.head = wrap(head)

    def forward(self, x: Tensor) -> Judgement:
        """Maps one-hot map and images, ``(B, C, H, W)``, to logits ``(B, 1, H / 16, W / 16)`` and features."""
        features = []
        for conv in self.strided:
            x = f.leaky_relu(conv(x), LEAK)
            features.append(x)
        return Judgement(self.head(x), tuple(features))


class Discriminator(nn.Module):
    """D_s(concat(one-hot(map), images) at 1 / 2^s of the resolution), s = 0 ... scales - 1."""

    def __init__(self, spec: DiscriminatorSpec) -> None:
        """Builds one patch discriminator per scale."""
        super().__init__()
        self.spec = spec
        self.scales = nn.ModuleList(PatchDiscriminator(spec) for _ in range(spec.scales))

    def forward(self, brain_maps: Tensor, images: Tensor) -> list[Judgement]:
        """Judges images ``(B, M, H, W)`` beside their brain maps ``(B, M, H, W)`` uint8, finest scale first."""
        x = torch.cat([one_hot(brain_maps), images], dim=1)
        judgements = []
        for scale in self.scales:
            judgements.append(scale(x))
            x = f.avg_pool2d(x, 2)
        return judgements


def _unchanged(layer: nn.Conv2d) -> nn.Module:
    return layer
