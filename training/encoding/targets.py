"""What the feature encoder must say of every pixel, and how wrong an answer is.

From one contrast: which part of a tumour a pixel is (in the brain), and which intensity band it has in each of the four
contrasts (in the brain outside the tumour, whose pixels have no band in a brain map).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from gliosynth.brain_map import BrainChannel
from training.data.pairs import Pairs
from training.networks.encoder import BAND_CLASSES, TUMOUR_CLASSES

NOT_ASKED: Final = -100
"""Class of pixels that no answer is wanted for."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Slices and what is to be said of them.

    Attributes:
        contrast: One contrast of each slice, unit intensities ``(B, 1, H, W)`` float32.
        tumour: ``(B, H, W)`` int64: 0 no tumour, 1 NCR, 2 ED, 3 ET, `NOT_ASKED` outside the brain.
        bands: ``(B, M, H, W)`` int64: band of each contrast, 0 the brightest, `NOT_ASKED` outside and in the tumour.
    """

    contrast: Tensor
    tumour: Tensor
    bands: Tensor


def lesson_of(pairs: Pairs, contrasts: Tensor) -> Lesson:
    """Returns pairs as a lesson.

    Args:
        pairs: B slices in all four contrasts.
        contrasts: ``(B,)`` int64: which contrast of each slice is shown.
    """
    maps = torch.from_numpy(pairs.brain_maps).long()
    shown = torch.from_numpy(pairs.contrasts)[torch.arange(len(contrasts)), contrasts][:, None]
    first = maps[:, 0]
    tumour = torch.where(first <= BrainChannel.ET, first + 1, 0).masked_fill(
        first == BrainChannel.BACKGROUND, NOT_ASKED
    )
    banded = (maps >= BrainChannel.BAND_1) & (maps <= BrainChannel.BAND_4)
    return Lesson(shown, tumour, torch.where(banded, maps - BrainChannel.BAND_1, NOT_ASKED))


def parts_of(logits: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Returns the tumour's logits ``(B, 4, H, W)`` and those of each contrast's bands ``(B, 4, H, W)``."""
    bands = torch.split(logits[:, TUMOUR_CLASSES:], BAND_CLASSES, dim=1)
    return logits[:, :TUMOUR_CLASSES], list(bands)


def lesson_losses(logits: Tensor, lesson: Lesson) -> dict[str, Tensor]:
    """Returns the losses by name: the mean cross entropies of tumour and of bands, and the tumour's soft Dice loss.

    Args:
        logits: ``(B, LOGITS, H, W)``, any float dtype.
        lesson: What was wanted.
    """
    tumour, bands = parts_of(logits.float())
    entropy = nn.functional.cross_entropy
    each = [entropy(one, lesson.bands[:, m], ignore_index=NOT_ASKED) for m, one in enumerate(bands)]
    asked = (lesson.tumour != NOT_ASKED)[:, None]
    wanted = nn.functional.one_hot(lesson.tumour.clamp_min(0), TUMOUR_CLASSES).movedim(-1, 1) * asked
    given = tumour.softmax(dim=1) * asked
    overlap = 2 * (given * wanted).sum(dim=(0, 2, 3)) + 1
    dice = overlap / (given.sum(dim=(0, 2, 3)) + wanted.sum(dim=(0, 2, 3)) + 1)
    return {
        "tumour": entropy(tumour, lesson.tumour, ignore_index=NOT_ASKED),
        "dice": 1 - dice[1:].mean(),
        "bands": torch.stack(each).mean(),
    }


class Overlaps:
    """Dice of every class over all pixels that were looked at."""

    def __init__(self) -> None:
        """Starts with no pixel."""
        self._common: dict[str, float] = {}
        self._both: dict[str, float] = {}

    def add(self, logits: Tensor, lesson: Lesson) -> None:
        """Adds the pixels of an answer ``(B, LOGITS, H, W)``."""
        for name, given, wanted in _masks(logits, lesson):
            self._common[name] = self._common.get(name, 0.0) + float((given & wanted).sum())
            self._both[name] = self._both.get(name, 0.0) + float(given.sum() + wanted.sum())

    def mean(self, group: str) -> float:
        """Returns the mean Dice of the classes whose name begins so; 1 for a class neither seen nor named."""
        names = [name for name in self._both if name.startswith(group)]
        each = [2 * self._common[name] / self._both[name] if self._both[name] else 1.0 for name in names]
        return sum(each) / len(each)


def _masks(logits: Tensor, lesson: Lesson) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yields each class's name, where it was said to be and where it is."""
    tumour, bands = parts_of(logits)
    asked, given = lesson.tumour != NOT_ASKED, tumour.argmax(dim=1)
    yield "whole", (given > 0) & asked, lesson.tumour > 0
    for label in range(1, TUMOUR_CLASSES):
        yield f"tumour {label}", (given == label) & asked, lesson.tumour == label
    for contrast, one in enumerate(bands):
        wanted, said = lesson.bands[:, contrast], one.argmax(dim=1)
        for band in range(BAND_CLASSES):
            yield f"band {contrast} {band}", (said == band) & (wanted != NOT_ASKED), wanted == band
