"""What the loop trains here: a generator of images from brain maps, against a discriminator.

Paper 002, equation 3: S* = argmin E[sum_i lambda_i p_i + lambda_im L_im] + lambda L_adv, with the adversarial term on.
The lambdas follow the rule of `training.losses.balance` and are part of the state that resumes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from gliosynth.errors import InvalidInputError, InvalidParameterError
from gliosynth.labels import CONTRASTS
from training.data.mixture import Rings
from training.data.pairs import Pairs, UnitScales, draw_pairs, volumes_of_pairs
from training.data.ring import Ring
from training.generation.options import GenerationOptions
from training.generation.pictures import sheet
from training.generation.presets import Generator, GeneratorPreset, channels_of, makers_of
from training.generation.scoring import evaluation_of, score_slices
from training.loop.devices import descend, set_up
from training.loop.options import LoopOptions
from training.loop.system import Evaluation, Step
from training.losses.adversarial import Judgement, discriminator_loss, feature_matching, generator_loss
from training.losses.balance import Balance
from training.losses.diversity import best_candidates, diversity_loss
from training.losses.image import class_errors, dissimilarity
from training.networks.one_hot import brain_of, class_masks

PICTURED: Final = 2
"""Slices on a picture."""


class FeatureTerms(Protocol):
    """Perceptual terms, `training.losses.perceptual.PerceptualLoss`."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name a layer."""

    def terms(self, synthetic: Tensor, real: Tensor, mask: Tensor) -> Sequence[Tensor]:
        """Returns one scalar a layer for images ``(B, M, H, W)`` and brains ``(B, 1, H, W)``."""

    def facts(self) -> Mapping[str, object]:
        """Returns what the features come from, as JSON values."""


