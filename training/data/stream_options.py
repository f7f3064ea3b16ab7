"""The options of every trainer that learns from a stream: how fast it is renewed, and where it lies."""

import argparse
import math
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lightning_fabric import Fabric

from training.data.ring import Ring, RingShape
from training.data.stream import Feed, Pace, Stream

AHEAD_SHARE: Final = 8
"""One in so many slots is not drawn from, so that the workers can work ahead."""

FREE: Final = "free"
"""``--pace`` of a stream as fast as its workers."""

FROZEN: Final = "frozen"
"""What options.json says of a ring that nobody renews."""


@dataclass(frozen=True)
class StreamOptions:
    """What decides the volumes of a run.

    Attributes:
        pace: Volumes simulated a step; infinite: as fast as the workers come.
        reserve: Volumes before the first step.
        slots: Volumes held at once.
        simulator_seed: Of the volumes.
        frozen: Whether the ring is drawn from as it lies.
    """

    pace: float = 0.25
    reserve: int = 24
    slots: int = RingShape.slots
    simulator_seed: int = 1
    frozen: bool = False

    def as_json(self) -> dict[str, object]:
        """Returns the options as JSON values."""
        pace = FREE if math.isinf(self.pace) else self.pace
        if self.frozen:
            return {"pace": FROZEN}
        return {"pace": pace, "reserve": self.reserve, "slots": self.slots, "simulator_seed": self.simulator_seed}

    def described(self, shape: RingShape) -> str:
        """Returns a line of the plan."""
        gib = self.slots * shape.slices * shape.height * shape.width * 5 / 2**30
        if self.frozen:
            return "ring: as it lies"
        return (
            f"ring: {self.slots} volumes of {shape.slices} slices, {gib:.1f} GiB, {self.as_json()['pace']} new a step"
        )


def add_stream_arguments(parser: argparse.ArgumentParser, defaults: StreamOptions | None = None) -> None:
    """Adds ``--ring``, ``--slots``, ``--workers``, ``--pace``, ``--reserve`` and ``--simulator-seed`` to a parser."""
    known = defaults or StreamOptions()
    group = parser.add_argument_group("simulator's stream")
    group.add_argument("--ring", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-ring", metavar="FOLDER")
    group.add_argument("--slots", type=int, default=known.slots, help="volumes in the ring")
    group.add_argument("--workers", type=int, default=1, help="simulator processes; 0: the ring as it lies")
    group.add_argument("--pace", type=_pace, default=known.pace, help="volumes simulated a step, or 'free'")
    group.add_argument("--reserve", type=int, default=known.reserve, help="volumes before the first step")
    group.add_argument("--simulator-seed", type=int, default=known.simulator_seed)


def stream_options_of(line: argparse.Namespace) -> StreamOptions:
    """Returns the stream's options of a command line."""
    return StreamOptions(line.pace, line.reserve, line.slots, line.simulator_seed, frozen=line.workers == 0)


def open_stream(
    line: argparse.Namespace, shape: RingShape, feed: Feed, *, fabric: Fabric
) -> AbstractContextManager[Ring]:
    """Returns the ring of a command line with its workers, or as it lies, as a context.

    Args:
        line: What a parser with `add_stream_arguments` made of it.
        shape: Size of the ring, but for its slots.
        feed: What fills it.
        fabric: Its first device on this machine has the workers.
    """
    options = stream_options_of(line)
    if options.frozen:
        known = (line.ring / "ring.json").exists()
        return nullcontext(Ring(line.ring) if known else Ring.create(line.ring, replace(shape, slots=options.slots)))
    pace = Pace(options.pace, options.reserve, options.slots - options.slots // AHEAD_SHARE)
    workers = line.workers if fabric.local_rank == 0 else 0
    # The first device makes the files before the others open them.
    with fabric.rank_zero_first(local=True):
        return Stream(line.ring, replace(shape, slots=options.slots), feed=feed, pace=pace, workers=workers)


def _pace(text: str) -> float:
    return math.inf if text == FREE else float(text)
