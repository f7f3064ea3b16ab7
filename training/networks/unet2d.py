"""The 2D U-Net of the region segmenters: one or more region logits per pixel.

Paper 002, section 2.4: one U-Net each for WT, TC and ET, four scaling layers, skip connections by concatenation
(Ronneberger et al. 2015, figure 1). The shipped ones differ in two points that make it fit a CPU: the widths are
small, and the image is folded by a lossless space-to-depth, so the finest of the four scales works on 2x2 pixels of
1 mm at once. `UNet2dSpec` says which; the paper's own size has no fold and five widths from 64 to 1024.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal, cast

import torch
from torch import Tensor, nn

FOLD: Final = 2
"""Edge in pixels of the square that space-to-depth folds into channels in the shipped networks."""

GROUPS: Final = 8
"""Groups of a group norm, or the largest number that divides both this and the channels."""

Norm = Literal["batch", "group"]
"""Normalisation after each convolution: over the batch, or over groups of channels of one sample (Wu & He 2018)."""


@dataclass(frozen=True)
class UNet2dSpec:
    """What a U-Net is built from; stored as JSON beside its weights. Defaults are what older weights have.

    Attributes:
        channels: Input channels.
        widths: Feature channels per scale, finest first.
        outputs: Logits per pixel.
        fold: Edge in pixels of the square that is folded into channels; 1 folds nothing.
        norm: Kind of normalisation.
        dropout: Chance that a feature of the two deepest scales is dropped in training (paper 002's code: .5).
        deep_supervision: Number of coarser scales of the decoder with a head of their own, which training alone sees.
    """

    channels: int = 4
    widths: tuple[int, ...] = (24, 48, 96, 160)
    outputs: int = 1
    fold: int = FOLD
    norm: Norm = "batch"
    dropout: float = 0.0
    deep_supervision: int = 0

    @property
    def multiple(self) -> int:
        """Number of pixels that height and width must be a multiple of."""
        return self.fold << (len(self.widths) - 1)

    def as_json(self) -> dict[str, object]:
        """Returns the fields as JSON values."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> "UNet2dSpec":
        """Returns the spec that `as_json` wrote; what an older file does not name has its default."""
        widths = tuple(cast(list[int], values["widths"]))
        return cls(**{**values, "widths": widths})  # type: ignore[arg-type]  # JSON has no types to check


class ConvBlock(nn.Module):
    """x -> relu(norm(W2 * relu(norm(W1 * x)))), 3x3 kernels, zero padding (Ronneberger 2015, figure 1, blue arrows)."""

    def __init__(self, inputs: int, outputs: int, norm: Norm = "batch") -> None:
        """Builds two convolutions; the norm supplies the bias."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = _norm(norm, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = _norm(norm, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, inputs, H, W)`` to ``(B, outputs, H, W)``."""
        x = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(x)))


class UpBlock(nn.Module):
    """(x, skip) -> block(concat(skip, up2(x))), up2 a 2x2 transposed convolution (figure 1, green and grey arrows)."""

    def __init__(self, inputs: int, outputs: int, norm: Norm = "batch") -> None:
        """Builds the up-convolution and the block after the concatenation."""
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.block = ConvBlock(2 * outputs, outputs, norm)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Maps ``(B, inputs, H, W)`` and ``(B, outputs, 2H, 2W)`` to ``(B, outputs, 2H, 2W)``."""
        return self.block(torch.cat([skip, self.up(x)], dim=1))  # type: ignore[no-any-return]


class LogitHead(nn.Module):
    """x -> unfold(W * x) resized to the input: logits of one scale of the decoder, W a 1x1 convolution."""

    def __init__(self, spec: UNet2dSpec, scale: int) -> None:
        """Builds the head of a scale, 0 the finest."""
        super().__init__()
        self.conv = nn.Conv2d(spec.widths[scale], spec.outputs * spec.fold**2, 1)
        self._fold, self._zoom = spec.fold, 1 << scale

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, widths[scale], H / zoom, W / zoom)`` to ``(B, outputs, fold H, fold W)``."""
        logits = nn.functional.pixel_shuffle(self.conv(x), self._fold)
        return nn.functional.interpolate(logits, scale_factor=float(self._zoom), mode="bilinear")


class UNet2d(nn.Module):
    """fold -> [block, max-pool] x scales -> [up, block] x (scales - 1) -> 1x1 -> unfold: logits of each pixel."""

    def __init__(self, spec: UNet2dSpec) -> None:
        """Builds the network of a spec, weights drawn from torch's global generator."""
        super().__init__()
        self.spec = spec
        inputs = (spec.channels * spec.fold**2, *spec.widths[:-1])
        self.encoder = nn.ModuleList(ConvBlock(a, b, spec.norm) for a, b in zip(inputs, spec.widths, strict=True))
        coarse_to_fine = list(zip(spec.widths[:0:-1], spec.widths[-2::-1], strict=True))
        self.decoder = nn.ModuleList(UpBlock(a, b, spec.norm) for a, b in coarse_to_fine)
        self.head = nn.Conv2d(spec.widths[0], spec.outputs * spec.fold**2, 1)
        self.coarse_heads = nn.ModuleList(LogitHead(spec, scale) for scale in range(1, spec.deep_supervision + 1))

    def forward(self, contrasts: Tensor) -> Tensor:
        """Maps slices ``(B, channels, H, W)`` to region logits ``(B, outputs, H, W)``; H and W multiples of `multiple`.

        In training, a network with deep supervision gives ``(B, (1 + deep_supervision) outputs, H, W)``: the logits of
        the finest scale first, then those of each coarser one, enlarged bilinearly.
        """
        decoded = self._decoded(nn.functional.pixel_unshuffle(contrasts, self.spec.fold))
        logits = nn.functional.pixel_shuffle(self.head(decoded[0]), self.spec.fold)
        if not (self.training and self.coarse_heads):
            return logits
        coarser = [head(features) for head, features in zip(self.coarse_heads, decoded[1:], strict=False)]
        return torch.cat([logits, *coarser], dim=1)

    def _decoded(self, x: Tensor) -> list[Tensor]:
        """Returns the decoder's features, the finest scale first."""
        skips: list[Tensor] = []
        for scale, block in enumerate(self.encoder):
            x = block(x if scale == 0 else nn.functional.max_pool2d(x, 2))
            if self.spec.dropout and scale >= len(self.encoder) - 2:
                x = nn.functional.dropout(x, self.spec.dropout, self.training)
            skips.append(x)
        decoded: list[Tensor] = []
        for up, skip in zip(self.decoder, skips[-2::-1], strict=True):
            x = up(x, skip)
            decoded.append(x)
        return decoded[::-1]


def _norm(norm: Norm, channels: int) -> nn.Module:
    """Returns a normalisation of some channels."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.GroupNorm(math.gcd(GROUPS, channels), channels)
