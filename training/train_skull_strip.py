"""Trains the brain extractor on simulated heads.

    python -m training.train_skull_strip --run training/runs/skull_strip --minutes 15   # one CPU core and a worker
    python -m training.train_skull_strip --run training/runs/skull_strip --dry-run      # print the plan, start nothing
    python -m training.export.skull_strip --run training/runs/skull_strip               # gate, then model_repository/

One 2D U-Net for every contrast: it sees an axial slice of one image at 2 mm and answers with the logit of brain. The
run folder holds options.json, stats.jsonl, state.safetensors (the same command resumes from it), best.safetensors
(highest mean Dice on the two held-out heads) and last.safetensors.
"""

import argparse
import copy
import itertools
import json
import logging
import multiprocessing
import os
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gliosynth.anatomy import load_anatomies
from training.data.ring import EMPTY, Ring, RingShape, Simulate, feed
from training.loop.run_folder import Progress, append_stats, load_state, record_options, save_state, save_weights
from training.losses.overlap import OverlapWeights, region_loss
from training.networks.unet2d import UNet2d, UNet2dSpec
from training.skull_strip.head_simulator import POOLED_SHAPE, STORED_PER_UNIT, SimulatedHead, simulate_head
from training.train_segmenter import WARM_UP_STEPS, average_into, learning_rate_share

LOG = logging.getLogger("training")

SPEC: Final = UNet2dSpec(channels=1, widths=(16, 32, 64, 96))
"""The network: 2x2 pixels folded into the finest of four scales."""

RING: Final = RingShape(slots=240, slices=POOLED_SHAPE[2], height=POOLED_SHAPE[0], width=POOLED_SHAPE[1], slice_mm=2.0)
"""Heads held at once."""

HELD_OUT: Final = ("head_19", "head_20")
"""Anatomies of validation, never seen in training."""

VALIDATION_SEED: Final = 30_000
"""Seed of the validation heads."""

VALIDATION_SLICES: Final = 4
"""Every n-th slice of a validation head is scored."""

RESERVE: Final = 12
"""Heads that must wait in the ring before the first step."""

NICENESS: Final = 5
"""Priority given up by the worker."""


@dataclass(frozen=True)
class Options:
    """What decides a run's result, kept in options.json.

    Attributes:
        steps: Optimiser steps.
        minutes: Wall-clock budget; where it runs out first, the schedule has reached its end by then.
        batch: Slices a step.
        learning_rate: AdamW's highest.
        ema: Decay of the averaged weights per step.
        seed: Of weights, batches and heads.
        evaluate_every: Steps between validations and checkpoints.
        validation_heads: Simulated heads of the held-out anatomies.
    """

    steps: int = 20_000
    minutes: float = 15.0
    batch: int = 16
    learning_rate: float = 2e-3
    ema: float = 0.998
    seed: int = 0
    evaluate_every: int = 200
    validation_heads: int = 6


def simulator(*, held_out: bool) -> Simulate:
    """Returns the function that makes a head of a random anatomy, of those held out or of the others."""
    anatomies = [anatomy for anatomy in load_anatomies() if (anatomy.name in HELD_OUT) == held_out]

    def simulate(rng: np.random.Generator) -> SimulatedHead:
        return simulate_head(anatomies[int(rng.integers(len(anatomies)))], rng=rng)

    return simulate


def draw_batch(ring: Ring, *, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Returns network input and brain, ``(B, 1, X, Y)`` float32 each, of random slices of random renderings.

    Args:
        ring: Ring with at least one head.
        count: Slices to draw.
        rng: Random generator.
    """
    images: list[NDArray[np.float32]] = []
    masks: list[NDArray[np.bool_]] = []
    while len(images) < count:
        slots = np.flatnonzero(ring.index[:, 0] != EMPTY)
        planes = np.sort(rng.choice(ring.shape.slices, size=min(4, count - len(images)), replace=False))
        read = ring.read(int(rng.choice(slots)), planes)
        if read is None:
            continue
        for contrasts, brain in zip(read.contrasts, read.brain, strict=True):
            image, mask = augmented(contrasts[rng.integers(4)] / STORED_PER_UNIT, brain, rng)
            images.append(image)
            masks.append(mask)
    inputs = torch.from_numpy(np.stack(images)[:, None].astype(np.float32))
    return inputs, torch.from_numpy(np.stack(masks)[:, None].astype(np.float32))


def augmented(
    image: NDArray[np.float32], brain: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Returns a slice mirrored, moved, and with gain and gamma changed; ``(X, Y)`` each, zeros stay zero."""
    if rng.random() < 0.5:
        image, brain = image[::-1], brain[::-1]
    shift = (int(rng.integers(-8, 9)), int(rng.integers(-8, 9)))
    image, brain = np.roll(image, shift, axis=(0, 1)), np.roll(brain, shift, axis=(0, 1))
    gain, gamma = float(rng.uniform(0.75, 1.3)), float(np.exp(rng.normal(0.0, 0.15)))
    return np.clip(gain * image**gamma, 0.0, 1.5), brain


def validation_dice(network: nn.Module, ring: Ring) -> float:
    """Returns the mean Dice of brain over all heads and renderings of a ring, every fourth slice."""
    scores = []
    planes = np.arange(0, ring.shape.slices, VALIDATION_SLICES)
    for slot in np.flatnonzero(ring.index[:, 0] != EMPTY):
        read = ring.read(int(slot), planes)
        if read is None:
            continue
        for channel in range(read.contrasts.shape[1]):
            inputs = torch.from_numpy(read.contrasts[:, channel : channel + 1] / np.float32(STORED_PER_UNIT))
            with torch.no_grad():
                found = network(inputs)[:, 0].numpy() > 0
            scores.append(2.0 * (found & read.brain).sum() / max(int(found.sum() + read.brain.sum()), 1))
    return float(np.mean(scores))


def train(options: Options, folder: Path, rings: Path) -> Progress:
    """Runs or resumes a run to its end and returns its progress.

    Args:
        options: What decides the result.
        folder: Run folder.
        rings: Folder of the rings of training and validation heads.
    """
    ring = Ring(rings / "train")
    validation = Ring(rings / "validation")
    torch.manual_seed(options.seed)
    network = UNet2d(SPEC)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types only its tensors so
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=1e-2)
    at = load_state(folder, network=network, averaged=averaged, optimizer=optimizer)
    losses: list[float] = []
    while done_share(options, at) < 1:
        start = time.monotonic()
        inputs, reference = draw_batch(ring, count=options.batch, rng=np.random.default_rng([options.seed, at.step]))
        for group in optimizer.param_groups:
            rise = min(1.0, (at.step + 1) / WARM_UP_STEPS)
            group["lr"] = options.learning_rate * rise * learning_rate_share(done_share(options, at))
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(inputs.contiguous(memory_format=torch.channels_last))
        loss = region_loss(logits, reference, OverlapWeights())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
        optimizer.step()
        average_into(averaged, network, decay=min(options.ema, (1 + at.step) / (10 + at.step)))
        losses.append(float(loss.detach()))
        at = replace(at, step=at.step + 1, elapsed_s=at.elapsed_s + time.monotonic() - start)
        if at.step % options.evaluate_every == 0 or done_share(options, at) >= 1:
            at = checkpoint(folder, network, averaged, optimizer, validation, at, options)
            LOG.info("step %d loss %.4f, %d heads so far", at.step, float(np.mean(losses)), ring.next_volume)
            losses.clear()
    return at


