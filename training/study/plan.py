"""What a study would do and cost, measured on this machine by a few steps on noise."""

import time
from collections.abc import Callable
from typing import Final

import torch
from lightning_fabric import Fabric

from training.data.sources.options import SIMULATOR, SourceOption
from training.loop.devices import descend, set_up
from training.networks.unet2d import UNet2d
from training.segmentation.presets import Preset
from training.segmentation.system import optimizer_of
from training.study.arms import arms
from training.study.presets import StudyPreset

TRIAL_STEPS: Final = 2
"""Steps that are timed, after one that is not."""

SECONDS_PER_HEAD: Final = 4.0
"""Rough time to simulate one case on one core, for the plan alone."""

DATA_SHARE: Final = 0.35
"""Drawing and augmenting a batch takes about this part of a small network's step on one core."""


def plan(preset: StudyPreset, *, base: SourceOption, synthetic: str, fabric: Fabric) -> str:
    """Returns the plan as text; nothing is written.

    Args:
        preset: Size of the study.
        base: Where base and held-out cases come from.
        synthetic: Where the synthetic ones come from, as on the command line.
        fabric: The device.
    """
    names = ", ".join(arm.name for arm in arms())
    count = len(arms()) * len(preset.seeds)
    lines = [f"study {preset.name}: arms {names}; seeds {', '.join(map(str, preset.seeds))}; {3 * count} runs"]
    total_s = _simulation_s(preset, base, synthetic)
    lines.append(f"cases to simulate: about {total_s / 60:.1f} min" if total_s else "cases: none to simulate")
    for segmenter in preset.segmenters:
        seconds = step_seconds(segmenter, batch=preset.loop.batch, fabric=fabric) * (1 + DATA_SHARE)
        total_s += seconds * preset.loop.steps * count
        lines.append(
            f"{segmenter.region}: {segmenter.name} {segmenter.spec.widths}, {preset.loop.steps} steps of"
            f" {preset.loop.batch} slices of {segmenter.crop[0]}x{segmenter.crop[1]}, {seconds:.3f} s a step here,"
            f" {seconds * preset.loop.steps * count / 60:.1f} min in all"
        )
    lines.append(f"about {_duration(total_s)} on this device, and evaluation of {count} arms and seeds")
    return "\n".join(lines)


def step_seconds(
    segmenter: Preset, *, batch: int, fabric: Fabric, clock: Callable[[], float] = time.monotonic
) -> float:
    """Returns the seconds of one step of a network, without drawing its batch.

    Args:
        segmenter: Network and sample size.
        batch: Slices.
        fabric: The device.
        clock: Tells the time in seconds.
    """
    network = UNet2d(segmenter.spec)
    optimizer = optimizer_of(segmenter, network, learning_rate=1e-4)
    wrapped = set_up(fabric, network, optimizer)
    noise = fabric.to_device(torch.randn(batch, segmenter.spec.channels, *segmenter.crop))
    start = 0.0
    for trial in range(TRIAL_STEPS + 1):
        if trial == 1:
            start = clock()
        loss = wrapped(noise).float().square().mean()
        descend(fabric, network, optimizer, loss=loss)
        float(loss.detach())
    return (clock() - start) / TRIAL_STEPS


def _simulation_s(preset: StudyPreset, base: SourceOption, synthetic: str) -> float:
    if preset.simulated == "balls":
        return 0.0
    cases = preset.base_cases + preset.held_out_cases if base.kind == SIMULATOR else 0
    cases += preset.synthetic_cases if synthetic == SIMULATOR else 0
    return SECONDS_PER_HEAD * cases


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"
