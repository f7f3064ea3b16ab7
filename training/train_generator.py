"""Trains a generator of images from brain maps: the Augmentation Network of paper 002, or SPADE.

    python -m training.train_generator --preset augmentation_network --run runs/generator       # joint, one CPU core
    python -m training.train_generator --preset augmentation_network_paper --contrast t2f --run runs/t2f --device cuda
    python -m training.train_generator --preset tiny --run runs/tiny --dry-run                  # print the plan

On a CPU set OMP_NUM_THREADS=1 in the environment: the simulator's NumPy would otherwise spin on every core.

The run folder holds options.json, log.txt, stats.jsonl, pictures of brain map, truth and generated slices,
state.safetensors (the same command resumes from it), best.safetensors (highest SSIM in the brain on the held-out rings)
and last.safetensors: averaged weights of the generator.
"""

import logging
from functools import partial
from pathlib import Path
from typing import Final

import torch
from lightning_fabric import Fabric
from torch import nn

from gliosynth.contrast.settings import TRAINING
from training.data.ring import Ring, RingShape, feed
from training.data.simulated import VALIDATION_SEED, simulator, simulator_of
from training.data.sources.options import open_sources, source_options_of
from training.data.stream import Feed
from training.data.stream_options import open_stream, stream_options_of
from training.generation.options import defaults_of, generation_options_of, notes_of, parse
from training.generation.presets import makers_of, preset_of
from training.generation.system import GeneratorSystem
from training.loop.command import plan, start
from training.loop.options import as_json as loop_json
from training.loop.options import loop_options_of
from training.loop.train import train
from training.losses.perceptual import PerceptualLoss, perceptual_of

LOG = logging.getLogger("training")

HELD_OUT_SEED: Final = VALIDATION_SEED + 1000
"""Seed of the held-out volumes, far from those of training and of the shifted simulators."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line, shape = parse(arguments, description=__doc__), RingShape()
    options, stream_options = generation_options_of(line), stream_options_of(line)
    sources = source_options_of(line, plane=(shape.height, shape.width))
    preset = preset_of(options.preset, contrast=options.contrast or None)
    loop = loop_options_of(line, defaults_of(preset))
    recorded = {**options.as_json(), **loop_json(loop), **stream_options.as_json(), **sources.as_json()}
    if line.dry_run:
        with torch.device("meta"):
            networks = {name: make() for name, make in makers_of(preset).items()}
        print(plan(recorded, networks, notes_of(options, preset, stream_options.described(shape))))
        return
    fabric = start(line, recorded)
    if not options.perceptual:
        LOG.warning("no perceptual terms: name weights with --perceptual to have them")
    if fabric.local_rank == 0:
        fill_held_out(options.validation, volumes=options.volumes)
    fabric.barrier()
    volumes = Feed("training", partial(simulator, TRAINING.name), stream_options.simulator_seed)
    with open_stream(line, shape, volumes, fabric=fabric) as stream:
        rings = open_sources(sources, stream).rings
        features = features_of(options.perceptual, fabric) if options.perceptual else None
        system = GeneratorSystem(preset, options, loop, rings=rings, fabric=fabric, perceptual=features)
        train(system, loop, folder=line.run, fabric=fabric)


def fill_held_out(folder: Path, *, volumes: int) -> None:
    """Simulates volumes like those of training on anatomies that training never sees, if the folder has no ring."""
    if any(folder.glob("*/ring.json")):
        return
    ring = Ring.create(folder / "held-out", RingShape(slots=volumes))
    feed(ring, simulator_of(TRAINING, held_out=True), seed=HELD_OUT_SEED, numbers=range(volumes))


def features_of(weights: str, fabric: Fabric) -> PerceptualLoss:
    """Returns the perceptual terms of a file of weights, on the fabric's device."""
    features = perceptual_of(Path(weights))
    if isinstance(features.network, nn.Module):
        features.network.to(fabric.device)
    return features


if __name__ == "__main__":
    main()
