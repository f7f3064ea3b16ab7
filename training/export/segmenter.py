"""What a segmenter is to the model repository: one region's logits on axial slices.

``contrasts`` FP32 ``(B, C, H, W)`` -> ``logits`` FP32 ``(B, 1, H, W)``. Where a network wants t1c - t1n in the place of
t1n, config.pbtxt says so in ``channels`` and the caller computes it: the graph sees what the network saw in training.
"""

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from gliosynth.labels import REGION_LABELS, Region
from training.data.ring import Ring
from training.export.card import CardText, command_text, figures_table, trained_on
from training.export.contract import Contract, TensorContract
from training.export.gate import Tolerance
from training.export.model import ServedModel, read_facts
from training.loop.run_folder import load_weights
from training.networks.mean import MeanOfNetworks
from training.networks.unet2d import UNet2d
from training.segmentation.presets import Preset, network_input, preset_of
from training.segmentation.samples import read_stacks
from training.segmentation.validation import THRESHOLD

INPUT_NAME: Final = "contrasts"
"""Name of the graph's input, FP32 ``(B, C, H, W)``."""

OUTPUT_NAME: Final = "logits"
"""Name of the graph's output, FP32 ``(B, 1, H, W)``."""

SPACING_MM: Final = 1.0
"""Pixel size that the networks are trained at."""

TOLERANCE: Final = Tolerance(largest=1e-2, mean=1e-3, threshold=math.log(THRESHOLD / (1 - THRESHOLD)), unit="logit")
"""Limits of the gate (METHODS E, advice 4)."""

GATE_SLICES: Final = 32
"""Simulated slices the gate looks at."""

SHOWN_OPTIONS: Final = (
    "preset",
    "region",
    "steps",
    "minutes",
    "batch",
    "learning_rate",
    "seed",
    "simulator_seed",
    "evaluate_every",
)
"""Options of a run that its card repeats."""

USE: Final = """\
Research on segmenting gliomas of adults before surgery, as one step of the segmentation service's cascade: WT in the
brain's slices, TC and ET inside WT's box. Not a medical device: no output may guide care without a radiologist.
"""
"""Intended use."""

LIMITS: Final = """\
- Adults' gliomas before surgery with all four contrasts. Resection cavities, metastases and children's tumours were
  never simulated.
- A network of axial slices: thin sheets between slices can flicker.
- The real cases above are seven. They calibrated the simulator by eye and by region medians, so they are no clean test.
"""
"""What a reader must know before using the model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this kind."""
    parser.add_argument(
        "--region", type=Region, choices=list(Region), help="refuse weights of another (default: theirs)"
    )
    parser.add_argument(
        "--weights", type=Path, nargs="+", required=True, help="best.safetensors of a run; of several runs: their mean"
    )
    parser.add_argument("--validation", type=Path, required=True, help="rings of the shifted simulators, for the gate")
    parser.add_argument("--real", type=Path, help="JSON of training.evaluate_real, for the card")


def served_model(line: argparse.Namespace) -> ServedModel:
    """Returns the model that the command line names."""
    return segmenter(line.region, weights=tuple(line.weights), validation=line.validation, real=line.real)


def segmenter(region: Region | None, *, weights: tuple[Path, ...], validation: Path, real: Path | None) -> ServedModel:
    """Returns a region's segmenter, ready to be exported.

    Args:
        region: The region that is expected, or None for that of the weights.
        weights: Safetensors file of a run, the JSON beside it says what it is; of several, the mean of the networks'
            logits is served.
        validation: Folder of the shifted simulators' rings, for the gate.
        real: JSON of `training.evaluate_real` for the card, or None.

    Raises:
        InvalidParameterError: The weights are not of one region, or not of this one (WRONG_REGION), or of networks
            that see different channels (DIFFERENT_INPUTS).
    """
    facts = [read_facts(path) for path in weights]
    presets = [preset_of(each) for each in facts]
    preset = agreed(presets, region, weights)
    networks = [UNet2d(each.spec) for each in presets]
    for path, network in zip(weights, networks, strict=True):
        load_weights(path, network)
    contract = Contract(
        TensorContract(INPUT_NAME, "FP32", preset.spec.channels),
        (TensorContract(OUTPUT_NAME, "FP32", 1),),
        multiple=max(each.spec.multiple for each in presets),
        size=preset.crop,
    )
    return ServedModel(
        name=model_name(preset.region),
        network=networks[0] if len(networks) == 1 else MeanOfNetworks(networks),
        contract=contract,
        parameters=parameters_of(preset, contract),
        tolerance=TOLERANCE,
        samples=gate_inputs(preset, validation),
        card=card_of(presets, facts, real),
    )


def agreed(presets: list[Preset], region: Region | None, weights: tuple[Path, ...]) -> Preset:
    """Returns the first preset, if all are of the one region that is asked for and see the same channels.

    Raises:
        InvalidParameterError: See `segmenter`.
    """
    first = presets[0]
    wanted = region or first.region
    for preset, path in zip(presets, weights, strict=True):
        if preset.regions != (wanted,):
            raise InvalidParameterError(
                f"{path} is a network of {', '.join(preset.regions)}; one region a model is served, and {wanted} was"
                " asked for: name other weights or another --region",
                field="region",
                got=str(region),
                reason="WRONG_REGION",
            )
        if preset.channels != first.channels:
            raise InvalidParameterError(
                f"{path} sees {', '.join(preset.channels)}; a mean needs networks that see the same channels, here"
                f" {', '.join(first.channels)}",
                field="weights",
                got=str(path),
                reason="DIFFERENT_INPUTS",
            )
    return first


