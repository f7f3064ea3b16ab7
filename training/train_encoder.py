"""Trains the feature encoder that perceptual losses and feature distances use where no VGG-19 file is at hand.

    python -m training.train_encoder --run runs/encoder                   # one CPU core, simulator beside it
    python -m training.train_encoder --run runs/encoder --workers 0 --ring RING --validation RINGS --minutes 8
    python -m training.train_encoder --preset tiny --run runs/tiny --dry-run                # print the plan

On a CPU set OMP_NUM_THREADS=1 in the environment: the simulator's NumPy would otherwise spin on every core.

It learns to say, from one contrast of a slice, which part of a tumour each pixel is and which intensity band it has in
each of the four contrasts. The score is the mean Dice of these classes on held-out slices of the shifted simulators.
The run folder holds options.json, log.txt, stats.jsonl, pictures, state.safetensors (the same command resumes) and
best.safetensors and last.safetensors with their facts; `training.losses.perceptual.perceptual_of` opens those.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

import torch

from training.data.ring import Ring, RingShape
from training.data.simulated import fill_validation, simulator
from training.data.sources.options import SourceOptions, add_source_arguments, open_sources, source_options_of
from training.data.stream import Feed
from training.data.stream_options import add_stream_arguments, open_stream, stream_options_of
from training.encoding.presets import ENCODERS
from training.encoding.system import EncoderSystem, Sources
from training.loop import command
from training.loop.options import LoopOptions, add_loop_arguments, as_json, loop_options_of
from training.loop.train import train
from training.networks.encoder import TARGETS, FeatureEncoder

DEFAULTS: Final = LoopOptions(steps=1500, batch=8, ema=0.99, warm_up=50, evaluate_every=300, picture_every=300)
"""Of the shipped encoder."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(ENCODERS), default="encoder")
    parser.add_argument("--validation", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-validation")
    parser.add_argument("--validation-volumes", type=int, default=6, help="volumes of each shifted simulator")
    parser.add_argument("--stride", type=int, default=Sources.stride, help="every which held-out slice is judged")
    add_stream_arguments(parser)
    add_source_arguments(parser)
    add_loop_arguments(parser)
    return parser.parse_args(arguments)


def options_of(line: argparse.Namespace, sources: SourceOptions) -> dict[str, object]:
    """Returns what decides the course of the run, as JSON values."""
    stream, loop = stream_options_of(line), loop_options_of(line, DEFAULTS)
    return {
        "preset": line.preset, "stride": line.stride, **stream.as_json(), **sources.as_json(), **as_json(loop),
    }  # fmt: skip


def plan(line: argparse.Namespace, sources: SourceOptions) -> str:
    """Returns what a run would do, as text."""
    preset = ENCODERS[line.preset]
    with torch.device("meta"):
        network = FeatureEncoder(preset.spec)
    notes = [
        f"network: {preset.spec}",
        f"targets: {TARGETS}",
        f"slices: {preset.size[0]}x{preset.size[1]} pixels",
        stream_options_of(line).described(RingShape()),
        f"validation: every {line.stride}th slice through the tumours of {line.validation}",
    ]
    return command.plan(options_of(line, sources), {line.preset: network}, notes)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line, shape = parse(arguments), RingShape()
    options = source_options_of(line, plane=(shape.height, shape.width))
    if line.dry_run:
        print(plan(line, options))
        return
    loop, preset = loop_options_of(line, DEFAULTS), ENCODERS[line.preset]
    fabric = command.start(line, options_of(line, options))
    if fabric.local_rank == 0 and not any(line.validation.glob("*/ring.json")):
        fill_validation(line.validation, volumes=line.validation_volumes)
    fabric.barrier()
    held_out = tuple(Ring(path.parent) for path in sorted(line.validation.glob("*/ring.json")))
    feed = Feed("training", partial(simulator, "training"), line.simulator_seed)
    with open_stream(line, shape, feed, fabric=fabric) as stream:
        torch.manual_seed(loop.seed)
        sources = Sources(open_sources(options, stream).rings, held_out, stride=line.stride)
        system = EncoderSystem(line.preset, preset, sources, rate=loop.learning_rate, fabric=fabric)
        train(system, loop, folder=line.run, fabric=fabric)


if __name__ == "__main__":
    main()
