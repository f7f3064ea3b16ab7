"""Simulates a ring of volumes once, under any of the simulator's variants.

    python -m training.preparation.ring --settings no-texture --volumes 60 --ring rings/no-texture

The same command goes on where it was interrupted. Volume n is a function of the seed and n alone, so rings of variants
share their draws as far as the variant lets them.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from training.data.ring import Ring, RingShape, feed
from training.data.simulated import simulator_of
from training.data.variants import VARIANTS, variant

LOG = logging.getLogger("training")


def fill_ring(folder: Path, *, settings: str, volumes: int, seed: int, held_out: bool = False) -> Ring:
    """Returns a full ring of simulated volumes, simulating those that the folder does not hold yet.

    Args:
        folder: Where it lies.
        settings: Name of a variant.
        volumes: How many.
        seed: Of the volumes.
        held_out: On the heads that are kept for validation instead of the others.
    """
    ring = Ring.create(folder, replace(RingShape(), slots=volumes))
    first = ring.next_volume if ring.filled else 0
    if first < volumes:
        LOG.info("simulating %d volumes of %s", volumes - first, settings)
        feed(ring, simulator_of(variant(settings), held_out=held_out), seed=seed, numbers=range(first, volumes))
    return ring


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", choices=list(VARIANTS), default="training")
    parser.add_argument("--volumes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="on the heads kept for validation")
    parser.add_argument("--ring", type=Path, required=True, help="folder of the ring")
    line = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    ring = fill_ring(line.ring, settings=line.settings, volumes=line.volumes, seed=line.seed, held_out=line.held_out)
    print(f"{line.ring}: {ring.filled} volumes of {line.settings}")


if __name__ == "__main__":
    main()
