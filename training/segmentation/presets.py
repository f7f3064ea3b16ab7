"""The three systems of paper 002, one preset each: what a region's network sees, and what it is taught with."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from gliosynth.labels import Contrast, Region
from training.losses.overlap import OverlapWeights
from training.networks.unet2d import UNet2dSpec

T1N, T1C, T2W, T2F = range(4)
"""Channel positions of `gliosynth.labels.CONTRASTS`."""

SUBTRACTION: Final = f"{Contrast.T1C}-{Contrast.T1N}"
"""Name of the channel that paper 002's variant for the core puts in the place of T1 (METHODS A.002)."""


@dataclass(frozen=True)
class Preset:
    """A region's network and its diet.

    Attributes:
        region: Region whose logit the network gives.
        subtract: Whether channel 0 is t1c - t1n (z-scores) instead of t1n.
        spec: Network.
        crop: Height and width in pixels of a training sample, multiples of 16.
        jitter_px: Largest shift of the crop from its centre along each axis.
        around_tumour: Whether crops are centred on the whole tumour, as the service runs TC and ET, or on the brain.
        weights: Prices of the overlap loss. Tversky .75/.25 for WT and ET, milder for TC (PROTOTYPE 9.4).
        region_share: Share of the samples drawn from slices that show the region (METHODS C.1).
        dropout: Chance that one contrast of a sample is blanked.
    """

    region: Region
    subtract: bool
    spec: UNet2dSpec
    crop: tuple[int, int]
    jitter_px: int
    around_tumour: bool
    weights: OverlapWeights
    region_share: float
    dropout: float

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the input channels, in order."""
        first = SUBTRACTION if self.subtract else str(Contrast.T1N)
        return (first, str(Contrast.T1C), str(Contrast.T2W), str(Contrast.T2F))


RECALL_WEIGHTED: Final = OverlapWeights(false_negative=0.75, false_positive=0.25)
"""Against one-sided under-segmentation: +.035 WT, +.045 ET in PROTOTYPE 6."""

CORE_WEIGHTS: Final = OverlapWeights(false_negative=0.6, false_positive=0.4)
"""With plain Dice the core's volume was 10 % too small on the shifted simulators (LOG.md, tc2)."""

WHOLE_BRAIN: Final = (144, 176)
"""Pixels of 1 mm that hold nearly every axial brain slice."""

TUMOUR_BOX: Final = (128, 128)
"""Pixels of 1 mm of a TC or ET sample."""

PRESETS: Final = {
    Region.WT: Preset(
        Region.WT, False, UNet2dSpec(4, (24, 48, 96, 160)), WHOLE_BRAIN, 8, False, RECALL_WEIGHTED, 0.7, 0.1
    ),
    Region.TC: Preset(
        Region.TC, True, UNet2dSpec(4, (32, 64, 128, 192)), TUMOUR_BOX, 24, True, CORE_WEIGHTS, 0.8, 0.03
    ),
    Region.ET: Preset(
        Region.ET, True, UNet2dSpec(4, (32, 64, 128, 192)), TUMOUR_BOX, 24, True, RECALL_WEIGHTED, 0.75, 0.03
    ),
}
"""One line a system."""


def network_input(contrasts: Tensor, *, subtract: bool) -> Tensor:
    """Returns the channels a network expects from the four z-scored contrasts.

    Args:
        contrasts: ``(B, 4, H, W)``, channels of `gliosynth.labels.CONTRASTS`.
        subtract: Put t1c - t1n into channel 0, not clipped again (range -10 to 10).

    Returns:
        ``(B, 4, H, W)``, a new tensor where channels differ.
    """
    if not subtract:
        return contrasts
    first = contrasts[:, T1C : T1C + 1] - contrasts[:, T1N : T1N + 1]
    return torch.cat([first, contrasts[:, T1C:]], dim=1)
