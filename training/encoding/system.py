"""The feature encoder as the loop trains it: one random contrast of each slice in, tumour and bands out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from gliosynth.labels import CONTRASTS
from training.data.mixture import Rings
from training.data.pairs import Pairs, UnitScales, draw_pairs, pairs_of_volume
from training.data.ring import Ring
from training.encoding.presets import EncoderPreset
from training.encoding.targets import NOT_ASKED, Lesson, Overlaps, lesson_losses, lesson_of, parts_of
from training.loop.devices import descend, set_up
from training.loop.system import Evaluation, Step
from training.networks.encoder import KIND, TARGETS, FeatureEncoder

ALL: Final = tuple(range(len(CONTRASTS)))
"""Channels of all contrasts."""

DECAY: Final = 1e-2
"""AdamW's weight decay."""

SHOWN_SLICES: Final = 4
"""Held-out slices in a picture, one of each contrast."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Where slices come from.

    Attributes:
        rings: Volumes to learn from.
        held_out: Rings of volumes to be judged on.
        stride: Every which slice of a held-out volume is looked at.
        scales: Unit intensities of the volumes seen so far.
    """

    rings: Rings
    held_out: tuple[Ring, ...]
    stride: int = 8
    scales: UnitScales = field(default_factory=UnitScales)


class EncoderSystem:
    """A feature encoder, its optimiser and its lessons (`training.loop.system.System`)."""

    averaged = ("network",)

    def __init__(self, preset_name: str, preset: EncoderPreset, sources: Sources, *, rate: float, fabric: Fabric):
        """Makes the network from torch's global generator, which the caller seeds."""
        self.preset, self.sources, self.fabric = preset, sources, fabric
        self.network = FeatureEncoder(preset.spec)
        self.trained: dict[str, nn.Module] = {"network": self.network}
        self.optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=DECAY)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self.wrapped = set_up(fabric, self.network, self.optimizer)
        self.facts: dict[str, object] = {
            "kind": KIND, "preset": preset_name, "spec": preset.spec.as_json(), "targets": TARGETS,
            "size": list(preset.size),
        }  # fmt: skip
        self._held_out: list[Pairs] | None = None

    def state(self) -> Mapping[str, Tensor]:
        """Returns nothing: networks and optimiser are all there is."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes nothing."""

    def step(self, at: Step) -> Mapping[str, float]:
        """Learns a batch, each slice seen in one random contrast."""
        with at.data:
            self.sources.rings.advance(at.number)
            lessons = [self._draw(rng, at.count) for rng in at.rngs]
            lesson = Lesson(
                *(
                    self.fabric.to_device(torch.cat([getattr(one, name) for one in lessons]))
                    for name in vars(lessons[0])
                )
            )
        losses = lesson_losses(self.wrapped(lesson.contrast.contiguous(memory_format=torch.channels_last)), lesson)
        descend(self.fabric, self.network, self.optimizer, loss=torch.stack(list(losses.values())).sum())
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def evaluate(self, averaged: Mapping[str, nn.Module]) -> Evaluation:
        """Scores the mean of tumour Dice and band Dice on held-out slices, each in all four contrasts."""
        overlaps = Overlaps()
        for pairs in self.held_out:
            for contrast in ALL:
                lesson = self._to_device(lesson_of(pairs, torch.full((len(pairs.labels),), contrast)))
                with self.fabric.autocast():
                    overlaps.add(averaged["network"](lesson.contrast), lesson)
        tumour, bands = overlaps.mean("tumour"), overlaps.mean("band")
        return Evaluation((tumour + bands) / 2, {"whole": overlaps.mean("whole"), "parts": tumour, "bands": bands})

    def picture(self, averaged: Mapping[str, nn.Module]) -> NDArray[np.uint8] | None:
        """Returns one slice a row: the contrast, then tumour and bands as they are and as they were said."""
        first = self.held_out[0]
        rows = min(SHOWN_SLICES, len(first.labels))
        lesson = self._to_device(lesson_of(first, torch.arange(len(first.labels)) % len(ALL)))
        with torch.no_grad():
            logits = averaged["network"](lesson.contrast[:rows]).float().cpu()
        tumour, bands = parts_of(logits)
        said = torch.stack([tumour.argmax(dim=1), *(3 - one.argmax(dim=1) for one in bands)], dim=1)
        wanted = torch.cat([lesson.tumour[:, None], 3 - lesson.bands], dim=1)[:rows].cpu()
        asked = torch.cat([lesson.tumour[:, None], lesson.bands], dim=1)[:rows].cpu() != NOT_ASKED
        classes = torch.cat([wanted * asked, said * asked], dim=1) / 3
        tiles = torch.cat([lesson.contrast[:rows].cpu(), classes], dim=1)
        sheet = tiles.permute(0, 2, 1, 3).reshape(rows * tiles.shape[2], -1)
        return (sheet * 255).to(torch.uint8).numpy()

    @property
    def held_out(self) -> list[Pairs]:
        """Every `Sources.stride`-th slice through the tumours of the held-out volumes, one volume a batch."""
        if self._held_out is None:
            self._held_out = [
                pairs
                for ring in self.sources.held_out
                for slot in ring.held
                if (pairs := self._volume(ring, int(slot))) is not None
            ]
        return self._held_out

    def _volume(self, ring: Ring, slot: int) -> Pairs | None:
        scales, stride = self.sources.scales, self.sources.stride
        return pairs_of_volume(ring, scales, slot=slot, size=self.preset.size, channels=ALL, stride=stride)

    def _draw(self, rng: np.random.Generator, count: int) -> Lesson:
        pairs = draw_pairs(
            self.sources.rings, self.sources.scales, size=self.preset.size, channels=ALL, count=count, rng=rng
        )
        return lesson_of(pairs, torch.from_numpy(rng.integers(len(ALL), size=count)))

    def _to_device(self, lesson: Lesson) -> Lesson:
        return Lesson(*(self.fabric.to_device(part) for part in vars(lesson).values()))
