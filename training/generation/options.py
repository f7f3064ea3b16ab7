"""Options of `training.train_generator` beside the loop's: preset, contrast, data; and the plan's lines."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from training.data.ring import RingShape
from training.generation.presets import GENERATORS, GeneratorPreset
from training.loop.options import LoopOptions


@dataclass(frozen=True)
class GenerationOptions:
    """What decides a run's result beside the loop's options, kept in options.json.

    Attributes:
        preset: Name in `training.generation.presets.GENERATORS`.
        contrast: The one that is generated, or "" for all four.
        ring: Folder of the volumes learnt from.
        validation: Folder of the rings judged on, one folder each.
        validation_slices: Slices of each held-out ring.
        perceptual: Weights of the network whose features are compared, or "" for no perceptual term.
        simulator_seed: Of the volumes that workers make.
        volumes: Held-out volumes simulated where the folder has none.
    """

    preset: str
    ring: Path
    validation: Path
    contrast: str = ""
    validation_slices: int = 24
    perceptual: str = ""
    simulator_seed: int = 1
    volumes: int = 8

    def as_json(self) -> dict[str, object]:
        """Returns the fields that decide the result as JSON values; where the data lies does not."""
        return {name: value for name, value in asdict(self).items() if name not in ("ring", "validation")}


def add_generation_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a generator, its data and its workers to a parser."""
    parser.add_argument("--preset", choices=tuple(GENERATORS), default="augmentation_network")
    parser.add_argument("--ring", type=Path, default=Path("runs/ring"), help="folder of the volumes; filled if empty")
    parser.add_argument("--validation", type=Path, default=Path("runs/generator-validation"), help="held-out rings")
    parser.add_argument("--contrast", default="", help="train a model of one contrast, as the paper does")
    parser.add_argument("--validation-slices", type=int, default=24, help="slices of each held-out ring")
    parser.add_argument("--perceptual", default="", help="weights of the encoder or VGG-19 whose features are compared")
    parser.add_argument("--simulator-seed", type=int, default=1)
    parser.add_argument("--volumes", type=int, default=8, help="held-out volumes to simulate")
    parser.add_argument("--slots", type=int, default=RingShape().slots, help="volumes of a new ring")
    parser.add_argument("--workers", type=int, default=1, help="simulator processes; 0: the ring stays as it is")


def generation_options_of(line: argparse.Namespace) -> GenerationOptions:
    """Returns the generator's options of a command line."""
    return GenerationOptions(
        preset=line.preset,
        ring=line.ring,
        validation=line.validation,
        contrast=line.contrast,
        validation_slices=line.validation_slices,
        perceptual=line.perceptual,
        simulator_seed=line.simulator_seed,
        volumes=line.volumes,
    )


def defaults_of(preset: GeneratorPreset) -> LoopOptions:
    """Returns the loop's options that a preset is trained with where the command line says nothing else."""
    return LoopOptions(batch=preset.batch, learning_rate=preset.rates[0], picture_every=500)


def notes_of(options: GenerationOptions, preset: GeneratorPreset) -> tuple[str, ...]:
    """Returns what a plan says of data and losses, a line each."""
    return (
        f"contrasts: {preset.spec.contrasts} at {preset.size[0]} x {preset.size[1]} px, crops of {preset.crop}",
        f"loss shares: {json.dumps(asdict(preset.shares))}, adapted every {preset.rebalance_every} steps",
        f"perceptual: {options.perceptual or 'none'}",
        f"held-out: {options.validation_slices} slices of each ring below {options.validation}",
    )