def done_share(options: Options, at: Progress) -> float:
    """Returns how far the run is, 0 to 1: by steps or by minutes, whichever is further."""
    return max(at.step / options.steps, at.elapsed_s / (60 * options.minutes))


def checkpoint(
    folder: Path,
    network: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
    validation: Ring,
    at: Progress,
    options: Options,
) -> Progress:
    """Validates the averaged weights, keeps them if they are the best so far, saves the state, returns the progress."""
    dice = validation_dice(averaged, validation)
    facts: dict[str, object] = {
        "spec": SPEC.as_json(),
        "step": at.step,
        "elapsed_s": round(at.elapsed_s, 1),
        "validation_dice": dice,
        "options": asdict(options),
    }
    save_weights(folder / "last.safetensors", averaged, facts)
    if dice >= at.best_score:
        save_weights(folder / "best.safetensors", averaged, facts)
        at = replace(at, best_score=dice, best_step=at.step)
    save_state(folder, network=network, averaged=averaged, optimizer=optimizer, progress=at)
    append_stats(folder, {"step": at.step, "elapsed_s": at.elapsed_s, "validation_dice": dice})
    LOG.info("step %d, %.1f min: Dice %.4f (best %.4f)", at.step, at.elapsed_s / 60, dice, at.best_score)
    return at


def renew(folder: Path, seed: int, first: int, stop: Event) -> None:
    """Body of the worker: simulates heads into the ring until told to stop."""
    os.nice(NICENESS)
    numbers = itertools.takewhile(lambda _: not stop.is_set(), itertools.count(first))
    feed(Ring(folder), simulator(held_out=False), seed=seed, numbers=numbers)


def plan(options: Options) -> str:
    """Returns what a run would do, as text."""
    parameters = sum(p.numel() for p in UNet2d(SPEC).parameters())
    lines = [
        json.dumps(asdict(options), indent=2),
        f"network: {SPEC} with {parameters / 1e6:.2f} M parameters",
        f"samples: {options.steps * options.batch} slices at most, from a ring of {RING.slots} heads",
        f"validation: {options.validation_heads} heads of {', '.join(HELD_OUT)}",
    ]
    return "\n".join(lines)


def run_training(options: Options, folder: Path, rings: Path) -> None:
    """Prepares the rings, starts the worker, trains, stops the worker."""
    record_options(folder, asdict(options))
    ring = Ring.create(rings / "train", RING)
    validation = Ring.create(rings / "validation", replace(RING, slots=options.validation_heads))
    missing = range(validation.filled, options.validation_heads)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    worker = context.Process(target=renew, args=(rings / "train", options.seed, ring.next_volume, stop), daemon=True)
    worker.start()
    feed(validation, simulator(held_out=True), seed=VALIDATION_SEED, numbers=missing)
    while ring.filled < RESERVE and worker.exitcode is None:
        time.sleep(0.5)
    try:
        train(options, folder, rings)
    finally:
        stop.set()
        worker.join()


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--rings", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-heads")
    parser.add_argument("--minutes", type=float, default=Options.minutes)
    parser.add_argument("--steps", type=int, default=Options.steps)
    parser.add_argument("--seed", type=int, default=Options.seed)
    parser.add_argument("--dry-run", action="store_true", help="print the plan, start nothing")
    line = parser.parse_args(arguments)
    options = Options(steps=line.steps, minutes=line.minutes, seed=line.seed)
    if line.dry_run:
        print(plan(options))
        return
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    run_training(options, line.run, line.rings)


if __name__ == "__main__":
    main()