class GeneratorSystem:
    """A generator, its discriminator, and the balance of the generator's loss.

    Attributes:
        balance: Weights of the terms.
    """

    averaged = ("generator",)

    def __init__(
        self,
        preset: GeneratorPreset,
        options: GenerationOptions,
        loop: LoopOptions,
        *,
        rings: Rings,
        fabric: Fabric,
        perceptual: FeatureTerms | None,
    ) -> None:
        """Makes both networks from the seed.

        Args:
            preset: Networks and losses.
            options: Data and contrast.
            loop: Its learning rate is the generator's; the discriminator's stands to it as in the preset.
            rings: Volumes to learn from.
            fabric: The device or devices.
            perceptual: Features, or None to do without the perceptual terms.
        """
        torch.manual_seed(loop.seed)
        self.preset, self.options, self.fabric, self.perceptual = preset, options, fabric, perceptual
        self.channels = channels_of(options.contrast or None)
        self.rings, self.scales = rings, UnitScales()
        self.held_out = held_out_pairs(options, preset, self.channels)
        self.trained: dict[str, nn.Module] = {name: make() for name, make in makers_of(preset).items()}
        rates = (loop.learning_rate, loop.learning_rate * preset.rates[1] / preset.rates[0])
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(network.parameters(), rate, betas=preset.betas)
            for (name, network), rate in zip(self.trained.items(), rates, strict=True)
        }
        self.balance = Balance(term_shares(preset, perceptual), every=preset.rebalance_every)
        self.clip = loop.clip
        self.run_generator = set_up(fabric, self.trained["generator"], self.optimizers["generator"])
        cast(Marked, self.run_generator).mark_forward_method("candidates")
        self.run_discriminator = set_up(fabric, self.trained["discriminator"], self.optimizers["discriminator"])

    @property
    def facts(self) -> Mapping[str, object]:
        """What stands beside the weights."""
        return {
            "kind": self.preset.kind,
            "preset": self.options.preset,
            "spec": self.preset.spec.as_json(),
            "contrasts": [str(CONTRASTS[channel]) for channel in self.channels],
            "size": list(self.preset.size),
            "multiple": self.preset.spec.multiple,
            "shares": asdict(self.preset.shares),
            "perceptual": dict(self.perceptual.facts()) if self.perceptual else None,
        }

    def state(self) -> Mapping[str, Tensor]:
        """Returns the balance."""
        return self.balance.state()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes the balance back."""
        self.balance.load_state(state)

    def step(self, at: Step) -> Mapping[str, float]:
        """Takes one step of the generator, then one of the discriminator on the same images."""
        rngs = at.rngs
        with at.data:
            self.rings.advance(at.number)
            maps, real = self._batch(at.count, rngs)
        candidates = cast(Generator, self.run_generator).candidates(maps)
        errors = class_errors(candidates, real, class_masks(maps))
        fake = best_candidates(candidates, errors)
        terms = {
            "image": diversity_loss(errors),
            **self._terms(maps, fake, real, np.random.default_rng([at.seed, at.number])),
        }
        self.balance.note(mean_sizes(terms, self.fabric))
        loss = self.balance.total(terms)
        descend(self.fabric, self.trained["generator"], self.optimizers["generator"], loss=loss, clip=self.clip)
        judged = self._judge_both(maps, real, fake.detach())
        rival = discriminator_loss(*judged, rule=self.preset.rule, rngs=rngs)
        descend(self.fabric, self.trained["discriminator"], self.optimizers["discriminator"], loss=rival)
        named = {name: float(term.detach()) for name, term in terms.items()}
        return {"loss": float(loss.detach()), **named, "discriminator": float(rival.detach())}

    def evaluate(self, averaged: Mapping[str, nn.Module]) -> Evaluation:
        """Scores the mean SSIM in the brain on the held-out rings, data range 1."""
        generated = {name: (pairs, self._generate(averaged, pairs)) for name, pairs in self.held_out.items()}
        return evaluation_of(score_slices(generated, self._names))

    def picture(self, averaged: Mapping[str, nn.Module]) -> NDArray[np.uint8] | None:
        """Draws two held-out slices: brain map, truth, generated, difference."""
        pairs = next(iter(self.held_out.values()))
        chosen = np.linspace(0, len(pairs.brain_maps), PICTURED + 2, dtype=np.intp)[1:-1]
        shown = Pairs(pairs.brain_maps[chosen], pairs.contrasts[chosen], pairs.brain[chosen], pairs.labels[chosen])
        return sheet(shown, self._generate(averaged, shown), names=self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(str(CONTRASTS[channel]) for channel in self.channels)

    def _batch(self, count: int, rngs: Sequence[np.random.Generator]) -> tuple[Tensor, Tensor]:
        """Returns brain maps and images of the step."""
        size = self.preset.size
        maps, real = [], []
        for rng in rngs:
            pairs = draw_pairs(self.rings, self.scales, size=size, channels=self.channels, count=count, rng=rng)
            for one in range(count):
                window = crop_window(size, self.preset.crop, rng)
                maps.append(pairs.brain_maps[one][(..., *window)])
                real.append(pairs.contrasts[one][(..., *window)])
        stacked = torch.from_numpy(np.stack(maps)), torch.from_numpy(np.stack(real))
        return self.fabric.to_device(stacked[0]), self.fabric.to_device(stacked[1])

    def _terms(self, maps: Tensor, fake: Tensor, real: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """Returns the generator's terms beside the image's; features are those of one contrast, drawn here."""
        brain, shares = brain_of(maps), self.preset.shares
        terms: dict[str, Tensor] = {}
        if shares.dissimilarity:
            terms["dissimilarity"] = dissimilarity(fake, real, brain)
        if self.perceptual is not None:
            one = slice(seen := int(rng.integers(fake.shape[1])), seen + 1)
            with self.fabric.autocast():
                features = self.perceptual.terms(fake[:, one], real[:, one], brain)
            terms |= dict(zip(self.perceptual.names, features, strict=True))
        with frozen(self.trained["discriminator"]) as discriminator, self.fabric.autocast():
            judged = discriminator(maps, fake)
            terms["adversarial"] = generator_loss(judged, rule=self.preset.rule)
            if shares.feature_matching:
                with torch.no_grad():
                    target = discriminator(maps, real)
                terms["feature_matching"] = feature_matching(judged, target)
        return {name: term.float() for name, term in terms.items()}

    def _judge_both(self, maps: Tensor, real: Tensor, fake: Tensor) -> tuple[list[Judgement], list[Judgement]]:
        """Returns the judgements of real and generated images, by one pass over both."""
        both = self.run_discriminator(torch.cat([maps, maps]), torch.cat([real, fake]))
        return split(both, first=True), split(both, first=False)

    def _generate(self, averaged: Mapping[str, nn.Module], pairs: Pairs) -> NDArray[np.float32]:
        """Returns the images of the averaged generator, slice by slice, in 0 to 1."""
        network = averaged["generator"].to(self.fabric.device)
        with torch.no_grad():
            parts = [
                network(self.fabric.to_device(torch.from_numpy(part))).cpu().numpy()
                for part in np.array_split(pairs.brain_maps, len(pairs.brain_maps))
            ]
        return np.concatenate(parts)


def crop_window(size: tuple[int, int], crop: tuple[int, int], rng: np.random.Generator) -> tuple[slice, slice]:
    """Returns a window of some size at a random place of a slice."""
    starts = [int(rng.integers(have - wanted + 1)) for have, wanted in zip(size, crop, strict=True)]
    return slice(starts[0], starts[0] + crop[0]), slice(starts[1], starts[1] + crop[1])


class Marked(Protocol):
    """What a network that Fabric wraps can do."""

    def mark_forward_method(self, method: str) -> None:
        """Lets a method run as forward does: with the fabric's precision and gradients."""


