"""The generators, one preset each: networks, losses, sizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, cast

from torch import Tensor, nn

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import CONTRASTS
from training.losses.adversarial import AdversarialRule
from training.networks.crn import CascadedRefinementNetwork, CrnSpec
from training.networks.patch_discriminator import Discriminator, DiscriminatorSpec
from training.networks.spade import SpadeGenerator, SpadeSpec

AUGMENTATION_NETWORK: Final = "augmentation_network"
"""Kind of the cascaded refinement generators (paper 002)."""

SPADE: Final = "spade"
"""Kind of the generators with spatially-adaptive normalisation (Park et al. 2019)."""

Spec = CrnSpec | SpadeSpec
"""What a generator is built from."""


class Generator(Protocol):
    """What any generator's network does; each is an `nn.Module`."""

    def candidates(self, brain_maps: Tensor) -> Tensor:
        """Maps ``(B, M, H, W)`` uint8 to unclipped images ``(B, K, M, H, W)``."""


@dataclass(frozen=True)
class Shares:
    """Wanted sizes of the terms of a generator's loss, relative to the first (`training.losses.balance`).

    Attributes:
        image: Mean absolute error in the brain (paper 002, equation 1); the reference.
        dissimilarity: 1 - SSIM in the brain; not in the paper.
        perceptual: Features of an encoder (equation 2), of all its layers together.
        layers: Each layer's part of that, fine to coarse; none: even parts.
        adversarial: What the discriminator says.
        feature_matching: The discriminator's features (SPADE).
    """

    image: float = 1.0
    dissimilarity: float = 0.0
    perceptual: float = 1.0
    layers: tuple[float, ...] = ()
    adversarial: float = 0.1
    feature_matching: float = 0.0


@dataclass(frozen=True)
class GeneratorPreset:
    """A generator and how it learns.

    Attributes:
        spec: Its size.
        discriminator: Its rival's.
        size: Height and width in pixels of a slice, multiples of the generator's.
        crop: Height and width in pixels of the part of a slice that is trained on, at a random place; multiples of the
            generator's. A whole slice where norms run over its pixels.
        rule: The game of both.
        shares: What the generator's loss is made of.
        rates: Learning rates of generator and discriminator.
        betas: Adam's, of both.
        batch: Slices a step.
        rebalance_every: Steps between two adaptations of the loss weights; 0: they stay what the shares say.
    """

    spec: Spec
    discriminator: DiscriminatorSpec
    size: tuple[int, int]
    crop: tuple[int, int]
    rule: AdversarialRule = AdversarialRule.LEAST_SQUARES
    shares: Shares = Shares()
    rates: tuple[float, float] = (1e-4, 1e-4)
    betas: tuple[float, float] = (0.9, 0.999)
    batch: int = 1
    rebalance_every: int = 104_960

    @property
    def kind(self) -> str:
        """Which network: `AUGMENTATION_NETWORK` or `SPADE`."""
        return SPADE if isinstance(self.spec, SpadeSpec) else AUGMENTATION_NETWORK

    def of_one_contrast(self) -> "GeneratorPreset":
        """Returns the preset for a model of a single contrast, as the paper trains them."""
        return replace(
            self, spec=replace(self.spec, contrasts=1), discriminator=replace(self.discriminator, contrasts=1)
        )


SPADE_LAYERS: Final = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Weights of VGG-19's layers, fine to coarse (METHODS.md A.002)."""

