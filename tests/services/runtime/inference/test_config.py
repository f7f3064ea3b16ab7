"""Tests of reading config.pbtxt."""

from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import ModelError
from services.runtime.inference.config import NEWEST, TensorSpec, VersionPolicy, read_config

TEXT = """
name: "net"
platform: "onnxruntime_onnx"
max_batch_size: 16
input [
  { name: "contrasts" data_type: TYPE_FP32 dims: [ 4, -1, -1 ] },
  { name: "age" data_type: TYPE_INT64 dims: [ 1 ] }
]
output [ { name: "logits" data_type: TYPE_FP16 dims: [ 1, -1, -1 ] } ]
instance_group [ { count: 2 kind: KIND_CPU }, { kind: KIND_CPU } ]
parameters { key: "threshold" value: { string_value: "0.5" } }
"""


def write(tmp_path: Path, text: str) -> Path:
    """Returns the file net/config.pbtxt with a text."""
    path = tmp_path / "net" / "config.pbtxt"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_every_field_that_matters_is_read(tmp_path: Path) -> None:
    """Names, shapes, dtypes, batch, instances and parameters; the platform's name becomes the backend's."""
    config = read_config(write(tmp_path, TEXT))
    assert config.inputs == (
        TensorSpec("contrasts", np.dtype(np.float32), (4, -1, -1)),
        TensorSpec("age", np.dtype(np.int64), (1,)),
    )
    assert config.outputs == (TensorSpec("logits", np.dtype(np.float16), (1, -1, -1)),)
    assert (config.name, config.backend, config.max_batch_size) == ("net", "onnxruntime", 16)
    assert (config.instance_count, dict(config.parameters)) == (3, {"threshold": "0.5"})
    assert config.version_policy == VersionPolicy(newest_count=1)
    assert not config.is_ensemble


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("", (10,)),
        ("version_policy: { latest { num_versions: 2 } }", (10, 3)),
        ("version_policy: { all { } }", (10, 3, 1)),
        ("version_policy: { specific { versions: [ 1, 3, 7 ] } }", (3, 1)),
    ],
)
def test_version_policy_serves_the_newest_first(policy: str, served: tuple[int, ...], tmp_path: Path) -> None:
    """Versions are numbers: 10 is newer than 3."""
    config = read_config(write(tmp_path, TEXT + policy))
    assert config.version_policy.served((3, 10, 1)) == served


def test_steps_of_an_ensemble_are_read(tmp_path: Path) -> None:
    """Maps become pairs, version -1 and none both mean the newest."""
    steps = """
    ensemble_scheduling { step [ { model_name: "a" input_map { key: "x" value: "contrasts" }
    output_map { key: "y" value: "logits" } }, { model_name: "b" model_version: 2 } ] }
    """
    config = read_config(write(tmp_path, TEXT.replace("onnxruntime_onnx", "ensemble") + steps))
    assert config.is_ensemble
    assert [(step.model, step.version) for step in config.steps] == [("a", NEWEST), ("b", 2)]
    assert config.steps[0].inputs == (("x", "contrasts"),)
    assert config.steps[0].outputs == (("y", "logits"),)


@pytest.mark.parametrize(
    "text",
    [
        "name: ",
        'unknown_field: "x"',
        TEXT.replace('"net"', '"other"'),
        TEXT.replace("TYPE_FP32", "TYPE_STRING"),
        TEXT.replace("dims: [ 1 ]", ""),
        'name: "net" max_batch_size: 1',
    ],
    ids=["syntax", "unknown field", "name of another folder", "dtype", "no dims", "no tensors"],
)
def test_configuration_that_cannot_be_served_is_refused(text: str, tmp_path: Path) -> None:
    """Each names the model and says what to correct."""
    with pytest.raises(ModelError, match=r"model net: .* correct its config\.pbtxt") as caught:
        read_config(write(tmp_path, text))
    assert caught.value.reason == "BAD_CONFIG"


def test_missing_configuration_is_refused(tmp_path: Path) -> None:
    """A folder without config.pbtxt is no model."""
    with pytest.raises(ModelError, match=r"no config\.pbtxt"):
        read_config(tmp_path / "net" / "config.pbtxt")


@pytest.mark.parametrize(
    ("dtype", "dims", "fits"),
    [
        (np.float32, (4, 16, 48), True),
        (np.float32, (3, 16, 48), False),
        (np.float32, (4, 16), False),
        (np.float64, (4, 16, 48), False),
    ],
)
def test_tensor_accepts_its_dtype_and_free_sizes(dtype: type[np.generic], dims: tuple[int, ...], fits: bool) -> None:
    """-1 takes any size, other sizes are exact."""
    assert TensorSpec("x", np.dtype(np.float32), (4, -1, -1)).accepts(dtype, dims) is fits


WARM_UP = """
model_warmup [ {{ name: "zeros" batch_size: 1 inputs [
  {{ key: "contrasts" value: {{ data_type: TYPE_FP32 dims: [ {dims} ] zero_data: true }} }} ] }} ]
"""


def test_warm_up_names_the_size_of_the_first_sample(tmp_path: Path) -> None:
    """144 x 176 where the input takes any size; without a warm-up there is none."""
    config = read_config(write(tmp_path, TEXT + WARM_UP.format(dims="4, 144, 176")))
    assert dict(config.warm_dims) == {"contrasts": (4, 144, 176)}
    (tmp_path / "net" / "config.pbtxt").write_text(TEXT)
    assert dict(read_config(tmp_path / "net" / "config.pbtxt").warm_dims) == {}


@pytest.mark.parametrize("dims", ["3, 144, 176", "4, 144"])
def test_warm_up_that_does_not_fit_its_input_is_refused(dims: str, tmp_path: Path) -> None:
    """Triton would refuse it when it loads the model."""
    with pytest.raises(ModelError, match="model_warmup"):
        read_config(write(tmp_path, TEXT + WARM_UP.format(dims=dims)))
