"""Options of `training.train_segmenter`: what decides a run's result, the command line, and the plan it prints."""

import argparse
import json
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from gliosynth.labels import Region
from training.data.ring import RingShape
from training.data.simulated import VALIDATION_PRESETS
from training.networks.unet2d import UNet2d
from training.segmentation.presets import Preset


@dataclass(frozen=True)
class Options:
    """What decides a run's result, kept in options.json.

    Attributes:
        region: Region to segment.
        steps: Optimiser steps.
        minutes: Wall-clock budget; where it runs out first, the schedule has reached its end by then.
        batch: Slices a step and device.
        learning_rate: AdamW's highest.
        weight_decay: AdamW's.
        ema: Decay of the averaged weights per step.
        seed: Of the weights and batches.
        simulator_seed: Of the volumes.
        evaluate_every: Steps between validations and checkpoints.
        validation_stride: Every n-th slice of the validation volumes.
        warm_start: Weights to start from, or "".
    """

    region: Region
    steps: int = 4000
    minutes: float = math.inf
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    ema: float = 0.998
    seed: int = 0
    simulator_seed: int = 1
    evaluate_every: int = 500
    validation_stride: int = 2
    warm_start: str = ""


def as_json(options: Options) -> dict[str, object]:
    """Returns the options as JSON values; an unlimited budget is null."""
    values = asdict(options)
    minutes = None if math.isinf(options.minutes) else options.minutes
    return {**values, "minutes": minutes, "region": str(options.region)}


def plan(options: Options, preset: Preset, shape: RingShape) -> str:
    """Returns what a run would do, as text."""
    parameters = sum(p.numel() for p in UNet2d(preset.spec).parameters())
    ring_gib = shape.slots * shape.slices * shape.height * shape.width * 5 / 2**30
    lines = [
        json.dumps(as_json(options), indent=2),
        f"network: {preset.spec} with {parameters / 1e6:.2f} M parameters, channels {', '.join(preset.channels)}",
        f"samples: {options.steps * options.batch} slices of {preset.crop[0]}x{preset.crop[1]}, {preset.weights}",
        f"ring: {shape.slots} volumes of {shape.slices} slices, {ring_gib:.1f} GiB",
        f"validation: the worst of {', '.join(VALIDATION_PRESETS)}",
    ]
    return "\n".join(lines)


def parse(arguments: list[str] | None, *, description: str | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--region", type=Region, choices=list(Region), required=True)
    parser.add_argument("--run", type=Path, required=True, help="run folder; the same command resumes it")
    parser.add_argument("--ring", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-ring")
    parser.add_argument("--validation", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-validation")
    parser.add_argument("--validation-volumes", type=int, default=6, help="volumes of each shifted simulator")
    parser.add_argument("--slots", type=int, default=RingShape.slots, help="volumes in the ring")
    parser.add_argument("--workers", type=int, default=1, help="simulator processes; 0: the ring is fed by others")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--devices", type=int, default=1, help="devices for data-parallel training")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the trainer")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    for name, kind in (("steps", int), ("minutes", float), ("batch", int), ("learning-rate", float), ("seed", int),
                       ("simulator-seed", int), ("evaluate-every", int), ("warm-start", str)):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, default=getattr(Options, name.replace("-", "_")))
    return parser.parse_args(arguments)


def options_of(line: argparse.Namespace) -> Options:
    """Returns the options of a command line."""
    return Options(
        region=line.region,
        steps=line.steps,
        minutes=line.minutes,
        batch=line.batch,
        learning_rate=line.learning_rate,
        seed=line.seed,
        simulator_seed=line.simulator_seed,
        evaluate_every=line.evaluate_every,
        warm_start=line.warm_start,
    )
