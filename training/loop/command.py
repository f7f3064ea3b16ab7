"""What every training command does between its options and its system: plan, run folder, log, devices."""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from training.loop.run_folder import record_options

LOG = logging.getLogger("training")


def start(line: argparse.Namespace, options: Mapping[str, object]) -> Fabric:
    """Opens the run folder of a command line and returns its launched fabric: bf16 on the devices it names.

    Args:
        line: What a parser with `training.loop.options.add_loop_arguments` made of it.
        options: What decides the run, as JSON values.

    Raises:
        InvalidParameterError: The folder belongs to a run with other options.
    """
    torch.set_num_threads(line.threads)
    fabric = Fabric(accelerator=line.device, devices=line.devices, precision="bf16-mixed")
    fabric.launch()
    if fabric.is_global_zero:
        record_options(line.run, dict(options))
        log_to(line.run / "log.txt")
    fabric.barrier()
    return fabric


def log_to(path: Path) -> None:
    """Sends the log to a file and to the terminal."""
    form = logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for handler in (logging.FileHandler(path), logging.StreamHandler()):
        handler.setFormatter(form)
        LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)


def plan(options: Mapping[str, object], networks: Mapping[str, nn.Module], notes: Sequence[str]) -> str:
    """Returns what a run would do, as text.

    Args:
        options: What decides the run, as JSON values; has ``steps`` and ``batch``.
        networks: What would learn, by name; may live on the meta device.
        notes: A line each on data and validation.
    """
    sizes = {name: sum(p.numel() for p in network.parameters()) / 1e6 for name, network in networks.items()}
    samples = int(str(options["steps"])) * int(str(options["batch"]))
    lines = [f"{name}: {size:.2f} M parameters" for name, size in sizes.items()]
    return "\n".join([json.dumps(dict(options), indent=2), *lines, f"samples: {samples} at most", *notes])
