"""Tests of the gate: each way in which a file can be wrong has its reason, and leaves the repository alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from gliosynth.errors import ModelError
from training.export import model as exporting
from training.export import onnx_file
from training.export.contract import Contract
from training.export.gate import Parity, Tolerance, compare
from training.export.model import ExportOptions, FileFormat, ServedModel, export_model
from training.export.torchscript import write_torchscript

Corrupt = Callable[[onnx.ModelProto], None]


def scale_head(graph: onnx.ModelProto) -> None:
    """Makes the last convolution 1.5 times as strong."""
    victim = next(tensor for tensor in graph.graph.initializer if tensor.name == "head.weight")
    victim.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(victim) * np.float32(1.5), victim.name))


def rename_output(graph: onnx.ModelProto) -> None:
    """Calls the output something else, in the whole graph."""
    for node in graph.graph.node:
        for index, name in enumerate(node.output):
            if name == "logits":
                node.output[index] = "probabilities"
    graph.graph.output[0].name = "probabilities"


def fix_batch(graph: onnx.ModelProto) -> None:
    """Lets the graph take one sample only."""
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def lie_about_type(graph: onnx.ModelProto) -> None:
    """Declares the input as whole numbers."""
    graph.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def corrupting(change: Corrupt) -> FileFormat:
    """Returns ONNX whose writer damages what it wrote."""

    def write(network: nn.Module, path: Path, contract: Contract) -> None:
        onnx_file.write_onnx(network, path, contract)
        graph = onnx.load(path)
        change(graph)
        onnx.save(graph, path)

    return replace(exporting.ONNX, write=write)


@pytest.mark.parametrize(
    ("change", "reason", "named"),
    [
        (scale_head, "GATE_NUMERIC", "differs from torch"),
        (rename_output, "GATE_CONTRACT", "probabilities"),
        (fix_batch, "GATE_CONTRACT", "input is"),
        (lie_about_type, "GATE_CONTRACT", "input is"),
    ],
)
def test_damaged_graph_is_stopped(
    model: ServedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Corrupt, reason: str, named: str
) -> None:
    """The error names the check, and nothing is written."""
    monkeypatch.setattr(exporting, "ONNX", corrupting(change))
    with pytest.raises(ModelError, match=named) as caught:
        export_model(model, ExportOptions(tmp_path / "models"))
    assert caught.value.reason == reason
    assert not (tmp_path / "models").exists()


def test_file_that_is_too_large_is_stopped(model: ServedModel, tmp_path: Path) -> None:
    """A limit of 1 KiB."""
    with pytest.raises(ModelError, match="--limit-mib") as caught:
        export_model(model, ExportOptions(tmp_path / "models", limit_mib=1 / 1024))
    assert caught.value.reason == "GATE_SIZE"
    assert not (tmp_path / "models").exists()


def test_broken_file_is_stopped(model: ServedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no graph at all."""
    broken = replace(exporting.ONNX, write=lambda network, path, contract: path.write_bytes(b"no graph" * 100))
    monkeypatch.setattr(exporting, "ONNX", broken)
    with pytest.raises(ModelError) as caught:
        export_model(model, ExportOptions(tmp_path / "models"))
    assert caught.value.reason == "GATE_CONTRACT"


class BatchNeighbours(nn.Module):
    """x -> logits that hold the mean of the whole batch: an answer that depends on its neighbours."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x)
        return logits + x.mean()


class OneSize(nn.Module):
    """x -> logits cut and filled to the size that the trace saw."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x)
        return nn.functional.interpolate(logits, size=(32, 48))


def test_answer_that_depends_on_its_batch_is_stopped(model: ServedModel, tmp_path: Path) -> None:
    """The mean over a batch leaks from slice to slice."""
    leaking = replace(model, network=BatchNeighbours(model.network))
    with pytest.raises(ModelError, match="changes by") as caught:
        export_model(leaking, ExportOptions(tmp_path / "models"))
    assert caught.value.reason == "GATE_BATCH"


def test_size_that_is_fixed_is_stopped(model: ServedModel, tmp_path: Path) -> None:
    """A slice twice as high gets an answer as high as before."""
    fixed = replace(model, network=OneSize(model.network))
    with pytest.raises(ModelError) as caught:
        export_model(fixed, ExportOptions(tmp_path / "models"))
    assert caught.value.reason in {"GATE_SHAPE", "GATE_CONTRACT"}


def test_one_bad_sister_stops_all(model: ServedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TorchScript of other weights: the ONNX file that passed is not written either."""

    def write(network: nn.Module, path: Path, contract: Contract) -> None:
        for weights in network.parameters():
            weights.mul_(0.5)
        write_torchscript(network, path, contract)

    monkeypatch.setattr(exporting, "TORCHSCRIPT", replace(exporting.TORCHSCRIPT, write=write))
    with pytest.raises(ModelError) as caught:
        export_model(model, ExportOptions(tmp_path / "models", torchscript=True))
    assert caught.value.reason == "GATE_NUMERIC"
    assert not (tmp_path / "models").exists()


def test_agreement_is_counted_by_hand() -> None:
    """Four pixels, one of them on the other side of 0; differences 0, 0.1, 0.2 and 0.3."""
    expected = (np.array([1.0, -1.0, 0.1, 2.0], dtype=np.float32),)
    given = (np.array([1.0, -0.9, -0.1, 2.3], dtype=np.float32),)
    parity = compare("engine", [(expected, given)], Tolerance(1.0, 1.0, 0.0, "logit"))
    assert parity.largest == pytest.approx(0.3, abs=1e-6)
    assert parity.mean == pytest.approx(0.15, abs=1e-6)
    assert parity.equal_share == 0.75
    without = compare("engine", [(expected, given)], Tolerance(0.15, 1.0, None, "intensity"))
    assert without.equal_share == 0.5


@pytest.mark.parametrize(
    ("parity", "passes"),
    [
        (Parity("e", 0.009, 0.0009, 0.9995), True),
        (Parity("e", 0.010, 0.0009, 0.9995), False),
        (Parity("e", 0.009, 0.0010, 0.9995), False),
        (Parity("e", 0.009, 0.0009, 0.9990), False),
        (Parity("e", float("nan"), 0.0009, 0.9995), False),
    ],
)
def test_every_limit_counts(parity: Parity, passes: bool) -> None:
    """A value at its limit fails, and so does one that is not a number."""
    assert parity.passes(Tolerance(0.01, 0.001, 0.0, "logit")) is passes


def test_large_tensors_are_fp16_in_the_file(
    model: ServedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the size on that is worth it no float initialiser is left; half the bytes travel through git."""
    monkeypatch.setattr(onnx_file, "HALF_FROM", 500)
    export_model(model, ExportOptions(tmp_path / "models"))
    kinds: dict[int, list[int]] = {TensorProto.FLOAT: [], TensorProto.FLOAT16: [], TensorProto.INT64: []}
    for tensor in onnx.load(tmp_path / "models" / "net" / "1" / "model.onnx").graph.initializer:
        kinds[tensor.data_type].append(int(np.prod(tensor.dims)))
    assert min(kinds[TensorProto.FLOAT16]) >= 500 > max(kinds[TensorProto.FLOAT])
