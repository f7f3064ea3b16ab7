"""The 2D U-Net of the region segmenters: four scales, one region logit per pixel.

Paper 002, section 2.4: one U-Net each for WT, TC and ET, four scaling layers, skip connections by concatenation
(Ronneberger et al. 2015, figure 1). Ours differs in two points that make it fit a CPU: the widths are small, and
the image is folded by a lossless space-to-depth, so the finest of the four scales works on 2x2 pixels of 1 mm at once.
"""

from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn

FOLD: Final = 2
"""Edge in pixels of the square that space-to-depth folds into channels."""


@dataclass(frozen=True)
class UNet2dSpec:
    """What a U-Net is built from; stored as JSON beside its weights.

    Attributes:
        channels: Input channels.
        widths: Feature channels per scale, finest first; four of them are the paper's four scales.
    """

    channels: int = 4
    widths: tuple[int, ...] = (24, 48, 96, 160)

    @property
    def multiple(self) -> int:
        """Number of pixels that height and width must be a multiple of."""
        return FOLD << (len(self.widths) - 1)

    def as_json(self) -> dict[str, object]:
        """Returns the fields as JSON values."""
        return {**asdict(self), "widths": list(self.widths)}


class ConvBlock(nn.Module):
    """x -> relu(bn(W2 * relu(bn(W1 * x)))), 3x3 kernels, zero padding (Ronneberger 2015, figure 1, blue arrows)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Builds two convolutions; batch norm supplies the bias."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, inputs, H, W)`` to ``(B, outputs, H, W)``."""
        x = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(x)))


class UpBlock(nn.Module):
    """(x, skip) -> block(concat(skip, up2(x))), up2 a 2x2 transposed convolution (figure 1, green and grey arrows)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Builds the up-convolution and the block after the concatenation."""
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.block = ConvBlock(2 * outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Maps ``(B, inputs, H, W)`` and ``(B, outputs, 2H, 2W)`` to ``(B, outputs, 2H, 2W)``."""
        return self.block(torch.cat([skip, self.up(x)], dim=1))  # type: ignore[no-any-return]


class UNet2d(nn.Module):
    """fold -> [block, max-pool] x scales -> [up, block] x (scales - 1) -> 1x1 -> unfold: one logit per input pixel."""

    def __init__(self, spec: UNet2dSpec) -> None:
        """Builds the network of a spec, weights drawn from torch's global generator."""
        super().__init__()
        self.spec = spec
        inputs = (spec.channels * FOLD**2, *spec.widths[:-1])
        self.encoder = nn.ModuleList(ConvBlock(a, b) for a, b in zip(inputs, spec.widths, strict=True))
        coarse_to_fine = list(zip(spec.widths[:0:-1], spec.widths[-2::-1], strict=True))
        self.decoder = nn.ModuleList(UpBlock(a, b) for a, b in coarse_to_fine)
        self.head = nn.Conv2d(spec.widths[0], FOLD**2, 1)

    def forward(self, contrasts: Tensor) -> Tensor:
        """Maps slices ``(B, channels, H, W)`` to region logits ``(B, 1, H, W)``; H and W multiples of 16."""
        x = nn.functional.pixel_unshuffle(contrasts, FOLD)
        skips: list[Tensor] = []
        for scale, block in enumerate(self.encoder):
            x = block(x if scale == 0 else nn.functional.max_pool2d(x, 2))
            skips.append(x)
        for up, skip in zip(self.decoder, skips[-2::-1], strict=True):
            x = up(x, skip)
        return nn.functional.pixel_shuffle(self.head(x), FOLD)
