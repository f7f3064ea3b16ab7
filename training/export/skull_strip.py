"""What the brain extractor is to the model repository: the logit of brain on axial slices of any one contrast.

``contrast`` FP32 ``(B, 1, H, W)`` -> ``logits`` FP32 ``(B, 1, H, W)``.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.preprocessing.skull_strip import MODEL_SPACING_MM
from training.data.ring import Ring
from training.export.card import CardText, figures_table, trained_on
from training.export.contract import Contract, TensorContract
from training.export.gate import Tolerance
from training.export.model import ServedModel, read_facts
from training.loop.run_folder import load_weights
from training.networks.unet2d import UNet2d, UNet2dSpec
from training.segmentation.validation import THRESHOLD
from training.skull_strip.head_simulator import STORED_PER_UNIT

MODEL_NAME: Final = "skull_strip"
"""Name in the model repository."""

INPUT_NAME: Final = "contrast"
"""Name of the graph's input: one contrast, any contrast."""

OUTPUT_NAME: Final = "logits"
"""Name of the graph's output."""

TOLERANCE: Final = Tolerance(largest=1e-2, mean=1e-3, threshold=math.log(THRESHOLD / (1 - THRESHOLD)), unit="logit")
"""Limits of the gate: those of the segmenters."""

GATE_HEADS: Final = 4
"""Held-out heads whose slices the gate looks at."""

USE: Final = """\
Finding the brain in a head before anything else is computed, as a step of the preprocessing service. Research use; not
a medical device.
"""
"""Intended use."""

LIMITS: Final = """\
- Adults' heads. It was never shown children, resection cavities or post-mortem brains.
- One slice at a time: look at the mask's top and bottom slices.
"""
"""What a reader must know before using the model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this kind."""
    rings = Path(tempfile.gettempdir()) / "gliosynth-heads"
    parser.add_argument("--run", type=Path, required=True, help="run folder of training.train_skull_strip")
    parser.add_argument("--rings", type=Path, default=rings, help="its rings of heads, for the gate")


def served_model(line: argparse.Namespace) -> ServedModel:
    """Returns the model that the command line names."""
    return skull_stripper(line.run, line.rings)


def skull_stripper(run: Path, rings: Path) -> ServedModel:
    """Returns the brain extractor, ready to be exported.

    Args:
        run: Run folder of `training.train_skull_strip`.
        rings: Folder of its rings.
    """
    facts = read_facts(run / "best.safetensors")
    spec = UNet2dSpec.from_json(facts["spec"])
    network = UNet2d(spec)
    load_weights(run / "best.safetensors", network)
    held_out = Ring(rings / "validation")
    contract = Contract(
        TensorContract(INPUT_NAME, "FP32", 1),
        (TensorContract(OUTPUT_NAME, "FP32", 1),),
        multiple=spec.multiple,
        size=(held_out.shape.height, held_out.shape.width),
    )
    return ServedModel(
        name=MODEL_NAME,
        network=network,
        contract=contract,
        parameters={
            "spacing_mm": str(MODEL_SPACING_MM),
            "multiple": str(spec.multiple),
            "threshold": str(THRESHOLD),
        },
        tolerance=TOLERANCE,
        samples=gate_inputs(held_out),
        card=card_of(spec, facts),
    )


def gate_inputs(ring: Ring) -> NDArray[np.float32]:
    """Returns slices ``(N, 1, X, Y)`` of held-out heads, a rendering of each."""
    planes = np.arange(20, ring.shape.slices - 10, 8)
    parts = []
    for slot in range(min(GATE_HEADS, ring.filled)):
        read = ring.read(slot, planes)
        if read is not None:
            parts.append(read.contrasts[:, slot % 4, None] / np.float32(STORED_PER_UNIT))
    return np.concatenate(parts).astype(np.float32)


def card_of(spec: UNet2dSpec, facts: Mapping[str, Any]) -> CardText:
    """Returns what the card says."""
    widths = "-".join(str(width) for width in spec.widths)
    dice = float(facts["score"] if "score" in facts else facts["validation_dice"])
    return CardText(
        title="the brain on axial slices of any contrast",
        summary=f"""\
A 2D U-Net of {len(spec.widths)} scales ({widths} channels) that tells brain (with its ventricles and the sulci
between its folds) from the rest of a head, on one image of any contrast.
**Trained on {trained_on(facts)}.**
""",
        use=USE,
        interface=f"""\
Input `{INPUT_NAME}` FP32 `(B, 1, X, Y)`: an axial slice at {MODEL_SPACING_MM:g} mm, axes right and anterior; the
1st and 99th percentile of the volume's non-zero voxels scaled to 0 and 1, clipped to 0 to 1.5, exact zeros (no data)
left 0; X and Y multiples of {spec.multiple}. Output `{OUTPUT_NAME}` FP32 `(B, 1, X, Y)`: logit of brain, threshold 0.
`gliosynth.preprocessing.skull_strip` does this scaling, averages the probabilities over the contrasts of a case, keeps
the largest component, closes it by 3 mm and fills its holes.
""",
        training=f"""\
Simulated heads (`training/skull_strip/head_simulator.py`) from all anatomies but two, which validation is made of.
Step {facts["step"]} after {float(facts["elapsed_s"]) / 60:.0f} min of wall clock;
options `{json.dumps(facts["options"])}`.
""",
        metrics="Mean Dice on single slices and single contrasts of held-out simulated heads; thick slices, de-faced,\n"
        "partly stripped and cut ones are among them.\n\n" + figures_table("held-out heads", {"Dice of brain": dice}),
        limits=LIMITS,
    )
