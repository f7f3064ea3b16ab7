"""Named presets of segmenters, one line each: the three shipped systems, the paper's, and one change at a time.

The ``joint`` network answers all three regions at once on whole slices, so one short run tells what an ingredient does
to each of them; every other ``joint-...`` preset differs from it in the one thing that its name says (METHODS C.1,
PROTOTYPE 9). `training.ablations` trains and compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

import torch
from torch import Tensor

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import CONTRASTS, REGIONS, Contrast, Region
from training.losses.overlap import OverlapWeights
from training.networks.unet2d import UNet2dSpec

T1N, T1C, T2W, T2F = range(4)
"""Channel positions of `gliosynth.labels.CONTRASTS`."""

SUBTRACTION: Final = f"{Contrast.T1C}-{Contrast.T1N}"
"""Name of the channel that paper 002's variant for the core puts in the place of T1 (METHODS A.002)."""

NEIGHBOUR_MM: Final = 2
"""Distance of the neighbouring slices that a 2.5D network sees: the slice distance of the rings it is taught with."""


@dataclass(frozen=True)
class Variation:
    """How often `training.segmentation.augment` varies a sample in each way.

    Attributes:
        repaint: Samples whose tumour parts are repainted.
        low_resolution: Samples of which one contrast is coarsened.
        mask_error: Samples whose brain mask is cut too tight.
        channel_dropout: Samples that lose one contrast.
        gamma: Samples whose intensities are bent, nnU-Net.
        noise: Samples with more noise, nnU-Net.
        intensity: Whether gain and offset of each contrast vary.
        pose: Whether rotation, scale and mirroring vary.
    """

    repaint: float = 0.5
    low_resolution: float = 0.15
    mask_error: float = 0.2
    channel_dropout: float = 0.1
    gamma: float = 0.15
    noise: float = 0.1
    intensity: bool = True
    pose: bool = True


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted, where the command line does not say otherwise.

    Attributes:
        optimizer: AdamW, or Adam as in paper 002.
        learning_rate: The highest.
        weight_decay: AdamW's; Adam has none.
        batch: Slices a step and device.
        ema: Decay of the averaged weights per step; 0 keeps no average.
        logit_share: First share of the steps that fits logits instead of overlap (METHODS C.1 line 10).
        annealed: Whether the learning rate rises and falls; paper 002 keeps it constant.
    """

    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch: int = 16
    ema: float = 0.998
    logit_share: float = 0.0
    annealed: bool = True


@dataclass(frozen=True)
class Preset:
    """A network and its diet.

    Attributes:
        name: What ``--preset`` calls it.
        regions: Regions whose logits the network gives, in order.
        spec: Network; its channels are four contrasts for each slice it sees.
        weights: Prices of the loss, one a region.
        crop: Height and width in pixels of a training sample, multiples of 16.
        jitter_px: Largest shift of the crop from its centre along each axis.
        region_share: Share of the samples drawn from slices that show the first region (METHODS C.1).
        subtract: Whether channel 0 is t1c - t1n (z-scores) instead of t1n.
        around_tumour: Whether crops are centred on the whole tumour, as the service runs TC and ET, or on the brain.
        neighbours: Slices seen on each side of the one that is segmented, 2 mm apart (2.5D).
        variation: How samples are varied.
        recipe: How it is fitted.
        volumes: Only the first volumes of a ring are drawn from, or all of them.
        placed: Whether tumours are hand-made and placed in the rings' tumour-free volumes (seed 000).
    """

    name: str
    regions: tuple[Region, ...]
    spec: UNet2dSpec
    weights: tuple[OverlapWeights, ...]
    crop: tuple[int, int]
    jitter_px: int
    region_share: float
    subtract: bool = False
    around_tumour: bool = False
    neighbours: int = 0
    variation: Variation = Variation()
    recipe: Recipe = Recipe()
    volumes: int | None = None
    placed: bool = False

    @property
    def region(self) -> Region:
        """The region that samples are drawn for: the only one, or the first of several."""
        return self.regions[0]

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the input channels in order, slice by slice from below; ``@`` is the offset in mm along Z."""
        first = SUBTRACTION if self.subtract else str(Contrast.T1N)
        one_slice = (first, str(Contrast.T1C), str(Contrast.T2W), str(Contrast.T2F))
        offsets = [NEIGHBOUR_MM * step for step in range(-self.neighbours, self.neighbours + 1)]
        return tuple(f"{name}@{offset}" if offset else name for offset in offsets for name in one_slice)


