"""Trains the brain extractor on simulated heads.

    python -m training.train_skull_strip --run training/runs/skull_strip --minutes 15   # one CPU core and a worker
    python -m training.train_skull_strip --run training/runs/skull_strip --dry-run      # print the plan, start nothing
    python -m training.export skull-strip --run training/runs/skull_strip               # gate, then model_repository/

One 2D U-Net for every contrast: it sees an axial slice of one image at 2 mm and answers with the logit of brain. The
run folder holds options.json, log.txt, stats.jsonl, state.safetensors (the same command resumes from it),
best.safetensors (highest mean Dice on the two held-out heads) and last.safetensors.
"""

import argparse
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch

from gliosynth.anatomy import load_anatomies
from training.data.ring import Ring, RingShape, Simulate, feed
from training.data.stream import Feed
from training.data.stream_options import StreamOptions, add_stream_arguments, open_stream, stream_options_of
from training.loop import command
from training.loop.options import LoopOptions, add_loop_arguments, as_json, loop_options_of
from training.loop.train import train
from training.networks.unet2d import UNet2d
from training.skull_strip.head_simulator import POOLED_SHAPE, SimulatedHead, simulate_head
from training.skull_strip.system import SPEC, SkullStripSystem

COURSE: Final = LoopOptions(steps=20_000, minutes=15.0, report_every=200, evaluate_every=200)
"""Course of a run where the command line does not say otherwise."""

HEADS: Final = StreamOptions(pace=0.02, reserve=12, simulator_seed=0)
"""Stream of heads: one serves some fifty batches."""

RING: Final = RingShape(slots=240, slices=POOLED_SHAPE[2], height=POOLED_SHAPE[0], width=POOLED_SHAPE[1], slice_mm=2.0)
"""Heads held at once."""

HELD_OUT: Final = ("head_19", "head_20")
"""Anatomies of validation, never seen in training."""

VALIDATION_SEED: Final = 30_000
"""Seed of the validation heads."""

VALIDATION_HEADS: Final = 6
"""Simulated heads of the held-out anatomies."""


def simulator(*, held_out: bool) -> Simulate:
    """Returns the function that makes a head of a random anatomy, of those held out or of the others."""
    anatomies = [anatomy for anatomy in load_anatomies() if (anatomy.name in HELD_OUT) == held_out]

    def simulate(rng: np.random.Generator) -> SimulatedHead:
        return simulate_head(anatomies[int(rng.integers(len(anatomies)))], rng=rng)

    return simulate


def fill_validation(folder: Path) -> Ring:
    """Returns the ring of held-out heads, simulating those that it does not hold yet."""
    ring = Ring.create(folder, replace(RING, slots=VALIDATION_HEADS))
    feed(ring, simulator(held_out=True), seed=VALIDATION_SEED, numbers=range(ring.filled, VALIDATION_HEADS))
    return ring


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scratch = Path(tempfile.gettempdir()) / "gliosynth-heads"
    parser.add_argument("--validation", type=Path, default=scratch / "validation", help="ring of held-out heads")
    add_stream_arguments(parser, HEADS)
    add_loop_arguments(parser)
    parser.set_defaults(ring=scratch / "train")
    return parser.parse_args(arguments)


def plan(options: dict[str, object], stream: StreamOptions) -> str:
    """Returns what a run would do, as text."""
    with torch.device("meta"):
        network = UNet2d(SPEC)
    notes = [
        f"network: {SPEC}",
        stream.described(RING),
        f"validation: {VALIDATION_HEADS} heads of {', '.join(HELD_OUT)}",
    ]
    return command.plan(options, {"skull_strip": network}, notes)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    line = parse(arguments)
    loop, stream = loop_options_of(line, COURSE), stream_options_of(line)
    options = {**as_json(loop), **stream.as_json()}
    if line.dry_run:
        print(plan(options, stream))
        return
    fabric = command.start(line, options)
    if fabric.local_rank == 0:
        fill_validation(line.validation)
    fabric.barrier()
    source = Feed("heads", partial(simulator, held_out=False), stream.simulator_seed)
    with open_stream(line, RING, source, fabric=fabric) as ring:
        system = SkullStripSystem(loop, fabric, ring=ring, validation=Ring(line.validation))
        train(system, loop, folder=line.run, fabric=fabric)


if __name__ == "__main__":
    main()