def model_name(region: Region) -> str:
    """Returns the repository name of a region's segmenter."""
    return f"segmenter_{region.lower()}"


def parameters_of(preset: Preset, contract: Contract) -> dict[str, str]:
    """Returns what the cascade reads from config.pbtxt."""
    return {
        "region": str(preset.region),
        "channels": ",".join(preset.channels),
        "spacing_mm": str(SPACING_MM),
        "multiple": str(contract.multiple),
        "threshold": str(THRESHOLD),
    }


def gate_inputs(preset: Preset, validation: Path) -> NDArray[np.float32]:
    """Returns network inputs: tumour slices of the first volumes of every shifted simulator."""
    rings = [Ring(path.parent) for path in sorted(validation.glob("*/ring.json"))]
    parts = []
    for ring in rings:
        largest_last = np.argsort(ring.areas[0, :, 1:].sum(axis=1))
        planes = largest_last[-math.ceil(GATE_SLICES / len(rings)) :]
        stacks = read_stacks(ring, 0, planes, neighbours=preset.neighbours)
        if stacks is not None:
            parts.append(stacks.contrasts.reshape(len(planes), -1, *stacks.contrasts.shape[3:]))
    return network_input(torch.from_numpy(np.concatenate(parts)), subtract=preset.subtract).numpy()


def card_of(presets: list[Preset], facts: list[dict[str, Any]], real: Path | None) -> CardText:
    """Returns what the card says, of one network or of the mean of several."""
    preset = presets[0]
    labels = ", ".join(label.name for label in REGION_LABELS[preset.region])
    widths = "-".join(str(width) for width in preset.spec.widths)
    edge = preset.spec.fold
    folded = f", {edge}x{edge} pixels folded into the finest" if edge > 1 else ""
    mean = f"The mean of {len(presets)} networks' logits in one graph; the first:\n" if len(presets) > 1 else ""
    return CardText(
        title=f"{preset.region} ({labels}) on axial slices",
        summary=(
            f"{mean}A 2D U-Net of {len(preset.spec.widths)} scales ({widths} channels{folded}), after paper 002.\n"
            f"**Trained on {'; '.join(dict.fromkeys(trained_on(each) for each in facts))}.**\n"
        ),
        use=USE,
        interface=interface(preset),
        training="\n".join(training(each) for each in facts),
        metrics=metrics(facts, real, preset.region),
        limits=LIMITS,
    )


def interface(preset: Preset) -> str:
    """Returns the section on input and output."""
    whole, boxed = (
        "all axial slices of the brain box",
        "the axial slices and the box of the whole tumour, plus a margin",
    )
    difference = (
        "  The caller computes t1c-t1n from the z-scores (not clipped again); the graph does not.\n"
        if preset.subtract
        else ""
    )
    return (
        f"- `{INPUT_NAME}` FP32 `(B, {preset.spec.channels}, H, W)`: axial slices, 1 mm pixels,\n"
        f"  channels `{', '.join(preset.channels)}`,\n"
        f"  RAS order (H along X, W along Y), H and W multiples of {preset.spec.multiple}; z-scores of the brain\n"
        "  clipped to -5..5, 0 outside.\n"
        f"{difference}"
        f"- `{OUTPUT_NAME}` FP32 `(B, 1, H, W)`; the region is where the logit is above 0 (probability .5).\n"
        f"- Run on {whole if preset.region is Region.WT else boxed}.\n"
    )


def training(facts: Mapping[str, Any]) -> str:
    """Returns the section on how the weights were made."""
    options = facts["options"]
    slices, minutes = int(facts["step"]) * int(options["batch"]), float(facts["elapsed_s"]) / 60
    warm = (
        "\nThe run started from an earlier run's weights (`--warm-start`, training/LOG.md), whose slices are not\n"
        "counted here.\n"
        if options.get("warm_start")
        else ""
    )
    command = command_text("training.train_segmenter", options, shown=SHOWN_OPTIONS)
    return f"{command}\nStep {facts['step']} ({slices} slices), {minutes:.0f} min beside the simulator.\n{warm}"


def metrics(facts: list[dict[str, Any]], real: Path | None, region: Region) -> str:
    """Returns the tables of simulated and of real cases."""
    tables = [
        figures_table(f"shifted simulator, network {number} of {len(facts)} alone", each["validation"])
        for number, each in enumerate(facts, start=1)
    ]
    simulated = "Dice, which chose the checkpoint:\n\n" + "\n".join(tables)
    cases = real_table(real, region) if real else "Real cases: not evaluated yet.\n"
    return f"{simulated}\n{cases}"


def real_table(path: Path, region: Region) -> str:
    """Returns the table of real cases for one region, the threshold baseline beside it."""
    found = json.loads(path.read_text())
    rows = [
        f"| {case['id']} | {case['dice'][region]:.3f} | {case['baseline_dice'][region]:.3f} |"
        for case in found["cases"]
    ]
    mean = [sum(case[key][region] for case in found["cases"]) / len(rows) for key in ("dice", "baseline_dice")]
    head = [f"| real case | Dice {region} | threshold baseline |", "|---|---|---|"]
    return "\n".join([*head, *rows, f"| **mean** | **{mean[0]:.3f}** | **{mean[1]:.3f}** |"]) + "\n"
