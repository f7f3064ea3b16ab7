"""Exports the trained brain extractor into the model repository, through the segmenters' parity gate.

    python -m training.export.skull_strip --run training/runs/skull_strip

Writes model_repository/skull_strip/{config.pbtxt, card.md, 1/model.onnx}: fp16 weights in the file, input
``contrast`` ``(B, 1, H, W)``, output ``logits`` of the same shape. The gate compares onnxruntime and OpenVINO with
torch on slices of the held-out heads.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from gliosynth.preprocessing.skull_strip import MODEL_SPACING_MM
from training.data.ring import Ring
from training.export.segmenter import INPUT_NAME, MAX_BATCH, OUTPUT_NAME, Parity, gate, write_onnx
from training.loop.run_folder import load_weights
from training.networks.unet2d import UNet2d
from training.skull_strip.head_simulator import STORED_PER_UNIT
from training.train_skull_strip import HELD_OUT, SPEC

MODEL_NAME: Final = "skull_strip"
"""Name in the model repository."""

CONTRAST_INPUT: Final = "contrast"
"""Name of the graph's input: one contrast, any contrast."""

GATE_HEADS: Final = 4
"""Held-out heads whose slices the gate looks at."""


def gate_inputs(ring: Ring) -> NDArray[np.float32]:
    """Returns slices ``(N, 1, X, Y)`` of held-out heads, a rendering of each."""
    planes = np.arange(20, ring.shape.slices - 10, 8)
    parts = []
    for slot in range(min(GATE_HEADS, ring.filled)):
        read = ring.read(slot, planes)
        if read is not None:
            parts.append(read.contrasts[:, slot % 4, None] / np.float32(STORED_PER_UNIT))
    return np.concatenate(parts).astype(np.float32)


def rename_input(model: onnx.ModelProto, old: str, new: str) -> None:
    """Renames a graph's input, in place."""
    for value in model.graph.input:
        if value.name == old:
            value.name = new
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new
    onnx.checker.check_model(model, full_check=True)


def config_text() -> str:
    """Returns Triton's config.pbtxt."""
    parameters = {"spacing_mm": str(MODEL_SPACING_MM), "multiple": str(SPEC.multiple), "threshold": "0.5"}
    lines = [
        f'name: "{MODEL_NAME}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {MAX_BATCH}",
        f'input [ {{ name: "{CONTRAST_INPUT}" data_type: TYPE_FP32 dims: [ 1, -1, -1 ] }} ]',
        f'output [ {{ name: "{OUTPUT_NAME}" data_type: TYPE_FP32 dims: [ 1, -1, -1 ] }} ]',
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
        *(f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in parameters.items()),
    ]
    return "\n".join(lines) + "\n"


def card_text(facts: dict[str, object], parities: list[Parity]) -> str:
    """Returns the card as Markdown."""
    agreement = "\n".join(
        f"| {one.engine} | {one.largest_difference:.2g} | {100 * one.equal_share:.3f} % |" for one in parities
    )
    options = json.dumps(facts["options"])
    widths = "-".join(str(width) for width in SPEC.widths)
    return f"""# skull_strip: the brain on axial slices of any contrast

A 2D U-Net of four scales ({widths} channels) that tells brain (with its ventricles and the sulci between its
folds) from the rest of a head, on one image of any contrast. Trained on simulated heads only: no patient's voxel is in
the weights.

## Interface

Input `{CONTRAST_INPUT}` FP32 `(B, 1, X, Y)`: an axial slice at {MODEL_SPACING_MM:g} mm, axes right and anterior; the
1st and 99th percentile of the volume's non-zero voxels scaled to 0 and 1, clipped to 0 to 1.5, exact zeros (no data)
left 0; X and Y multiples of {SPEC.multiple}. Output `{OUTPUT_NAME}` FP32 `(B, 1, X, Y)`: logit of brain, threshold 0.
`gliosynth.preprocessing.skull_strip` does this scaling, averages the probabilities over the contrasts of a case, keeps
the largest component, closes it by 3 mm and fills its holes.

## Training

Simulated heads (`training/skull_strip/head_simulator.py`) from 18 of the anatomies, validation on
{" and ".join(HELD_OUT)}.
Step {facts["step"]} after {float(str(facts["elapsed_s"])) / 60:.0f} min of wall clock on a shared two-core CPU;
options `{options}`. Mean Dice on single slices and single contrasts of held-out simulated heads, thick slices,
de-faced, partly stripped and cut ones included: **{float(str(facts["validation_dice"])):.3f}**.

## Export

| engine | largest logit difference from torch | equal pixels |
|---|---|---|
{agreement}

## Limits

- Research use; not a medical device.
- Adults' heads. It was never shown children, resection cavities or post-mortem brains.
- One slice at a time: look at the mask's top and bottom slices.

## Licence

Apache-2.0, as the project. The simulated anatomies are SynthSeg's label maps (Apache-2.0).
"""


def export(run: Path, rings: Path, repository: Path) -> list[Parity]:
    """Writes the model of the repository if the gate lets it pass.

    Args:
        run: Run folder of `training.train_skull_strip`.
        rings: Folder of its rings.
        repository: Model repository.

    Raises:
        ModelError: The gate is not passed; nothing is written.
    """
    network = UNet2d(SPEC)
    facts = load_weights(run / "best.safetensors", network)
    inputs = gate_inputs(Ring(rings / "validation"))
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "model.onnx"
        write_onnx(network, made)
        parities = gate(network, made, inputs)
        model = onnx.load(made)
        rename_input(model, INPUT_NAME, CONTRAST_INPUT)
    target = repository / MODEL_NAME
    (target / "1").mkdir(parents=True, exist_ok=True)
    onnx.save(model, target / "1" / "model.onnx.part")
    (target / "1" / "model.onnx.part").replace(target / "1" / "model.onnx")
    (target / "config.pbtxt").write_text(config_text())
    (target / "card.md").write_text(card_text(facts, parities))
    return parities


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--rings", type=Path, default=Path(tempfile.gettempdir()) / "gliosynth-heads")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    line = parser.parse_args(arguments)
    for parity in export(line.run, line.rings, line.repository):
        print(f"{parity.engine}: largest difference {parity.largest_difference:.2g}, equal {parity.equal_share:.6f}")


if __name__ == "__main__":
    main()