RECALL_WEIGHTED: Final = OverlapWeights(false_negative=0.75, false_positive=0.25)
"""Against one-sided under-segmentation: +.035 WT, +.045 ET in PROTOTYPE 6."""

MILDLY_WEIGHTED: Final = OverlapWeights(false_negative=0.6, false_positive=0.4)
"""What the joint control pays for the core: one step from Dice towards recall."""

DICE: Final = OverlapWeights()
"""Soft Dice and cross entropy: what the core pays. At .6/.4 the network called bright oedema core (LOG.md, tc5)."""

PAPER_DICE: Final = OverlapWeights(cross_entropy=0.0)
"""Soft Dice over the batch alone, paper 002 equation 4."""

WHOLE_BRAIN: Final = (144, 176)
"""Pixels of 1 mm that hold nearly every axial brain slice."""

TUMOUR_BOX: Final = (128, 128)
"""Pixels of 1 mm of a TC or ET sample."""

B24: Final = UNet2dSpec(4, (24, 48, 96, 160))
"""The shipped WT network's size."""

B32: Final = UNet2dSpec(4, (32, 64, 128, 192))
"""The shipped TC and ET networks' size."""

B64: Final = UNet2dSpec(4, (64, 128, 256, 512, 1024), fold=1, dropout=0.5)
"""Paper 002: base 64, four poolings, dropout .5 at the two deepest scales, no fold (METHODS A.002)."""

B32_PLAIN: Final = UNet2dSpec(4, (32, 64, 128, 256, 512), fold=1)
"""Half the paper's width, else as the paper's: 7.8 M parameters, 14.8 MiB in fp16 (METHODS E)."""

SMALL: Final = UNet2dSpec(4, (20, 40, 80, 128), outputs=3)
"""The joint network for ablations: 0.64 M parameters, three logits, a step in a third of a second on one core."""

PAPER: Final = Recipe("adam", learning_rate=1e-5, weight_decay=0.0, batch=10, ema=0.0, annealed=False)
"""Optimiser of paper 002's code (METHODS A.002)."""

CORE_VARIATION: Final = Variation(channel_dropout=0.03)
"""Variation of the shipped TC and ET networks, to which a missing T1c says little."""

_RECALL: Final = (RECALL_WEIGHTED,)

WT: Final = Preset("wt", (Region.WT,), B24, _RECALL, WHOLE_BRAIN, 8, 0.7)
TC: Final = Preset("tc", (Region.TC,), B32, (DICE,), TUMOUR_BOX, 24, 0.8, True, True, variation=CORE_VARIATION)
ET: Final = Preset("et", (Region.ET,), B32, _RECALL, TUMOUR_BOX, 24, 0.75, True, True, variation=CORE_VARIATION)
_UNET64: Final = Preset("unet64", (Region.WT,), B64, (PAPER_DICE,), WHOLE_BRAIN, 8, 0.7, recipe=PAPER)
_JOINT: Final = Preset(
    "joint", REGIONS, SMALL, (RECALL_WEIGHTED, MILDLY_WEIGHTED, RECALL_WEIGHTED), WHOLE_BRAIN, 8, 0.7
)
_VARIED: Final = _JOINT.variation
_FITTED: Final = _JOINT.recipe


def _of_three(preset: Preset) -> tuple[Preset, ...]:
    """Returns a WT preset of the paper, and the same for TC and ET with T1c - T1 as the paper's variant has it."""
    core, enhancing = (
        replace(preset, name=f"{preset.name}-{region.lower()}", regions=(region,), subtract=True)
        for region in (Region.TC, Region.ET)
    )
    return preset, core, enhancing


