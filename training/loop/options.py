"""The options that every trainer shares, their command line, and their place in options.json."""

import argparse
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path


@dataclass(frozen=True)
class LoopOptions:
    """What decides the course of a run; kept in options.json.

    Attributes:
        steps: Optimisation steps.
        minutes: Wall-clock budget; where it runs out first, the schedule has reached its end by then. A run that ends
            by minutes depends on the machine; one that ends by steps does not.
        batch: Samples (slices) a step, over all devices.
        parts: Parts a batch is drawn in, each from its own generator; a multiple of the devices. The same number of
            parts draws the same batches on any number of devices.
        learning_rate: The optimisers' highest.
        warm_up: Steps over which the learning rates rise.
        annealed: Last share of the run, 0 to 1, in which they fall to 0 along a cosine.
        ema: Decay of the averaged weights per step; 0: the weights themselves.
        clip: Largest norm of a gradient; infinite: not clipped.
        seed: Of weights and batches.
        report_every: Steps between two rows of losses.
        evaluate_every: Steps between two evaluations and checkpoints.
        picture_every: Steps between two pictures; 0: none.
    """

    steps: int = 4000
    minutes: float = math.inf
    batch: int = 16
    parts: int = 1
    learning_rate: float = 2e-3
    warm_up: int = 100
    annealed: float = 0.3
    ema: float = 0.998
    clip: float = math.inf
    seed: int = 0
    report_every: int = 50
    evaluate_every: int = 500
    picture_every: int = 0


def as_json(options: LoopOptions) -> dict[str, object]:
    """Returns the options as JSON values; an infinite one is null."""
    return {name: None if value == math.inf else value for name, value in asdict(options).items()}


def add_loop_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--run``, ``--device``, ``--devices``, ``--threads``, ``--dry-run`` and every loop option to a parser."""
    parser.add_argument("--run", type=Path, required=True, help="run folder; the same command resumes it")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--devices", type=int, default=1, help="devices for data-parallel training")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the trainer")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    group = parser.add_argument_group("course of the run", "where not given: as the preset has it")
    for option in fields(LoopOptions):
        group.add_argument(f"--{option.name.replace('_', '-')}", type=type(option.default))


def loop_options_of(line: argparse.Namespace, defaults: LoopOptions) -> LoopOptions:
    """Returns the loop options of a command line.

    Args:
        line: What a parser with `add_loop_arguments` made of it.
        defaults: Values of the options that it does not name.
    """
    given = {option.name: getattr(line, option.name) for option in fields(LoopOptions)}
    return replace(defaults, **{name: value for name, value in given.items() if value is not None})
