"""Trains a generator of images from brain maps: the Augmentation Network of paper 002, or SPADE.

    python -m training.train_generator --preset augmentation_network --run runs/generator       # joint, one CPU core
    python -m training.train_generator --preset augmentation_network_paper --contrast t2f --run runs/t2f --device cuda
    python -m training.train_generator --preset tiny --run runs/tiny --dry-run                  # print the plan

On a CPU set OMP_NUM_THREADS=1 in the environment: the simulator's NumPy would otherwise spin on every core.

The run folder holds options.json, log.txt, stats.jsonl, pictures of brain map, truth and generated slices,
state.safetensors (the same command resumes from it), best.safetensors (highest SSIM in the brain on the held-out rings)
and last.safetensors: averaged weights of the generator.
"""

import argparse
import logging
from pathlib import Path
from typing import Final

import torch
from lightning_fabric import Fabric
from torch import nn

from gliosynth.contrast.settings import TRAINING
from training.data.ring import Ring, RingShape, feed
from training.data.simulated import VALIDATION_SEED, Workers, simulator_of
from training.generation.options import add_generation_arguments, defaults_of, generation_options_of, notes_of
from training.generation.presets import makers_of, preset_of
from training.generation.system import GeneratorSystem
from training.loop.command import plan, start
from training.loop.options import add_loop_arguments, loop_options_of
from training.loop.options import as_json as loop_json
from training.loop.train import train
from training.losses.perceptual import PerceptualLoss, perceptual_of

LOG = logging.getLogger("training")

RESERVE: Final = 24
"""Volumes that must wait in the ring before the first step."""

HELD_OUT_SEED: Final = VALIDATION_SEED + 1000
"""Seed of the held-out volumes, far from those of training and of the shifted simulators."""


def fill_held_out(folder: Path, *, volumes: int) -> None:
    """Simulates volumes like those of training on anatomies that training never sees, if the folder has no ring."""
    if any(folder.glob("*/ring.json")):
        return
    LOG.info("simulating %d held-out volumes", volumes)
    ring = Ring.create(folder / "held-out", RingShape(slots=volumes))
    feed(ring, simulator_of(TRAINING, held_out=True), seed=HELD_OUT_SEED, numbers=range(volumes))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_loop_arguments(parser)
    add_generation_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments)
    options = generation_options_of(line)
    preset = preset_of(options.preset, contrast=options.contrast or None)
    loop = loop_options_of(line, defaults_of(preset))
    recorded = {**options.as_json(), **loop_json(loop)}
    if line.dry_run:
        with torch.device("meta"):
            networks = {name: make() for name, make in makers_of(preset).items()}
        print(plan(recorded, networks, notes_of(options, preset)))
        return
    fabric = start(line, recorded)
    shape = RingShape(slots=line.slots)
    ring = Ring.create(line.ring, shape) if line.workers else Ring(line.ring)
    fill_held_out(line.validation, volumes=options.volumes)
    with Workers(line.ring, count=line.workers, seed=options.simulator_seed) as workers:
        if line.workers:
            workers.wait_for(RESERVE)
        LOG.info("%s: %d volumes in the ring", options.preset, ring.filled)
        features = features_of(options.perceptual, fabric) if options.perceptual else None
        system = GeneratorSystem(preset, options, loop, rings=ring, fabric=fabric, perceptual=features)
        train(system, loop, folder=line.run, fabric=fabric)


def features_of(weights: str, fabric: Fabric) -> PerceptualLoss:
    """Returns the perceptual terms of a file of weights, on the fabric's device."""
    features = perceptual_of(Path(weights))
    if isinstance(features.network, nn.Module):
        features.network.to(fabric.device)
    return features


if __name__ == "__main__":
    main()
