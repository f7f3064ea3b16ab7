"""Trains one region segmenter of paper 002 on the simulator's stream.

    python -m training.train_segmenter --region WT --run runs/wt                 # one CPU core, simulator beside it
    python -m training.train_segmenter --region ET --run runs/et --device cuda   # one GPU
    python -m training.train_segmenter --region TC --run runs/tc --dry-run       # print the plan, start nothing

On a CPU set OMP_NUM_THREADS=1 in the environment: the simulator's NumPy would otherwise spin on every core.

The run folder holds options.json, log.txt, stats.jsonl, state.safetensors (the same command resumes from it),
best.safetensors (highest worst-preset validation score) and last.safetensors. Batch ``n`` is drawn with the seed
``[seed, n, rank]``, so a resumed run draws what the uninterrupted one would have drawn from the same ring.
"""

import copy
import logging
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from gliosynth.labels import region_mask
from training.data.augment import augment
from training.data.ring import Ring, RingShape
from training.data.samples import draw_views
from training.data.simulated import Workers, fill_validation
from training.loop.run_folder import (
    Progress,
    append_stats,
    load_state,
    load_weights,
    record_options,
    save_state,
    save_weights,
)
from training.losses.overlap import region_loss
from training.networks.unet2d import UNet2d
from training.segmentation.options import Options, as_json, options_of, parse, plan
from training.segmentation.presets import PRESETS, network_input
from training.segmentation.validation import Scores, score_presets

LOG = logging.getLogger("training")

WARM_UP_STEPS: Final = 100
"""Steps over which the learning rate rises."""

ANNEALED_SHARE: Final = 0.3
"""Last share of the run in which the learning rate falls to 0 along a cosine."""

RESERVE: Final = 24
"""Volumes that must wait in the ring before the first step."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a run works with; nothing in it changes while it lasts.

    Attributes:
        options: What decides the result.
        folder: Run folder.
        ring: Simulated volumes.
        validation: Folder of the shifted simulators' rings.
        fabric: The device or devices.
    """

    options: Options
    folder: Path
    ring: Ring
    validation: Path
    fabric: Fabric


@dataclass(frozen=True, eq=False)
class Learner:
    """What learns.

    Attributes:
        network: The weights.
        averaged: Their exponential moving average, which is validated and kept.
        optimizer: AdamW with its moments.
        wrapped: The network as the fabric runs it (precision, data parallel).
    """

    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer
    wrapped: nn.Module


def learning_rate_share(progress: float) -> float:
    """Returns the share of the highest learning rate at a progress of 0 to 1: 1, then a cosine to 0."""
    into = (progress - (1 - ANNEALED_SHARE)) / ANNEALED_SHARE
    return 0.5 * (1 + math.cos(math.pi * min(max(into, 0.0), 1.0)))


def new_learner(run: Run) -> tuple[Learner, Progress]:
    """Returns a learner as the run folder left it, or new from the seed or the warm start, and its progress."""
    options = run.options
    torch.manual_seed(options.seed)
    network = UNet2d(PRESETS[options.region].spec)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types only its tensors so
    if options.warm_start:
        load_weights(Path(options.warm_start), network)
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    at = load_state(run.folder, network=network, averaged=averaged, optimizer=optimizer)
    wrapped, prepared = run.fabric.setup(network, optimizer)
    return Learner(network, averaged.to(run.fabric.device), prepared, wrapped), at


def draw_batch(ring: Ring, options: Options, *, step: int, rank: int) -> tuple[Tensor, Tensor]:
    """Returns the network input and the region's reference, ``(B, 4, H, W)`` and ``(B, 1, H, W)``, of one step."""
    preset = PRESETS[options.region]
    rng = np.random.default_rng([options.seed, step, rank])
    batch = augment(draw_views(ring, preset, count=options.batch, rng=rng), preset, rng=rng)
    reference = torch.from_numpy(region_mask(batch.labels.numpy(), preset.region)).float()
    inputs = network_input(batch.contrasts, subtract=preset.subtract)
    return inputs.contiguous(memory_format=torch.channels_last), reference


