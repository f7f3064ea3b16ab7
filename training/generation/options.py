"""Options of `training.train_generator` beside the loop's, the stream's and the sources'; and the plan's lines."""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from training.data.sources.options import add_source_arguments
from training.data.stream_options import add_stream_arguments
from training.generation.presets import GENERATORS, GeneratorPreset
from training.loop.options import LoopOptions, add_loop_arguments


@dataclass(frozen=True)
class GenerationOptions:
    """What decides a generator's run beside the loop and the data.

    Attributes:
        preset: Name in `training.generation.presets.GENERATORS`.
        validation: Folder of the rings judged on, one folder each.
        contrast: The one that is generated, or "" for all four.
        validation_slices: Slices of each held-out ring.
        perceptual: Weights of the network whose features are compared, or "" for no perceptual terms.
        volumes: Held-out volumes simulated where the folder has none.
    """

    preset: str
    validation: Path
    contrast: str = ""
    validation_slices: int = 24
    perceptual: str = ""
    volumes: int = 8

    def as_json(self) -> dict[str, object]:
        """Returns the fields that decide the result as JSON values; where the held-out data lies does not."""
        return {name: value for name, value in asdict(self).items() if name != "validation"}


def parse(arguments: list[str] | None, *, description: str) -> argparse.Namespace:
    """Returns the command line of `training.train_generator`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument_group("generator").add_argument
    add("--preset", choices=tuple(GENERATORS), default="augmentation_network")
    add("--contrast", default="", help="train a model of one contrast, as the paper does")
    add("--perceptual", default="", help="weights of our encoder or of VGG-19, whose features are compared")
    add("--validation", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-generator-validation",
        help="held-out rings; simulated if there are none")  # fmt: skip
    add("--validation-slices", type=int, default=24, help="slices of each held-out ring")
    add("--volumes", type=int, default=8, help="held-out volumes to simulate")
    add_loop_arguments(parser)
    add_stream_arguments(parser)
    add_source_arguments(parser)
    return parser.parse_args(arguments)


def generation_options_of(line: argparse.Namespace) -> GenerationOptions:
    """Returns the generator's options of a command line."""
    return GenerationOptions(
        preset=line.preset,
        validation=line.validation,
        contrast=line.contrast,
        validation_slices=line.validation_slices,
        perceptual=line.perceptual,
        volumes=line.volumes,
    )


def defaults_of(preset: GeneratorPreset) -> LoopOptions:
    """Returns the loop's options that a preset is trained with where the command line says nothing else."""
    return LoopOptions(batch=preset.batch, learning_rate=preset.rates[0], picture_every=500)


def notes_of(options: GenerationOptions, preset: GeneratorPreset, ring: str) -> tuple[str, ...]:
    """Returns what a plan says of data and losses, a line each.

    Args:
        options: The run's.
        preset: Its preset.
        ring: What is said of the ring, `StreamOptions.described`.
    """
    height, width = preset.size
    return (
        f"contrasts: {preset.spec.contrasts} at {height} x {width} px, crops of {preset.crop[0]} x {preset.crop[1]}",
        f"loss shares: {json.dumps(asdict(preset.shares))}, adapted every {preset.rebalance_every} steps (0: never)",
        f"perceptual: {options.perceptual or 'none'}",
        ring,
        f"held-out: {options.validation_slices} slices of each ring below {options.validation}",
    )
