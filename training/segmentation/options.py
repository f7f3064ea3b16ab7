"""Options of `training.train_segmenter`: what decides a run's result, the command line, and the plan it prints."""

import argparse
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch

from training.data.ring import RingShape
from training.data.simulated import VALIDATION_PRESETS
from training.data.sources.options import SourceOptions, add_source_arguments
from training.data.stream_options import StreamOptions, add_stream_arguments, stream_options_of
from training.loop import command
from training.loop.options import LoopOptions, add_loop_arguments, as_json, loop_options_of
from training.networks.unet2d import UNet2d
from training.segmentation.presets import SEGMENTERS, Preset, segmenter


@dataclass(frozen=True)
class Options:
    """What decides a run's result, kept in options.json.

    Attributes:
        preset: The network and its diet.
        loop: Course of the run.
        stream: Volumes of the simulator.
        validation_stride: Every n-th slice of the validation volumes.
        warm_start: Weights to start from, or "".
    """

    preset: Preset
    loop: LoopOptions
    stream: StreamOptions = field(default_factory=StreamOptions)
    validation_stride: int = 2
    warm_start: str = ""

    def as_json(self) -> dict[str, object]:
        """Returns the options as JSON values, those of the loop among them."""
        return {
            "preset": self.preset.name,
            **as_json(self.loop),
            **self.stream.as_json(),
            "validation_stride": self.validation_stride,
            "warm_start": self.warm_start,
        }


def loop_defaults(preset: Preset) -> LoopOptions:
    """Returns the course of a run as the preset's recipe has it."""
    recipe = preset.recipe
    course = LoopOptions(batch=recipe.batch, learning_rate=recipe.learning_rate, ema=recipe.ema)
    return course if recipe.annealed else LoopOptions(**{**vars(course), "warm_up": 0, "annealed": 0.0})


def plan(options: Options, sources: SourceOptions) -> str:
    """Returns what a run would do, as text."""
    preset = options.preset
    with torch.device("meta"):
        network = UNet2d(preset.spec)
    notes = [
        f"network: {preset.spec}, channels {', '.join(preset.channels)}",
        f"slices: {preset.crop[0]}x{preset.crop[1]} pixels, {preset.weights}",
        options.stream.described(RingShape()),
        f"validation: the worst of {', '.join(VALIDATION_PRESETS)}",
    ]
    return command.plan({**options.as_json(), **sources.as_json()}, {preset.name: network}, notes)


def parse(arguments: list[str] | None, *, description: str | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    name = parser.add_mutually_exclusive_group(required=True)
    name.add_argument("--preset", choices=list(SEGMENTERS), metavar="NAME", help=f"one of {', '.join(SEGMENTERS)}")
    name.add_argument("--region", dest="preset", type=str.lower, choices=("wt", "tc", "et"), help="the shipped systems")
    parser.add_argument("--validation", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-validation")
    parser.add_argument("--validation-volumes", type=int, default=6, help="volumes of each shifted simulator")
    parser.add_argument("--validation-stride", type=int, default=Options.validation_stride)
    parser.add_argument("--warm-start", default=Options.warm_start, metavar="FILE", help="weights to start from")
    add_stream_arguments(parser)
    add_source_arguments(parser)
    add_loop_arguments(parser)
    return parser.parse_args(arguments)


def options_of(line: argparse.Namespace) -> Options:
    """Returns the options of a command line."""
    preset = segmenter(line.preset)
    return Options(
        preset=preset,
        loop=loop_options_of(line, loop_defaults(preset)),
        stream=stream_options_of(line),
        validation_stride=line.validation_stride,
        warm_start=line.warm_start,
    )
