"""The Augmentation Network's generator: a cascade of refinement modules from coarse to fine.

Q. Chen, V. Koltun, "Photographic image synthesis with cascaded refinement networks", ICCV 2017; paper 002, section
2.3.2. Every module sees the brain map at its own resolution, so that a lesion's outline reaches the finest scale
unblurred, and doubles the resolution of the module before.

Two things are options here. The paper's side path is a 3x3 convolution (with it the published widths make 142.5 M
parameters, METHODS.md A.002); 1x1 is a third of its cost. CRN's layer norm runs over channels and pixels of a slice, so
its result depends on how much background the slice is padded with; norm over the channels of each pixel does not, and a
network trained on slices of 192 pixels then serves 256.
"""

from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from training.networks.one_hot import brain_of, input_channels, one_hot

LEAK: Final = 0.2
"""Slope of LeakyReLU below 0 (CRN's code)."""


@dataclass(frozen=True)
class CrnSpec:
    """What a cascade is built from; stored as JSON beside its weights.

    Attributes:
        contrasts: Images generated at once, and brain maps taken: 1 (the paper's) or 4 (joint).
        widths: Feature channels per module, coarsest first; each module doubles the resolution.
        candidates: Images offered per contrast; CRN's diversity loss (section 3.4) trains all of them.
        side_kernel: Edge of the side convolution's kernel, 1 or 3.
        norm_over_pixels: Layer norm over channels and pixels of a slice (CRN) instead of the channels of each pixel.
    """

    contrasts: int = 4
    widths: tuple[int, ...] = (192, 192, 160, 128, 96, 64, 48)
    candidates: int = 1
    side_kernel: int = 3
    norm_over_pixels: bool = True

    @property
    def multiple(self) -> int:
        """Number of pixels that height and width must be a multiple of."""
        return 1 << (len(self.widths) - 1)

    def as_json(self) -> dict[str, object]:
        """Returns the fields as JSON values."""
        return {**asdict(self), "widths": list(self.widths)}


class PixelNorm(nn.Module):
    """y = gamma (x - mean_c) / sqrt(var_c + eps) + beta, over the channels of each pixel (Ba et al. 2016, eq. 4)."""

    def __init__(self, channels: int) -> None:
        """Builds gamma 1 and beta 0."""
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, C, H, W)`` to the same shape; costs no copy where the memory is channels-last."""
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


class RefinementModule(nn.Module):
    """x -> lrelu(N2(W2 * lrelu(N1(W1 * x))) + Ws * x), W 3x3 (paper 002, section 2.3.2: a residual block)."""

    def __init__(self, inputs: int, outputs: int, spec: CrnSpec) -> None:
        """Builds the block with the spec's norm and side convolution."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm1 = _norm(outputs, spec)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm2 = _norm(outputs, spec)
        self.side = nn.Conv2d(inputs, outputs, spec.side_kernel, padding=spec.side_kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, inputs, H, W)`` to ``(B, outputs, H, W)``."""
        y = f.leaky_relu(self.norm1(self.conv1(x)), LEAK)
        return f.leaky_relu(self.norm2(self.conv2(y)) + self.side(x), LEAK)


class CascadedRefinementNetwork(nn.Module):
    """F_0 = module(L_0); F_i = module(concat(up2(F_(i-1)), L_i)); images = 1x1 * F_n, 0 outside the brain.

    L_i is the one-hot brain map, area-downsampled to the resolution of module i; up2 is bilinear.
    """

    def __init__(self, spec: CrnSpec) -> None:
        """Builds the network of a spec, weights drawn from torch's global generator."""
        super().__init__()
        self.spec = spec
        maps = input_channels(spec.contrasts)
        before = (0, *spec.widths[:-1])
        self.cascade = nn.ModuleList(
            RefinementModule(a + maps, b, spec) for a, b in zip(before, spec.widths, strict=True)
        )
        self.head = nn.Conv2d(spec.widths[-1], spec.contrasts * spec.candidates, 1)
        nn.init.constant_(self.head.bias, 0.5)  # type: ignore[arg-type]  # the middle of the range: nothing is cut

    def candidates(self, brain_maps: Tensor) -> Tensor:
        """Returns all candidate images, not yet clipped, so that a gradient comes from everywhere.

        Args:
            brain_maps: ``(B, M, H, W)`` uint8; H and W multiples of ``spec.multiple``.

        Returns:
            ``(B, K, M, H, W)``, 0 outside the brain.
        """
        layouts = self._layouts(one_hot(brain_maps))
        x = self.cascade[0](layouts[0])
        for module, layout in zip(list(self.cascade)[1:], layouts[1:], strict=True):
            up = f.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = module(torch.cat([up, layout.to(up.dtype)], dim=1))
        images = self.head(x).float() * brain_of(brain_maps)
        return torch.unflatten(images, 1, (self.spec.candidates, self.spec.contrasts))

    def forward(self, brain_maps: Tensor) -> Tensor:
        """Maps brain maps ``(B, M, H, W)`` uint8 to images ``(B, M, H, W)`` float32 in 0 to 1 (the first candidate)."""
        return self.candidates(brain_maps)[:, 0].clamp(0.0, 1.0)

    def _layouts(self, finest: Tensor) -> list[Tensor]:
        """Returns the one-hot map at the resolution of every module, coarsest first."""
        layouts = [finest]
        for _ in self.spec.widths[1:]:
            layouts.insert(0, f.avg_pool2d(layouts[0], 2))
        return layouts


def _norm(channels: int, spec: CrnSpec) -> nn.Module:
    """Returns the layer norm of a spec; over channels and pixels it is group norm with one group."""
    return nn.GroupNorm(1, channels) if spec.norm_over_pixels else PixelNorm(channels)
