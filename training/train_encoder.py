"""Trains the feature encoder that perceptual losses and feature distances use where no VGG-19 file is at hand.

    python -m training.train_encoder --run runs/encoder                   # one CPU core, simulator beside it
    python -m training.train_encoder --run runs/encoder --workers 0 --ring RING --validation RINGS --minutes 8
    python -m training.train_encoder --preset tiny --run runs/tiny --dry-run                # print the plan

It learns to say, from one contrast of a slice, which part of a tumour each pixel is and which intensity band it has in
each of the four contrasts. The score is the mean Dice of these classes on held-out slices of the shifted simulators.
The run folder holds options.json, log.txt, stats.jsonl, pictures, state.safetensors (the same command resumes) and
best.safetensors and last.safetensors with their facts; `training.encoding.weights.load_encoder` opens those.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

import torch

from training.data.ring import Ring, RingShape
from training.data.simulated import Workers, fill_validation
from training.encoding.presets import ENCODERS
from training.encoding.system import EncoderSystem, Sources
from training.loop import command
from training.loop.options import LoopOptions, add_loop_arguments, as_json, loop_options_of
from training.loop.train import train
from training.networks.encoder import TARGETS, FeatureEncoder

DEFAULTS: Final = LoopOptions(steps=1500, batch=8, ema=0.99, warm_up=50, evaluate_every=150, picture_every=300)
"""Of the shipped encoder."""

RESERVE: Final = 24
"""Volumes that must wait in the ring before the first step."""


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=sorted(ENCODERS), default="encoder")
    parser.add_argument("--ring", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-ring")
    parser.add_argument("--validation", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-validation")
    parser.add_argument("--validation-volumes", type=int, default=6, help="volumes of each shifted simulator")
    parser.add_argument("--slots", type=int, default=RingShape.slots, help="volumes in the ring")
    parser.add_argument("--workers", type=int, default=1, help="simulator processes; 0: the ring is fed by others")
    parser.add_argument("--simulator-seed", type=int, default=1)
    parser.add_argument("--stride", type=int, default=Sources.stride, help="every which held-out slice is judged")
    add_loop_arguments(parser)
    return parser.parse_args(arguments)


def options_of(line: argparse.Namespace) -> dict[str, object]:
    """Returns what decides the course of the run, as JSON values."""
    return {
        "preset": line.preset,
        "simulator_seed": line.simulator_seed,
        "stride": line.stride,
        **as_json(loop_options_of(line, DEFAULTS)),
    }


def plan(line: argparse.Namespace) -> str:
    """Returns what a run would do, as text."""
    preset = ENCODERS[line.preset]
    with torch.device("meta"):
        network = FeatureEncoder(preset.spec)
    notes = [
        f"network: {preset.spec}",
        f"targets: {TARGETS}",
        f"slices: {preset.size[0]}x{preset.size[1]} pixels of {line.ring}",
        f"validation: every {line.stride}th slice through the tumours of {line.validation}",
    ]
    return command.plan(options_of(line), {line.preset: network}, notes)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments)
    if line.dry_run:
        print(plan(line))
        return
    options, preset = loop_options_of(line, DEFAULTS), ENCODERS[line.preset]
    fabric = command.start(line, options_of(line))
    ring = Ring(line.ring) if line.workers == 0 else Ring.create(line.ring, RingShape(slots=line.slots))
    if line.workers:
        fill_validation(line.validation, volumes=line.validation_volumes)
    held_out = tuple(Ring(path.parent) for path in sorted(line.validation.glob("*/ring.json")))
    with Workers(line.ring, count=line.workers, seed=line.simulator_seed) as workers:
        if line.workers:
            workers.wait_for(RESERVE)
        torch.manual_seed(options.seed)
        sources = Sources(ring, held_out, stride=line.stride)
        system = EncoderSystem(line.preset, preset, sources, rate=options.learning_rate, fabric=fabric)
        train(system, options, folder=line.run, fabric=fabric)


if __name__ == "__main__":
    main()
