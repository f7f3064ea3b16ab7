"""A generator's run in processes of its own: ``driver.py FOLDER DEVICES``; FOLDER holds ``ring`` and ``validation``."""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from training.data.ring import Ring
from training.generation.options import GenerationOptions, defaults_of
from training.generation.presets import GENERATORS
from training.generation.system import GeneratorSystem
from training.loop.train import train


def main() -> None:
    """Takes four steps, the weights of the loss adapted every second one."""
    folder, devices = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=devices, precision="32-true")
    fabric.launch()
    preset = replace(GENERATORS["tiny"], rebalance_every=2)
    recipe = replace(
        defaults_of(preset), steps=4, parts=2, warm_up=2, report_every=1, evaluate_every=4, picture_every=0
    )
    run = folder / f"run{devices}"
    run.mkdir(exist_ok=True)
    options = GenerationOptions("tiny", folder / "validation", validation_slices=2)
    system = GeneratorSystem(preset, options, recipe, rings=Ring(folder / "ring"), fabric=fabric, perceptual=None)
    train(system, recipe, folder=run, fabric=fabric)


if __name__ == "__main__":
    main()
