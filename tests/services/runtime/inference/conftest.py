"""Tiny models in a repository of their own: small ONNX graphs whose answers are worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

CONFIG = """
name: "{name}"
backend: "onnxruntime"
max_batch_size: {max_batch_size}
input [ {{ name: "{input_name}" data_type: TYPE_FP32 dims: [ {input_channels}, -1, -1 ] }} ]
output [ {{ name: "{output_name}" data_type: TYPE_FP32 dims: [ {output_channels}, -1, -1 ] }} ]
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
{extra}
"""

REGION_PARAMETERS = """
parameters {{ key: "channels" value: {{ string_value: "{channels}" }} }}
parameters {{ key: "threshold" value: {{ string_value: "0.5" }} }}
"""

AddModel = Callable[..., Path]


def weighted_sum(
    weights: list[float],
    bias: float,
    *,
    input_name: str = "contrasts",
    output_name: str = "logits",
    stored_as: type[np.floating] = np.float32,
) -> onnx.ModelProto:
    """Returns a network of one 1x1 convolution: sum of weight times channel, plus bias."""
    kernel = np.array(weights, dtype=stored_as).reshape(1, len(weights), 1, 1)
    nodes, kernel_name = [], "kernel"
    if stored_as is np.float16:
        nodes.append(helper.make_node("Cast", ["kernel"], ["kernel_f32"], to=TensorProto.FLOAT))
        kernel_name = "kernel_f32"
    nodes.append(helper.make_node("Conv", [input_name, kernel_name, "bias"], [output_name], kernel_shape=[1, 1]))
    graph = helper.make_graph(
        nodes,
        "weighted_sum",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["n", len(weights), "h", "w"])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array([bias], np.float32), "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns the empty folder of a model repository."""
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def add_model(root: Path) -> AddModel:
    """Returns a function that puts a network of one 1x1 convolution into the repository."""

    def add(
        name: str,
        weights: list[float],
        bias: float = 0.0,
        *,
        version: int = 1,
        extra: str = "",
        max_batch_size: int = 4,
        input_name: str = "contrasts",
        output_name: str = "logits",
        stored_as: type[np.floating] = np.float32,
    ) -> Path:
        folder = root / name
        (folder / str(version)).mkdir(parents=True)
        network = weighted_sum(weights, bias, input_name=input_name, output_name=output_name, stored_as=stored_as)
        onnx.save(network, folder / str(version) / "model.onnx")
        text = CONFIG.format(
            name=name,
            max_batch_size=max_batch_size,
            input_name=input_name,
            output_name=output_name,
            input_channels=len(weights),
            output_channels=1,
            extra=extra,
        )
        (folder / "config.pbtxt").write_text(text)
        return folder

    return add


@pytest.fixture
def add_segmenter(add_model: AddModel) -> Callable[[], None]:
    """Returns a function that adds a family: WT is FLAIR > 1, TC is T2 > 1, ET is T1c - T1 > 1."""

    def add() -> None:
        plain = REGION_PARAMETERS.format(channels="t1n,t1c,t2w,t2f")
        difference = REGION_PARAMETERS.format(channels="t1c-t1n, t1c, t2w, t2f")
        add_model("segmenter_wt", [0.0, 0.0, 0.0, 1.0], -1.0, extra=plain)
        add_model("segmenter_tc", [0.0, 0.0, 1.0, 0.0], -1.0, extra=difference)
        add_model("segmenter_et", [1.0, 0.0, 0.0, 0.0], -1.0, extra=difference)

    return add