GENERATORS: Final[Mapping[str, GeneratorPreset]] = {
    "augmentation_network_paper": GeneratorPreset(
        CrnSpec(1, (1024, 1024, 1024, 1024, 1024, 512, 512), candidates=9),
        DiscriminatorSpec(1),
        (256, 256),
        (256, 256),
    ),
    "augmentation_network": GeneratorPreset(
        CrnSpec(4, (128, 128, 96, 96, 64, 32, 16), side_kernel=1, norm_over_pixels=False),
        DiscriminatorSpec(4, (16, 32, 64, 64)),
        (192, 192),
        (128, 128),
        shares=Shares(dissimilarity=3.0, perceptual=0.2, adversarial=0.02),
        rates=(2e-3, 2e-4),
        batch=2,
        rebalance_every=200,
    ),
    "spade": GeneratorPreset(
        SpadeSpec(4, 18, 48),
        DiscriminatorSpec(4, (16, 32, 64, 64), scales=2, spectral=True),
        (192, 192),
        (128, 128),
        rule=AdversarialRule.HINGE,
        shares=Shares(10.0, perceptual=2.0, adversarial=0.1, feature_matching=1.0),
        rates=(5e-4, 1e-3),
        betas=(0.0, 0.9),
        batch=2,
        rebalance_every=0,
    ),
    "spade_paper": GeneratorPreset(
        SpadeSpec(1, 64, 128),
        DiscriminatorSpec(1, scales=2, spectral=True),
        (256, 256),
        (256, 256),
        rule=AdversarialRule.HINGE,
        shares=Shares(0.0, perceptual=10.0, layers=SPADE_LAYERS, adversarial=1.0, feature_matching=10.0),
        rates=(1e-4, 4e-4),
        betas=(0.0, 0.9),
        batch=32,
        rebalance_every=0,
    ),
    "tiny": GeneratorPreset(
        CrnSpec(4, (16, 16, 16), side_kernel=1, norm_over_pixels=False),
        DiscriminatorSpec(4, (8, 8)),
        (64, 80),
        (64, 80),
        shares=Shares(dissimilarity=1.0, perceptual=0.3, adversarial=0.02),
        rates=(4e-3, 1e-3),
        batch=4,
        rebalance_every=20,
    ),
    "spade_tiny": GeneratorPreset(
        SpadeSpec(4, 2, 4),
        DiscriminatorSpec(4, (8, 8), scales=2, spectral=True),
        (64, 96),
        (64, 96),
        rule=AdversarialRule.HINGE,
        shares=Shares(10.0, perceptual=2.0, adversarial=0.1, feature_matching=1.0),
        rates=(5e-3, 5e-3),
        betas=(0.0, 0.9),
        batch=2,
        rebalance_every=0,
    ),
}
"""One entry a generator: as published (``_paper``), as shipped, and to try in seconds (``tiny``).

The paper adapts its weights every 10 epochs: 104,960 steps, 10 x 164 patients x 64 slices of batch 1. Its published
widths want 818 GMAC a slice. Ours is sized by what one CPU core trains in half an hour: on crops of 128 px, 1.1 GMAC a
slice of 192 px, two steps a second. SSIM is a term of ours alone; the paper has L1 and features only.
"""


def preset_of(name: str, *, contrast: str | None) -> GeneratorPreset:
    """Returns a preset by name, for all contrasts it has or for one.

    Raises:
        InvalidParameterError: There is no such preset or contrast, or a model of one contrast was not told which.
    """
    if name not in GENERATORS:
        raise InvalidParameterError(f"preset {name!r}: there are {', '.join(GENERATORS)}", field="preset", got=name)
    preset = GENERATORS[name]
    if contrast is not None:
        channels_of(contrast)
        return preset.of_one_contrast()
    if preset.spec.contrasts != len(CONTRASTS):
        raise InvalidParameterError(
            f"preset {name!r} is a model of one contrast; say which: --contrast {' | '.join(CONTRASTS)}",
            field="contrast",
        )
    return preset


def channels_of(contrast: str | None) -> tuple[int, ...]:
    """Returns the channels of `gliosynth.labels.CONTRASTS` that a model of one contrast, or of all, generates.

    Raises:
        InvalidParameterError: There is no such contrast.
    """
    names = [str(name) for name in CONTRASTS]
    if contrast is None:
        return tuple(range(len(names)))
    if contrast not in names:
        raise InvalidParameterError(f"contrast {contrast!r}: there are {', '.join(names)}", field="contrast")
    return (names.index(contrast),)


def makers_of(preset: GeneratorPreset) -> dict[str, Callable[[], nn.Module]]:
    """Returns what makes the networks of a preset, by name, weights drawn from torch's global generator."""
    return {
        "generator": lambda: network_of(preset.spec),
        "discriminator": lambda: Discriminator(preset.discriminator),
    }


def network_of(spec: Spec) -> nn.Module:
    """Returns the network of a spec, weights drawn from torch's global generator."""
    return SpadeGenerator(spec) if isinstance(spec, SpadeSpec) else CascadedRefinementNetwork(spec)


def generator_of(facts: Mapping[str, object]) -> nn.Module:
    """Returns the network that a run's JSON facts describe, with new weights; `load_weights` fills them in.

    Raises:
        InvalidParameterError: The facts name no kind of generator that is known.
    """
    values = cast(Mapping[str, Any], facts["spec"])
    if facts["kind"] == SPADE:
        return network_of(SpadeSpec(**values))
    if facts["kind"] == AUGMENTATION_NETWORK:
        return network_of(CrnSpec(**{**values, "widths": tuple(values["widths"])}))
    raise InvalidParameterError(
        f"kind {facts['kind']!r} is no generator; it is {AUGMENTATION_NETWORK!r} or {SPADE!r}", field="kind"
    )
