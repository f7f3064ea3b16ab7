"""Scores on shifted simulators: the worst preset's mean Dice chooses the checkpoint (PROTOTYPE 9.6).

A network that only learnt its own simulator's habits scores well at home and badly on one that draws hard edges, other
physics or thick slices; the worst of several is what real scans are closest to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gliosynth.labels import region_mask
from training.data.ring import Ring
from training.segmentation.presets import Preset, network_input
from training.segmentation.samples import read_stacks

THRESHOLD: Final = 0.5
"""Probability from which a pixel belongs to the region; fixed a priori, fitted to nothing."""

BOX_MARGIN_PX: Final = 8
"""Margin around the whole tumour's box in which TC and ET are run, as the service does."""

CHUNK: Final = 16
"""Slices per forward pass."""

FALSE_VOLUME_LIMIT_ML: Final = 10.0
"""Falsely found volume at which a tumour-free volume scores 0; the score falls linearly to there."""

NEGLIGIBLE_ML: Final = 0.1
"""True volume below which a Dice says nothing; such volumes are scored by what is falsely found."""


@dataclass(frozen=True)
class Scores:
    """Result of one validation.

    Attributes:
        by_region: Mean score of each region on each shifted simulator's volumes, 0 to 1: region, then simulator.
    """

    by_region: dict[str, dict[str, float]]

    @property
    def by_preset(self) -> dict[str, float]:
        """Mean score of each shifted simulator over the regions."""
        names = dict.fromkeys(name for scores in self.by_region.values() for name in scores)
        return {
            name: float(np.mean([scores[name] for scores in self.by_region.values() if name in scores]))
            for name in names
        }

    @property
    def worst(self) -> float:
        """The score that counts."""
        return min(self.by_preset.values())


def rings_below(folder: Path) -> dict[str, Ring]:
    """Returns the rings of a folder by name, one a shifted simulator."""
    return {path.parent.name: Ring(path.parent) for path in sorted(folder.glob("*/ring.json"))}


def score_presets(network: nn.Module, preset: Preset, rings: Mapping[str, Ring], *, stride: int = 1) -> Scores:
    """Returns the network's mean score on the volumes of each ring.

    Args:
        network: Network in evaluation mode.
        preset: Its regions and channels.
        rings: One a shifted simulator, and one a folder of cases that are not trained on, by name.
        stride: Take every n-th slice.
    """
    by_region: dict[str, dict[str, float]] = {str(region): {} for region in preset.regions}
    for name, ring in rings.items():
        rows = _score_ring(network, preset, ring, stride)
        for number, region in enumerate(preset.regions if rows else ()):
            by_region[region][name] = float(np.mean([row[number] for row in rows]))
    return Scores(by_region)


def predict(network: nn.Module, preset: Preset, contrasts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns region logits of z-scored slices.

    Args:
        network: Network in evaluation mode.
        preset: Tells whether t1n is subtracted.
        contrasts: ``(N, 4 S, H, W)`` float32, each slice with its neighbours, H and W multiples of 16.

    Returns:
        ``(N, R, H, W)`` float32, a channel for each of the preset's regions.
    """
    device = next(network.parameters()).device
    answers = []
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, len(contrasts), CHUNK):
            part = torch.from_numpy(contrasts[start : start + CHUNK]).to(device)
            inputs = network_input(part, subtract=preset.subtract).contiguous(memory_format=torch.channels_last)
            answers.append(network(inputs).float().cpu().numpy())
    return np.concatenate(answers)


def volume_score(prediction: NDArray[np.bool_], reference: NDArray[np.bool_], *, pixel_ml: float) -> float:
    """Returns Dice, or for a volume without the region 1 - (false volume / 10 ml), not below 0.

    Args:
        prediction: Any shape.
        reference: Same shape.
        pixel_ml: Volume that one pixel stands for.
    """
    if reference.sum() * pixel_ml < NEGLIGIBLE_ML:
        return max(0.0, 1 - float(prediction.sum()) * pixel_ml / FALSE_VOLUME_LIMIT_ML)
    return 2 * float((prediction & reference).sum()) / float(prediction.sum() + reference.sum())


def _score_ring(network: nn.Module, preset: Preset, ring: Ring, stride: int) -> list[tuple[float, ...]]:
    """Returns the scores of each volume's regions; for TC and ET networks those without a tumour are left out."""
    pixel_ml = 0.001 * ring.shape.slice_mm * stride
    rows = []
    for slot in ring.held:
        looked_at = _looked_at(ring, int(slot), preset, stride)
        if looked_at is None:
            continue
        contrasts, labels, allowed = looked_at
        found = predict(network, preset, contrasts) > _logit(THRESHOLD)
        masks = [(found[:, number] & allowed, region_mask(labels, one)) for number, one in enumerate(preset.regions)]
        rows.append(tuple(volume_score(mask, reference, pixel_ml=pixel_ml) for mask, reference in masks))
    return rows


def _looked_at(
    ring: Ring, slot: int, preset: Preset, stride: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]] | None:
    """Returns what the service would run: the brain's slices, or for TC and ET the box of the whole tumour.

    These are the contrasts ``(N, 4 S, H, W)``, and labels and the pixels where an answer counts ``(N, H, W)``.
    """
    column = ring.areas[slot, :, 1:].sum(axis=1) if preset.around_tumour else ring.areas[slot, :, 0]
    planes = np.flatnonzero(column > 0)[::stride]
    stacks = read_stacks(ring, slot, planes, neighbours=preset.neighbours) if planes.size else None
    if stacks is None:
        return None
    contrasts = stacks.contrasts.reshape(len(planes), -1, *stacks.contrasts.shape[3:])
    labels, brain = stacks.labels[:, stacks.middle], stacks.brain[:, stacks.middle]
    if not preset.around_tumour:
        return contrasts, labels, brain
    used = np.argwhere((labels > 0).any(axis=0))
    height, width = (
        box_range(int(low), int(high) + 1, limit=limit)
        for low, high, limit in zip(used.min(axis=0), used.max(axis=0), labels.shape[1:], strict=True)
    )
    return contrasts[:, :, height, width], labels[:, height, width], labels[:, height, width] > 0


def box_range(low: int, high: int, *, limit: int) -> slice:
    """Returns pixels ``low`` to ``high`` with the margin, grown to a multiple of 16 and kept inside ``0..limit``.

    Args:
        low: First pixel.
        high: One past the last pixel.
        limit: Size of the image, a multiple of 16.
    """
    low, high = max(0, low - BOX_MARGIN_PX), min(limit, high + BOX_MARGIN_PX)
    length = min(limit, -(-(high - low) // 16) * 16)
    start = min(low, limit - length)
    return slice(start, start + length)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))
