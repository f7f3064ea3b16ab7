"""Augmentation in the trainer: one resampling for crop, flip, rotation and scale, then the intensities.

Ranges are those of METHODS C.6 where it names one; the simulator varies anatomy and physics, this only makes one volume
last for many slices. Every number is drawn from one numpy generator, so a batch is a function of its seed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gliosynth.labels import Label
from training.data.ring import Z_LIMIT
from training.segmentation.presets import T2F, T2W, Preset
from training.segmentation.samples import Views

ROTATION_DEG: Final = 15.0
"""Largest in-plane rotation, SynthSeg."""
SCALE: Final = (0.8, 1.2)
"""Magnification, SynthSeg."""
FLIP_CHANCE: Final = 0.5
"""Left-right mirror."""
GAIN: Final = (0.85, 1.15)
"""Factor on the z-scores of one contrast."""
OFFSET: Final = 0.2
"""Largest shift of the z-scores of one contrast."""
GAMMA_LOG_SD: Final = 0.25
"""Standard deviation of the logarithm of gamma, METHODS C.6."""
NOISE_SD: Final = 0.15
"""Largest standard deviation of that noise, z-score."""
LOW_RESOLUTION: Final = 0.4
"""Smallest zoom of a coarsened contrast."""
MASK_ERROR_PX: Final = 3
"""Deepest such cut."""
REPAINT: Final = {
    (Label.NCR, T2W): ((0.4, 1.1), (0.0, 0.0)),
    (Label.NCR, T2F): ((0.25, 1.1), (0.0, 0.0)),
    (Label.ED, T2W): ((1.0, 1.0), (-0.1, 0.9)),
    (Label.ED, T2F): ((1.0, 1.0), (-0.1, 1.0)),
    (Label.ET, T2F): ((0.6, 1.1), (0.0, 0.0)),
}
"""Ranges of factor and offset of the z-scores of a tumour part in a contrast.

