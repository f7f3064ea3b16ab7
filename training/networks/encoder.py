"""The feature encoder: what perceptual losses and feature distances see of one contrast, taught on the simulator.

Where no VGG-19 file is at hand, its place is taken by this network. It looks at one contrast of a slice, whichever, and
says for every pixel which part of a tumour it is and which intensity band it has in each of the four contrasts: so its
features must tell tissues apart by shape and place, not by the grey value alone. A feature of scale k covers 2^k
pixels; the head looks at all scales, so each of them has learned something.
"""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gliosynth.labels import CONTRASTS
from training.networks.unet2d import ConvBlock

KIND: Final = "feature encoder"
"""What the facts beside the weights call the network."""

TUMOUR_CLASSES: Final = 4
"""No tumour, NCR, ED, ET: the first logits."""

BAND_CLASSES: Final = 4
"""Intensity bands of a contrast, brightest first: logits of each contrast after those of the tumour."""

LOGITS: Final = TUMOUR_CLASSES + BAND_CLASSES * len(CONTRASTS)
"""Logits a pixel."""

TARGETS: Final = (
    "tumour parts (NCR, ED, ET) and the intensity bands of all four contrasts at every pixel, from one contrast of a"
    " slice"
)
"""What the network is taught, for model cards and metric names."""


@dataclass(frozen=True)
class EncoderSpec:
    """What a feature encoder is built from; stored as JSON beside its weights.

    Attributes:
        widths: Feature channels per scale, finest first.
        joined: Channels in which the scales are summed for the head.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 224)
    joined: int = 32

    def as_json(self) -> dict[str, object]:
        """Returns the fields as JSON values."""
        return {**asdict(self), "widths": list(self.widths)}


class FeatureEncoder(nn.Module):
    """f_0 = block(x), f_k = block(max-pool(f_k-1)); logits = W relu(sum_k up_k(W_k f_k)), up_k bilinear by 2^k."""

    def __init__(self, spec: EncoderSpec) -> None:
        """Builds the network of a spec, weights drawn from torch's global generator."""
        super().__init__()
        self.spec = spec
        inputs = (1, *spec.widths[:-1])
        self.blocks = nn.ModuleList(ConvBlock(a, b) for a, b in zip(inputs, spec.widths, strict=True))
        self.lateral = nn.ModuleList(nn.Conv2d(width, spec.joined, 1) for width in spec.widths)
        self.head = nn.Conv2d(spec.joined, LOGITS, 1)

    @property
    def multiple(self) -> int:
        """Number of pixels that height and width must be a multiple of."""
        return 1 << (len(self.spec.widths) - 1)

    def features(self, contrast: Tensor) -> list[Tensor]:
        """Returns the features of each scale, finest first.

        Args:
            contrast: Unit intensities ``(B, 1, H, W)``, 0 outside the brain; H and W multiples of `multiple`.

        Returns:
            ``(B, widths[k], H / 2^k, W / 2^k)`` for each scale k, not negative.
        """
        found = [self.blocks[0](contrast)]
        for block in self.blocks[1:]:
            found.append(block(nn.functional.max_pool2d(found[-1], 2)))
        return found

    def forward(self, contrast: Tensor) -> Tensor:
        """Maps one contrast ``(B, 1, H, W)`` to logits ``(B, LOGITS, H, W)``: tumour, then bands of each contrast."""
        found = self.features(contrast)
        joined = self.lateral[-1](found[-1])
        for lateral, finer in zip(reversed(self.lateral[:-1]), reversed(found[:-1]), strict=True):
            joined = lateral(finer) + nn.functional.interpolate(joined, scale_factor=2.0, mode="bilinear")
        return self.head(torch.relu(joined))  # type: ignore[no-any-return]

    def folded(self) -> "FeatureEncoder":
        """Returns a frozen copy whose batch norms are folded into the convolutions before them."""
        network = copy.deepcopy(self).eval().requires_grad_(False)
        for block in cast(list[ConvBlock], list(network.blocks)):
            block.conv1 = fuse_conv_bn_eval(block.conv1, cast(nn.BatchNorm2d, block.norm1))
            block.conv2 = fuse_conv_bn_eval(block.conv2, cast(nn.BatchNorm2d, block.norm2))
            block.norm1, block.norm2 = nn.Identity(), nn.Identity()
        return network.requires_grad_(False)


def encoder_of(facts: Mapping[str, object]) -> FeatureEncoder:
    """Returns a network as the facts beside its weights describe it, with weights of its own."""
    spec = cast(Mapping[str, object], facts["spec"])
    widths = tuple(cast(list[int], spec["widths"]))
    return FeatureEncoder(EncoderSpec(widths, cast(int, spec["joined"])))