_ALL: Final = (
    # The systems that are shipped, and the same with one thing more.
    WT,
    TC,
    ET,
    *(replace(one, name=f"{one.name}-2.5d", neighbours=1, spec=replace(one.spec, channels=12)) for one in (WT, TC, ET)),
    replace(WT, name="wt-base32", spec=B32),
    *_of_three(_UNET64),
    *_of_three(replace(_UNET64, name="unet32", spec=B32_PLAIN, weights=_RECALL, recipe=Recipe())),
    # Seed 000: binary, 2D, taught by hand-made tumours alone (`training.train_gbm`).
    replace(WT, name="gbm", weights=(DICE,), variation=Variation(repaint=0), placed=True),
    replace(WT, name="gbm-core", regions=(Region.TC,), weights=(DICE,), variation=Variation(repaint=0), placed=True),
    # For tests.
    replace(WT, name="tiny", spec=UNet2dSpec(4, (8, 12, 16, 24)), crop=(96, 112)),
    # One change at a time.
    _JOINT,
    replace(_JOINT, name="joint-2.5d", neighbours=1, spec=replace(SMALL, channels=12)),
    replace(_JOINT, name="joint-2.5d-5", neighbours=2, spec=replace(SMALL, channels=20)),
    replace(_JOINT, name="joint-deep-supervision", spec=replace(SMALL, deep_supervision=2)),
    replace(_JOINT, name="joint-group-norm", spec=replace(SMALL, norm="group")),
    replace(_JOINT, name="joint-dropout", spec=replace(SMALL, dropout=0.5)),
    replace(_JOINT, name="joint-wider", spec=replace(SMALL, widths=(32, 64, 128, 192))),
    replace(_JOINT, name="joint-subtract", subtract=True),
    replace(_JOINT, name="joint-dice", weights=(DICE, DICE, DICE)),
    replace(_JOINT, name="joint-tversky-all", weights=(RECALL_WEIGHTED, RECALL_WEIGHTED, RECALL_WEIGHTED)),
    replace(_JOINT, name="joint-no-cross-entropy", weights=tuple(replace(w, cross_entropy=0) for w in _JOINT.weights)),
    replace(_JOINT, name="joint-no-channel-dropout", variation=replace(_VARIED, channel_dropout=0)),
    replace(_JOINT, name="joint-no-repaint", variation=replace(_VARIED, repaint=0)),
    replace(_JOINT, name="joint-no-low-resolution", variation=replace(_VARIED, low_resolution=0)),
    replace(_JOINT, name="joint-mask-error-off", variation=replace(_VARIED, mask_error=0)),
    replace(_JOINT, name="joint-no-gamma", variation=replace(_VARIED, gamma=0)),
    replace(_JOINT, name="joint-no-noise", variation=replace(_VARIED, noise=0)),
    replace(_JOINT, name="joint-no-intensity", variation=replace(_VARIED, intensity=False)),
    replace(_JOINT, name="joint-no-pose", variation=replace(_VARIED, pose=False)),
    replace(_JOINT, name="joint-no-ema", recipe=replace(_FITTED, ema=0)),
    replace(_JOINT, name="joint-logit-l2", recipe=replace(_FITTED, logit_share=0.1)),
    replace(_JOINT, name="joint-tumour-half", region_share=0.5),
    replace(_JOINT, name="joint-20-volumes", volumes=20),
    replace(_JOINT, name="joint-60-volumes", volumes=60),
    replace(_JOINT, name="joint-80-volumes", volumes=80),
    replace(_JOINT, name="joint-tiny", spec=UNet2dSpec(4, (8, 12, 16, 24), outputs=3), crop=(96, 112)),
)

SEGMENTERS: Final = {preset.name: preset for preset in _ALL}
"""All presets by name."""

PRESETS: Final = {Region.WT: WT, Region.TC: TC, Region.ET: ET}
"""The shipped systems, one a region."""


def segmenter(name: str) -> Preset:
    """Returns a named preset.

    Raises:
        InvalidParameterError: No preset has this name.
    """
    if name not in SEGMENTERS:
        raise InvalidParameterError(
            f"there is no segmenter preset {name!r}; choose one of {', '.join(SEGMENTERS)}", field="preset", got=name
        )
    return SEGMENTERS[name]


def preset_of(facts: Mapping[str, object]) -> Preset:
    """Returns the preset that weights were trained with, from the facts beside them.

    Args:
        facts: JSON values with ``spec`` and ``preset``, or ``region`` where the file is older than named presets.

    Raises:
        InvalidParameterError: The preset is unknown.
    """
    name = str(facts.get("preset") or str(facts["region"]).lower())
    return replace(segmenter(name), spec=UNet2dSpec.from_json(cast(Mapping[str, object], facts["spec"])))


def network_input(contrasts: Tensor, *, subtract: bool) -> Tensor:
    """Returns the channels a network expects from the four z-scored contrasts of each slice it sees.

    Args:
        contrasts: ``(B, 4 S, H, W)``, slice by slice the channels of `gliosynth.labels.CONTRASTS`.
        subtract: Put t1c - t1n into each slice's channel 0, not clipped again (range -10 to 10).

    Returns:
        ``(B, 4 S, H, W)``, a new tensor where channels differ.
    """
    if not subtract:
        return contrasts
    slices = torch.unflatten(contrasts, 1, (-1, len(CONTRASTS)))
    first = slices[:, :, T1C : T1C + 1] - slices[:, :, T1N : T1N + 1]
    return torch.cat([first, slices[:, :, T1C:]], dim=2).flatten(1, 2)