def term_shares(preset: GeneratorPreset, perceptual: FeatureTerms | None) -> dict[str, float]:
    """Returns the wanted share of every term by name; no perceptual terms where there are no features.

    Raises:
        InvalidParameterError: The preset has shares for another number of layers than the features have.
    """
    wanted = preset.shares
    shares = {"image": wanted.image}
    if wanted.dissimilarity:
        shares["dissimilarity"] = wanted.dissimilarity
    if perceptual is not None:
        count = len(perceptual.names)
        layers = wanted.layers or (1 / count,) * count
        if len(layers) != count:
            raise InvalidParameterError(
                f"the preset weighs {len(layers)} layers and the features have {count}; give VGG-19", field="perceptual"
            )
        shares |= {name: wanted.perceptual * layer for name, layer in zip(perceptual.names, layers, strict=True)}
    shares["adversarial"] = wanted.adversarial
    if wanted.feature_matching:
        shares["feature_matching"] = wanted.feature_matching
    return shares


def mean_sizes(terms: Mapping[str, Tensor], fabric: Fabric) -> dict[str, float]:
    """Returns the terms' absolute values by name, the mean over the devices."""
    sizes = torch.stack([term.detach().abs().double() for term in terms.values()])
    means = sizes if fabric.world_size == 1 else cast(Tensor, fabric.all_reduce(sizes, reduce_op="mean"))
    return dict(zip(terms, means.tolist(), strict=True))


def split(judgements: Sequence[Judgement], *, first: bool) -> list[Judgement]:
    """Returns the first or the second half of a judged batch."""
    half = len(judgements[0].logits) // 2
    part = slice(0, half) if first else slice(half, None)
    return [Judgement(one.logits[part], tuple(feature[part] for feature in one.features)) for one in judgements]


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """Keeps a network's weights out of the gradient for as long as the context lasts."""
    network.requires_grad_(False)
    try:
        yield network
    finally:
        network.requires_grad_(True)


def held_out_pairs(options: GenerationOptions, preset: GeneratorPreset, channels: tuple[int, ...]) -> dict[str, Pairs]:
    """Returns every n-th slice through the tumours of each held-out ring, by the ring's name.

    Raises:
        InvalidInputError: The folder holds no ring with a tumour.
    """
    found = {}
    for folder in sorted(path.parent for path in Path(options.validation).glob("*/ring.json")):
        ring, scales = Ring(folder), UnitScales()
        parts = [pairs for _, pairs in volumes_of_pairs(ring, scales, size=preset.size, channels=channels)]
        if parts:
            found[folder.name] = _thinned(parts, options.validation_slices)
    if not found:
        raise InvalidInputError(f"{options.validation}: no ring with a tumour to be judged on; fill one")
    return found


def _thinned(parts: Sequence[Pairs], count: int) -> Pairs:
    """Returns some slices of volumes, evenly spread over all of them."""
    total = sum(len(part.brain_maps) for part in parts)
    chosen = np.linspace(0, total - 1, min(count, total), dtype=np.intp)
    return Pairs(
        np.concatenate([part.brain_maps for part in parts])[chosen],
        np.concatenate([part.contrasts for part in parts])[chosen],
        np.concatenate([part.brain for part in parts])[chosen],
        np.concatenate([part.labels for part in parts])[chosen],
    )
