"""Exports a trained segmenter into the model repository, through a parity gate.

    python -m training.export.segmenter --region WT --weights runs/wt/best.safetensors --validation VALIDATION

Writes model_repository/segmenter_wt/{config.pbtxt, card.md, 1/model.onnx}. The file holds fp16 weights that Cast nodes
turn into fp32 when it is loaded; batch norm is folded into the convolutions first, because a small running variance
would not survive fp16. The gate compares onnxruntime with torch in fp32 on simulated slices and raises, leaving the
repository as it was, when a logit differs by 0.01 or more than one pixel in a thousand changes side.
"""

import argparse
import copy
import math
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
import openvino
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gliosynth.errors import ModelError
from gliosynth.labels import Region
from training.data.ring import Ring
from training.export.card import CardFacts, card_text
from training.loop.run_folder import load_weights
from training.networks.unet2d import ConvBlock, UNet2d
from training.segmentation.presets import PRESETS, Preset, network_input
from training.segmentation.validation import THRESHOLD

OPSET: Final = 17
"""ONNX operator set, read by onnxruntime, OpenVINO and Triton alike."""

INPUT_NAME: Final = "contrasts"
"""Name of the graph's input, FP32 ``(B, 4, H, W)``."""

OUTPUT_NAME: Final = "logits"
"""Name of the graph's output, FP32 ``(B, 1, H, W)``."""

LOGIT_TOLERANCE: Final = 1e-2
"""Largest difference of a logit from torch that the gate accepts (METHODS E, advice 4)."""

LEAST_EQUAL_SHARE: Final = 0.999
"""Share of pixels of tumour slices that must fall on the same side of the threshold."""

MAX_BATCH: Final = 16
"""Largest batch the repository's configuration admits."""

FILE_LIMIT_MIB: Final = 16.0
"""Largest model file (DESIGN 7)."""

HALF_FROM: Final = 2**14
"""Elements from which a tensor is stored as fp16. The smaller ones (the finest scale, the head, the biases) are a few
per cent of the bytes and would make most of the rounding error, so they stay fp32."""

GATE_SLICES: Final = 32
"""Simulated slices the gate looks at."""


@dataclass(frozen=True)
class Parity:
    """Agreement of an exported graph with torch.

    Attributes:
        engine: Name and version of the runtime.
        largest_difference: Largest absolute logit difference.
        equal_share: Share of equal pixels after the threshold, 0 to 1.
    """

    engine: str
    largest_difference: float
    equal_share: float

    @property
    def passed(self) -> bool:
        """Whether both limits hold."""
        return self.largest_difference < LOGIT_TOLERANCE and self.equal_share > LEAST_EQUAL_SHARE


def fold_batch_norm(network: UNet2d) -> UNet2d:
    """Returns a copy in evaluation mode whose convolutions carry the batch norms' scale and shift."""
    folded: UNet2d = copy.deepcopy(network).eval()
    for block in folded.modules():
        if isinstance(block, ConvBlock):
            for conv, norm in (("conv1", "norm1"), ("conv2", "norm2")):
                setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
                setattr(block, norm, nn.Identity())
    return folded


def write_onnx(network: UNet2d, path: Path) -> None:
    """Writes a network as ONNX with dynamic batch, height and width and fp16 weights.

    Raises:
        ModelError: The file is larger than the repository allows.
    """
    example = torch.zeros(1, network.spec.channels, 2 * network.spec.multiple, 3 * network.spec.multiple)
    names = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        # The exporter that succeeds this one writes opset 18 or later only.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            fold_batch_norm(network),
            (example,),
            str(path),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_axes={INPUT_NAME: names, OUTPUT_NAME: names},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    store_weights_as_fp16(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    if path.stat().st_size > FILE_LIMIT_MIB * 2**20:
        raise ModelError(
            f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB; at most {FILE_LIMIT_MIB} MiB are shipped"
        )


def store_weights_as_fp16(model: onnx.ModelProto) -> None:
    """Replaces each large float initialiser by its fp16 values and a Cast back to fp32, in place."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and math.prod(tensor.dims) >= HALF_FROM:
            name = tensor.name
            half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
            casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def gate(network: UNet2d, path: Path, inputs: NDArray[np.float32]) -> list[Parity]:
    """Returns the agreement of each engine, onnxruntime first.

    Args:
        network: What was exported.
        path: The ONNX file.
        inputs: Network inputs ``(N, 4, H, W)`` float32.

    Raises:
        ModelError: An engine in fp32 is outside the limits.
    """
    with torch.no_grad():
        expected = copy.deepcopy(network).eval()(torch.from_numpy(inputs)).numpy()
    answers = {
        f"onnxruntime {onnxruntime.__version__}": run_onnxruntime(path, inputs),
        f"OpenVINO {openvino.__version__.split('-')[0]} f32": run_openvino(path, inputs),
    }
    found = [compare(engine, expected, answer) for engine, answer in answers.items()]
    for parity in found:
        if not parity.passed:
            raise ModelError(
                f"{path.name}: {parity.engine} differs from torch by {parity.largest_difference:.3g} in a logit and"
                f" agrees on {parity.equal_share:.5f} of the pixels; export again or find the faulty operator",
                field=parity.engine,
                got=f"{parity.largest_difference:.3g}",
            )
    return found


def compare(engine: str, expected: NDArray[np.float32], answer: NDArray[np.float32]) -> Parity:
    """Returns the agreement of two sets of logits of one shape."""
    limit = np.log(THRESHOLD / (1 - THRESHOLD))
    equal = float(((expected > limit) == (answer > limit)).mean())
    return Parity(engine, float(np.abs(expected - answer).max()), equal)


def run_onnxruntime(path: Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the graph's logits from onnxruntime on the CPU."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run([OUTPUT_NAME], {INPUT_NAME: inputs})[0], dtype=np.float32)


def run_openvino(path: Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the graph's logits from OpenVINO on the CPU, held to fp32."""
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled({INPUT_NAME: inputs})[compiled.output(0)], dtype=np.float32)


