"""A run of the loop in a process of its own, for tests that kill it: ``driver.py KIND FOLDER DEVICES PARTS``.

KIND is ``line`` (two networks, two optimisers) or ``stream`` (the segmenter on a paced stream of ball volumes, whose
validation ring lies in ``FOLDER/../validation``).
"""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.data.fakes import simulate_ball

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from training.data.ring import Simulate

# What is heavy is imported where it is used: a worker imports this file anew.


def balls() -> "Simulate":
    """Makes the simulator inside a worker."""
    return simulate_ball


def run_line(folder: Path, fabric: "Fabric", *, parts: int) -> None:
    """Trains two networks with two optimisers."""
    from training.loop.fakes import LineSystem
    from training.loop.options import LoopOptions
    from training.loop.train import train

    loop = LoopOptions(steps=400, batch=8, parts=parts, learning_rate=1e-2, report_every=1, evaluate_every=30)
    train(LineSystem(fabric, learning_rate=loop.learning_rate), loop, folder=folder, fabric=fabric)


def run_stream(folder: Path, fabric: "Fabric", *, parts: int) -> None:
    """Trains a tiny segmenter on volumes that two workers renew."""
    from dataclasses import replace

    from training.data.ring import RingShape
    from training.data.stream import Feed, Pace, Stream
    from training.loop.options import LoopOptions
    from training.loop.train import train
    from training.networks.unet2d import UNet2dSpec
    from training.segmentation.options import Options
    from training.segmentation.presets import segmenter
    from training.segmentation.system import SegmenterSystem

    loop = LoopOptions(steps=24, batch=4, parts=parts, learning_rate=1e-2, warm_up=2, report_every=1, evaluate_every=5)
    dropout = 0.2 if parts == 1 else 0.0  # each device drops by its own generator
    preset = replace(segmenter("wt"), name="driven", spec=UNet2dSpec(4, (4, 6, 8, 10), dropout=dropout), crop=(48, 64))
    shape, pace = RingShape(slots=6, slices=12, height=64, width=80), Pace(rate=0.5, reserve=2, window=4)
    workers = 2 if fabric.local_rank == 0 else 0
    with fabric.rank_zero_first(local=True):
        made = Stream(folder / "ring", shape, feed=Feed("balls", balls, seed=5), pace=pace, workers=workers)
    with made as stream:
        options = Options(preset, loop, validation_stride=3)
        system = SegmenterSystem(options, fabric, rings=stream, validation=folder.parent / "validation")
        train(system, loop, folder=folder, fabric=fabric)


def main() -> None:
    """Runs or resumes."""
    import torch
    from lightning_fabric import Fabric

    kind, folder, devices, parts = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    fabric = Fabric(accelerator="cpu", devices=devices, precision="32-true")
    fabric.launch()
    folder.mkdir(parents=True, exist_ok=True)
    (run_stream if kind == "stream" else run_line)(folder, fabric, parts=parts)


if __name__ == "__main__":
    main()