def train_step(run: Run, learner: Learner, *, at: Progress) -> float:
    """Does one optimiser step and returns its loss."""
    options = run.options
    inputs, reference = draw_batch(run.ring, options, step=at.step, rank=run.fabric.global_rank)
    rate = (
        options.learning_rate * learning_rate_share(done_share(options, at)) * min(1.0, (at.step + 1) / WARM_UP_STEPS)
    )
    for group in learner.optimizer.param_groups:
        group["lr"] = rate
    logits = learner.wrapped(run.fabric.to_device(inputs))
    loss = region_loss(logits, run.fabric.to_device(reference), PRESETS[options.region].weights)
    learner.optimizer.zero_grad()
    run.fabric.backward(loss)
    learner.optimizer.step()
    average_into(learner.averaged, learner.network, decay=min(options.ema, (1 + at.step) / (10 + at.step)))
    return float(loss.detach())


def done_share(options: Options, at: Progress) -> float:
    """Returns how far the run is, 0 to 1: by steps or by minutes, whichever is further."""
    return max(at.step / options.steps, at.elapsed_s / (60 * options.minutes))


def average_into(averaged: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Moves the averaged weights and batch statistics a share of 1 - decay towards the network's."""
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(new)


def train(run: Run) -> Progress:
    """Runs or resumes a run to its end and returns its progress."""
    options = run.options
    learner, at = new_learner(run)
    LOG.info("%s: step %d of %d, %d volumes in the ring", options.region, at.step, options.steps, run.ring.filled)
    losses: list[float] = []
    while done_share(options, at) < 1:
        start = time.monotonic()
        losses.append(train_step(run, learner, at=at))
        at = replace(at, step=at.step + 1, elapsed_s=at.elapsed_s + time.monotonic() - start)
        if run.fabric.is_global_zero and (at.step % options.evaluate_every == 0 or done_share(options, at) >= 1):
            report(run, at, losses)
            at = checkpoint(run, learner, at=at)
            losses.clear()
    return at


def checkpoint(run: Run, learner: Learner, *, at: Progress) -> Progress:
    """Validates the averaged weights, keeps them if they are the best so far, saves the state, returns the progress."""
    preset = PRESETS[run.options.region]
    scores = score_presets(learner.averaged, preset, run.validation, stride=run.options.validation_stride)
    facts: dict[str, object] = {
        "region": str(preset.region),
        "spec": preset.spec.as_json(),
        "step": at.step,
        "elapsed_s": round(at.elapsed_s, 1),
        "validation": scores.by_preset,
        "options": as_json(run.options),
    }
    save_weights(run.folder / "last.safetensors", learner.averaged, facts)
    if scores.worst >= at.best_score:
        save_weights(run.folder / "best.safetensors", learner.averaged, facts)
        at = replace(at, best_score=scores.worst, best_step=at.step)
    save_state(run.folder, network=learner.network, averaged=learner.averaged, optimizer=learner.optimizer, progress=at)
    append_stats(run.folder, {"step": at.step, "elapsed_s": at.elapsed_s, "validation": scores.by_preset})
    log_scores(scores, at)
    return at


def log_scores(scores: Scores, at: Progress) -> None:
    """Logs one validation."""
    table = " ".join(f"{name} {score:.3f}" for name, score in scores.by_preset.items())
    LOG.info("step %d worst %.3f (best %.3f at %d) %s", at.step, scores.worst, at.best_score, at.best_step, table)


def report(run: Run, at: Progress, losses: list[float]) -> None:
    """Logs the mean loss since the last report, and how far the simulator has come."""
    loss, volumes = float(np.mean(losses)), run.ring.next_volume
    LOG.info("step %d loss %.4f, %.1f min, %d volumes so far", at.step, loss, at.elapsed_s / 60, volumes)
    append_stats(run.folder, {"step": at.step, "elapsed_s": at.elapsed_s, "loss": loss, "volumes": volumes})


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments, description=__doc__)
    options, shape = options_of(line), RingShape(slots=line.slots)
    if line.dry_run:
        print(plan(options, PRESETS[options.region], shape))
        return
    record_options(line.run, as_json(options))
    log_to(line.run / "log.txt")
    torch.set_num_threads(line.threads)
    fabric = Fabric(accelerator=line.device, devices=line.devices, precision="bf16-mixed")
    fabric.launch()
    ring = Ring.create(line.ring, shape)
    fill_validation(line.validation, volumes=line.validation_volumes)
    with Workers(line.ring, count=line.workers, seed=options.simulator_seed) as workers:
        workers.wait_for(RESERVE)
        train(Run(options, line.run, ring, line.validation, fabric))


def log_to(path: Path) -> None:
    """Sends the log to a file and to the terminal."""
    form = logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for handler in (logging.FileHandler(path), logging.StreamHandler()):
        handler.setFormatter(form)
        LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)


if __name__ == "__main__":
    main()