def config_text(preset: Preset) -> str:
    """Returns Triton's config.pbtxt of a segmenter."""
    parameters = {
        "region": str(preset.region),
        "channels": ",".join(preset.channels),
        "spacing_mm": "1.0",
        "multiple": str(preset.spec.multiple),
        "threshold": str(THRESHOLD),
    }
    lines = [
        f'name: "{model_name(preset.region)}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {MAX_BATCH}",
        f'input [ {{ name: "{INPUT_NAME}" data_type: TYPE_FP32 dims: [ {preset.spec.channels}, -1, -1 ] }} ]',
        f'output [ {{ name: "{OUTPUT_NAME}" data_type: TYPE_FP32 dims: [ 1, -1, -1 ] }} ]',
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
        *(f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in parameters.items()),
    ]
    return "\n".join(lines) + "\n"


def model_name(region: Region) -> str:
    """Returns the repository name of a region's segmenter."""
    return f"segmenter_{region.lower()}"


def gate_inputs(preset: Preset, validation: Path) -> NDArray[np.float32]:
    """Returns network inputs: tumour slices of the first volumes of every shifted simulator."""
    rings = [Ring(path.parent) for path in sorted(validation.glob("*/ring.json"))]
    parts = []
    for ring in rings:
        largest_last = np.argsort(ring.areas[0, :, 1:].sum(axis=1))
        planes = largest_last[-math.ceil(GATE_SLICES / len(rings)) :]
        slices = ring.read(0, planes)
        if slices is not None:
            parts.append(slices.contrasts)
    return network_input(torch.from_numpy(np.concatenate(parts)), subtract=preset.subtract).numpy()


def export(region: Region, *, weights: Path, validation: Path, repository: Path, real: Path | None) -> list[Parity]:
    """Writes one model of the repository if the gate lets it pass.

    Args:
        region: Region of the segmenter.
        weights: Safetensors file of `training.run_folder.save_weights`.
        validation: Folder of the shifted simulators' rings, for the gate.
        repository: Model repository.
        real: JSON of `training.evaluate_real` for the card, or None.

    Returns:
        The agreement of each engine.

    Raises:
        ModelError: The gate is not passed; nothing is written.
    """
    preset = PRESETS[region]
    network = UNet2d(preset.spec)
    facts = load_weights(weights, network)
    target = repository / model_name(region)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "model.onnx"
        write_onnx(network, made)
        parities = gate(network, made, gate_inputs(preset, validation))
        (target / "1").mkdir(parents=True, exist_ok=True)
        staged = target / "1" / "model.onnx.part"
        staged.write_bytes(made.read_bytes())
        staged.replace(target / "1" / "model.onnx")
    (target / "config.pbtxt").write_text(config_text(preset))
    agreement = {one.engine: (one.largest_difference, one.equal_share) for one in parities}
    (target / "card.md").write_text(card_text(CardFacts(preset, facts, agreement, real)))
    return parities


def main(arguments: list[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--region", type=Region, choices=list(Region), required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True, help="rings of the shifted simulators, for the gate")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    parser.add_argument("--real", type=Path, help="JSON of training.evaluate_real, for the card")
    line = parser.parse_args(arguments)
    for parity in export(
        line.region, weights=line.weights, validation=line.validation, repository=line.repository, real=line.real
    ):
        print(f"{parity.engine}: largest difference {parity.largest_difference:.2g}, equal {parity.equal_share:.6f}")


if __name__ == "__main__":
    main()
