"""Tests of training.export.segmenter: the gate lets a faithful graph pass and stops a corrupted one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper

from gliosynth.errors import ModelError
from gliosynth.labels import Region
from training.export import segmenter as exporting
from training.export.segmenter import config_text, export, gate, write_onnx
from training.loop.run_folder import save_weights
from training.networks.unet2d import UNet2d, UNet2dSpec
from training.segmentation.presets import PRESETS

SPEC = UNet2dSpec(4, (4, 6, 8, 10))


@pytest.fixture
def network() -> UNet2d:
    """A tiny network whose batch norms have seen data."""
    torch.manual_seed(0)
    made = UNet2d(SPEC)
    for _ in range(3):
        made(torch.randn(4, 4, 32, 32) * 2)
    return made.eval()


@pytest.fixture
def weights(network: UNet2d, tmp_path: Path) -> Path:
    """The tiny network as a run folder holds it."""
    options = {"region": "TC", "steps": 3, "minutes": None, "batch": 4, "learning_rate": 0.1, "seed": 0}
    options |= {"simulator_seed": 1, "evaluate_every": 1, "warm_start": ""}
    facts: dict[str, object] = {"step": 3, "elapsed_s": 1.0, "validation": {"shifted": 0.5}, "options": options}
    save_weights(tmp_path / "best.safetensors", network, facts)
    return tmp_path / "best.safetensors"


def test_exported_graph_equals_torch_on_other_shapes_and_batches(
    network: UNet2d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch, height and width are dynamic; fp16 weights stay inside the gate."""
    monkeypatch.setattr(exporting, "HALF_FROM", 0)
    write_onnx(network, tmp_path / "model.onnx")
    inputs = np.random.default_rng(0).normal(size=(5, 4, 48, 80)).astype(np.float32)
    parities = gate(network, tmp_path / "model.onnx", inputs)
    assert [parity.engine.split()[0] for parity in parities] == ["onnxruntime", "OpenVINO"]
    assert 0 < parities[0].largest_difference < 0.01


def test_large_tensors_are_fp16_in_the_file(network: UNet2d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the size on that is worth it no float initialiser is left; half the bytes travel through git."""
    monkeypatch.setattr(exporting, "HALF_FROM", 500)
    write_onnx(network, tmp_path / "model.onnx")
    tensors = onnx.load(tmp_path / "model.onnx").graph.initializer
    kinds = {TensorProto.FLOAT: [], TensorProto.FLOAT16: [], TensorProto.INT64: []}
    for tensor in tensors:
        kinds[tensor.data_type].append(int(np.prod(tensor.dims)))
    assert min(kinds[TensorProto.FLOAT16]) >= 500 > max(kinds[TensorProto.FLOAT])


def test_a_corrupted_graph_fails_the_gate(network: UNet2d, tmp_path: Path) -> None:
    """A head whose weights are scaled by 1.5 must not be served."""
    path = tmp_path / "model.onnx"
    write_onnx(network, path)
    model = onnx.load(path)
    victim = next(tensor for tensor in model.graph.initializer if tensor.name == "head.weight")
    victim.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(victim) * np.float32(1.5), victim.name))
    onnx.save(model, path)
    inputs = np.random.default_rng(0).normal(size=(2, 4, 32, 32)).astype(np.float32)
    with pytest.raises(ModelError, match="differs from torch"):
        gate(network, path, inputs)


def test_export_writes_a_model_the_repository_can_serve(
    weights: Path, validation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Model, configuration and card appear together, with the channel names the caller must build."""
    monkeypatch.setitem(exporting.PRESETS, Region.TC, replace(PRESETS[Region.TC], spec=SPEC))
    real = tmp_path / "real.json"
    case = {"id": "case", "dice": {"TC": 0.7}, "baseline_dice": {"TC": 0.4}}
    real.write_text(json.dumps({"cases": [case], "mean": {}}))
    export(Region.TC, weights=weights, validation=validation, repository=tmp_path / "models", real=real)
    made = tmp_path / "models" / "segmenter_tc"
    assert (made / "1" / "model.onnx").stat().st_size > 0
    assert 'string_value: "t1c-t1n,t1c,t2w,t2f"' in (made / "config.pbtxt").read_text()
    assert "| case | 0.700 | 0.400 |" in (made / "card.md").read_text()


def test_a_failed_gate_leaves_the_repository_as_it_was(
    weights: Path, validation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An impossible tolerance refuses the export before anything is written."""
    monkeypatch.setitem(exporting.PRESETS, Region.TC, replace(PRESETS[Region.TC], spec=SPEC))
    monkeypatch.setattr(exporting, "LOGIT_TOLERANCE", 0.0)
    with pytest.raises(ModelError):
        export(Region.TC, weights=weights, validation=validation, repository=tmp_path / "models", real=None)
    assert not (tmp_path / "models").exists()


def test_configuration_names_what_the_service_needs() -> None:
    """Batch limit, dynamic size, and the parameters the cascade reads."""
    text = config_text(PRESETS[Region.WT])
    for part in ('name: "segmenter_wt"', "max_batch_size: 16", "dims: [ 4, -1, -1 ]", '"t1n,t1c,t2w,t2f"', '"0.5"'):
        assert part in text