The simulator's core is nearly always brighter in FLAIR than its oedema; of real gliomas that holds for about two in
three (region medians of the calibration cases, LOG.md). Fading one and raising the other covers the rest.
"""


@dataclass(frozen=True, eq=False)
class Batch:
    """What a training step sees.

    Attributes:
        contrasts: ``(B, 4 S, H, W)`` float32 z-scores, 0 outside the brain: S slices of four contrasts, from below.
        labels: ``(B, 1, H, W)`` uint8, of the middle slice.
    """

    contrasts: Tensor
    labels: Tensor


def augment(views: Views, preset: Preset, *, rng: np.random.Generator) -> Batch:
    """Returns the views resampled onto the preset's crop with varied pose and intensity.

    A slice and its neighbours are varied alike, but for noise. A contrast that is all zero is missing and stays so.
    Steps work on ``(B, S, 4, H, W)``.

    Args:
        views: Slices and centres.
        preset: Crop, and how often each step is done.
        rng: Decides everything.
    """
    slices, how = views.slices, preset.variation
    grid = _sampling_grid(views, preset.crop, pose=how.pose, rng=rng)
    images = torch.from_numpy(slices.contrasts)
    planes = functional.grid_sample(images.flatten(1, 2), grid, align_corners=False)
    contrasts = torch.unflatten(planes, 1, images.shape[1:3])
    known = np.concatenate([slices.labels, slices.brain], axis=1).astype(np.float32)
    marks = functional.grid_sample(torch.from_numpy(known), grid, mode="nearest", align_corners=False)
    labels, brain = marks.chunk(2, dim=1)
    brain = _cut_mask(brain, how.mask_error, rng)
    contrasts = _repaint(contrasts, labels, how.repaint, rng)
    contrasts = _bend(contrasts, how.gamma, rng)
    contrasts = _coarsen(contrasts, how.low_resolution, rng)
    contrasts = _shift(contrasts, rng) if how.intensity else contrasts
    contrasts = _add_noise(contrasts, how.noise, rng)
    kept = _kept_contrasts(images, how.channel_dropout, rng)
    contrasts = contrasts.clamp(-Z_LIMIT, Z_LIMIT) * brain[:, :, None] * kept
    middle = slice(slices.middle, slices.middle + 1)
    return Batch(contrasts.flatten(1, 2), (labels * brain)[:, middle].to(torch.uint8))


def _sampling_grid(views: Views, crop: tuple[int, int], *, pose: bool, rng: np.random.Generator) -> Tensor:
    """Returns where each pixel of the crop looks, centre + A (pixel - middle), as grid_sample wants it (Y first)."""
    count = len(views.centres)
    angle = np.deg2rad(rng.uniform(-ROTATION_DEG, ROTATION_DEG, count)) * pose
    zoom = 1 / rng.uniform(*SCALE, count) if pose else np.ones(count)
    mirror = np.where(pose & (rng.random(count) < FLIP_CHANCE), -1.0, 1.0)
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    (rows, columns), (height, width) = crop, views.slices.labels.shape[2:]
    x, y = ((2 * views.centres + 1) / (height, width) - 1).T
    along_y = np.stack([cos * columns / width, mirror * sin * rows / width, y], axis=-1)
    along_x = np.stack([-sin * columns / height, mirror * cos * rows / height, x], axis=-1)
    theta = torch.from_numpy(np.stack([along_y, along_x], axis=1).astype(np.float32))
    return functional.affine_grid(theta, [count, 1, rows, columns], align_corners=False)


def _cut_mask(brain: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Erodes the masks ``(B, S, H, W)`` of some samples by a random number of pixels."""
    depths = np.where(rng.random(len(brain)) < chance, rng.integers(1, MASK_ERROR_PX + 1, len(brain)), 0)
    outside = 1 - brain
    for sample in np.flatnonzero(depths):
        edge = 2 * int(depths[sample]) + 1
        outside[sample] = functional.max_pool2d(outside[sample], edge, stride=1, padding=edge // 2)
    return 1 - outside


def _repaint(contrasts: Tensor, labels: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Applies z -> z + w ((factor - 1) z + offset) to the tumour parts of some samples; w: the part, blurred."""
    chosen = np.flatnonzero(rng.random(len(contrasts)) < chance)
    for (label, channel), (factor, offset) in REPAINT.items():
        part = (labels[chosen] == label).float()
        weight = functional.avg_pool2d(functional.avg_pool2d(part, 3, 1, 1), 3, 1, 1)
        change = rng.uniform(*factor, (len(chosen), 1, 1, 1)) - 1, rng.uniform(*offset, (len(chosen), 1, 1, 1))
        slope, shift = (torch.from_numpy(values.astype(np.float32)) for values in change)
        contrasts[chosen, :, channel] += weight * (slope * contrasts[chosen, :, channel] + shift)
    return contrasts


def _bend(contrasts: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Applies z -> 2 L u^gamma - L with u = (z + L) / 2 L, L the clip limit, to the contrasts of some samples."""
    chosen = np.flatnonzero(rng.random(len(contrasts)) < chance)
    gamma = np.exp(rng.normal(0, GAMMA_LOG_SD, (len(chosen), 1, contrasts.shape[2], 1, 1)))
    middle = 0.5 ** torch.from_numpy(gamma.astype(np.float32))
    unit = (contrasts[chosen].clamp(-Z_LIMIT, Z_LIMIT) + Z_LIMIT) / (2 * Z_LIMIT)
    contrasts[chosen] = 2 * Z_LIMIT * (unit ** torch.from_numpy(gamma.astype(np.float32)) - middle)
    return contrasts


def _coarsen(contrasts: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Shrinks and enlarges one contrast of some samples."""
    size = contrasts.shape[3:]
    for sample in np.flatnonzero(rng.random(len(contrasts)) < chance):
        channel, zoom = int(rng.integers(contrasts.shape[2])), float(rng.uniform(LOW_RESOLUTION, 1))
        plane = contrasts[sample, :, channel][None]
        small = functional.interpolate(plane, scale_factor=zoom, mode="bilinear", antialias=True)
        contrasts[sample, :, channel] = functional.interpolate(small, size=size, mode="bilinear")[0]
    return contrasts


def _shift(contrasts: Tensor, rng: np.random.Generator) -> Tensor:
    """Applies z -> gain z + offset, drawn per sample and contrast."""
    shape = (len(contrasts), 1, contrasts.shape[2], 1, 1)
    gain, offset = rng.uniform(*GAIN, shape), rng.uniform(-OFFSET, OFFSET, shape)
    return contrasts * torch.from_numpy(gain.astype(np.float32)) + torch.from_numpy(offset.astype(np.float32))


def _add_noise(contrasts: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Adds white noise to some samples."""
    for sample in np.flatnonzero(rng.random(len(contrasts)) < chance):
        noise = rng.standard_normal(tuple(contrasts.shape[1:]), dtype=np.float32)
        contrasts[sample] += torch.from_numpy(noise * np.float32(rng.uniform(0, NOISE_SD)))
    return contrasts


def _kept_contrasts(images: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Returns ``(B, 1, 4, 1, 1)``: 0 for a contrast that the case lacks or that a sample loses, never all; else 1."""
    kept = images.abs().amax(dim=(1, 3, 4)) > 0
    for sample in np.flatnonzero(rng.random(len(kept)) < chance):
        lost = int(rng.integers(kept.shape[1]))
        if int(kept[sample].sum()) > 1:
            kept[sample, lost] = False
    return kept[:, None, :, None, None].float()
