"""Tiny models in a repository of their own: small ONNX graphs whose answers are worked out by hand."""

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

ENSEMBLE = """
name: "line"
platform: "ensemble"
max_batch_size: 4
input [ { name: "image" data_type: TYPE_FP32 dims: [ 1, -1, -1 ] } ]
output [ { name: "result" data_type: TYPE_FP32 dims: [ 1, -1, -1 ] } ]
ensemble_scheduling {
  step [
    {
      model_name: "shift"
      model_version: -1
      input_map { key: "values" value: "between" }
      output_map { key: "shifted" value: "result" }
    },
    {
      model_name: "double"
      model_version: 1
      input_map { key: "values" value: "image" }
      output_map { key: "doubled" value: "between" }
    }
  ]
}
"""


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


class TinyRepository:
    """A model repository under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def add(
        self,
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
        """Puts a network of one 1x1 convolution into the repository."""
        folder = self.root / name
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

    def add_segmenter(self) -> None:
        """Adds a family: WT is FLAIR > 1, TC is T2 > 1, ET is T1c - T1 > 1."""
        plain = REGION_PARAMETERS.format(channels="t1n,t1c,t2w,t2f")
        difference = REGION_PARAMETERS.format(channels="t1c-t1n, t1c, t2w, t2f")
        self.add("segmenter_wt", [0.0, 0.0, 0.0, 1.0], -1.0, extra=plain)
        self.add("segmenter_tc", [0.0, 0.0, 1.0, 0.0], -1.0, extra=difference)
        self.add("segmenter_et", [1.0, 0.0, 0.0, 0.0], -1.0, extra=difference)

    def add_ensemble(self) -> Path:
        """Adds the ensemble `line`: result = 2 x image + 3, its second step named first."""
        self.add("double", [2.0], input_name="values", output_name="doubled")
        self.add("shift", [1.0], 3.0, input_name="values", output_name="shifted")
        folder = self.root / "line"
        (folder / "1").mkdir(parents=True)
        (folder / "config.pbtxt").write_text(ENSEMBLE)
        return folder


@pytest.fixture(scope="session")
def tiny_repository() -> type[TinyRepository]:
    """Returns the class, for fixtures that live longer than a test."""
    return TinyRepository


@pytest.fixture
def models(tmp_path: Path) -> TinyRepository:
    """Returns an empty model repository."""
    return TinyRepository(tmp_path / "models")
