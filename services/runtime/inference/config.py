"""Reads config.pbtxt: Triton's own model configuration, so that every engine serves the very same folder.

Tensors, batch limit, versions, instance counts, warm-up sizes, parameters and the steps of ensembles are honoured by
every engine. Two fields are Triton's alone and passed over here: the *kind* of an instance group, because the device of
an embedded engine is a setting of the service, and ``dynamic_batching``, because an embedded engine never joins
requests: on the CPUs that it runs on a larger batch is no faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from google.protobuf import text_format
from numpy.typing import DTypeLike
from tritonclient.grpc import model_config_pb2

from gliosynth.errors import ModelError

DTYPES: Final[Mapping[str, type[np.generic]]] = {
    "TYPE_BOOL": np.bool_,
    "TYPE_UINT8": np.uint8,
    "TYPE_INT8": np.int8,
    "TYPE_INT16": np.int16,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_FP16": np.float16,
    "TYPE_FP32": np.float32,
    "TYPE_FP64": np.float64,
}
"""NumPy's name of each data type of config.pbtxt that a model here may use."""

NEWEST: Final = -1
"""Version of an ensemble step that means: the newest that is served."""

PLATFORM_BACKENDS: Final = {"onnxruntime_onnx": "onnxruntime", "pytorch_libtorch": "pytorch"}
"""Backend of each platform, as files of earlier days name it."""

ENSEMBLE_PLATFORM: Final = "ensemble"
"""Platform of a model that consists of other models."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: Its name in the model.
        dtype: Its data type.
        dims: Its shape without the batch axis; -1 where any size goes.
    """

    name: str
    dtype: np.dtype[np.generic]
    dims: tuple[int, ...]

    def accepts(self, dtype: DTypeLike, dims: tuple[int, ...]) -> bool:
        """Returns whether a tensor of this dtype and shape (without batch axis) fits."""
        sizes_fit = len(dims) == len(self.dims) and all(
            size == wanted or wanted == -1 for size, wanted in zip(dims, self.dims, strict=True)
        )
        return np.dtype(dtype) == self.dtype and sizes_fit


@dataclass(frozen=True)
class VersionPolicy:
    """Which version folders are served.

    Attributes:
        newest_count: The newest this many, or 0 for no such limit.
        specific: Exactly these, or empty for no such limit.
    """

    newest_count: int = 1
    specific: tuple[int, ...] = ()

    def served(self, available: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the versions that are served, newest first.

        Args:
            available: Versions that have a folder, in any order.
        """
        newest_first = sorted(available, reverse=True)
        if self.specific:
            return tuple(version for version in newest_first if version in self.specific)
        return tuple(newest_first[: self.newest_count] if self.newest_count else newest_first)


@dataclass(frozen=True)
class EnsembleStep:
    """One model of an ensemble.

    Attributes:
        model: Its name.
        version: Its version, or `NEWEST`.
        inputs: Pairs of the model's input and the ensemble's tensor that feeds it.
        outputs: Pairs of the model's output and the ensemble's tensor that it makes.
    """

    model: str
    version: int
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ModelConfig:
    """What a config.pbtxt says.

    Attributes:
        name: The model's name, equal to its folder's.
        backend: ``"onnxruntime"``, ``"pytorch"`` (TorchScript, which Triton alone serves), or ``"ensemble"``.
        max_batch_size: The most samples at once; 0 for a model without a batch axis.
        inputs: In the order of the file.
        outputs: In the order of the file.
        version_policy: Which version folders are served.
        instance_count: How many executions may run at the same time.
        parameters: Free text by name, such as ``channels`` and ``threshold``.
        steps: The models of an ensemble; empty for any other model.
        warm_dims: Shape without the batch axis of the sample that warms each input, where the file names one.
    """

    name: str
    backend: str
    max_batch_size: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    version_policy: VersionPolicy
    instance_count: int
    parameters: Mapping[str, str]
    steps: tuple[EnsembleStep, ...]
    warm_dims: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def is_ensemble(self) -> bool:
        """Whether the model consists of other models."""
        return self.backend == ENSEMBLE_PLATFORM


def read_config(path: Path) -> ModelConfig:
    """Returns what a config.pbtxt says.

    Args:
        path: The file; its folder has the model's name.

    Raises:
        ModelError: The file is missing, is not a model configuration, or breaks a rule (BAD_CONFIG).
    """
    name = path.parent.name
    try:
        message = text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
    except FileNotFoundError:
        raise _bad_config(name, "the folder has no config.pbtxt") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise _bad_config(name, f"config.pbtxt cannot be read: {error}") from error
    if message.name not in ("", name):
        raise _bad_config(name, f"config.pbtxt names the model {message.name!r}, but the folder is {name!r}")
    return config_of_message(message, name=name)


def config_of_message(message: model_config_pb2.ModelConfig, *, name: str) -> ModelConfig:
    """Returns a configuration from Triton's own message, of a file or of a running server.

    Args:
        message: The message.
        name: The model's name.

    Raises:
        ModelError: A tensor has no name, an unknown data type or no shape, or there is none (BAD_CONFIG).
    """
    if not message.input or not message.output:
        raise _bad_config(name, "it names no input or no output")
    backend = message.backend or PLATFORM_BACKENDS.get(message.platform, message.platform)
    return ModelConfig(
        name=name,
        backend=backend,
        max_batch_size=message.max_batch_size,
        inputs=tuple(_tensor_spec(tensor, name=name) for tensor in message.input),
        outputs=tuple(_tensor_spec(tensor, name=name) for tensor in message.output),
        version_policy=_version_policy(message.version_policy),
        instance_count=sum(max(group.count, 1) for group in message.instance_group) or 1,
        parameters={key: value.string_value for key, value in message.parameters.items()},
        steps=tuple(_ensemble_step(step) for step in message.ensemble_scheduling.step),
        warm_dims=_warm_dims(message, name=name),
    )


def _warm_dims(message: model_config_pb2.ModelConfig, *, name: str) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the first warm-up sample; Triton alone runs those after it."""
    specs = {tensor.name: tuple(tensor.dims) for tensor in message.input}
    found = {key: tuple(tensor.dims) for sample in message.model_warmup[:1] for key, tensor in sample.inputs.items()}
    for key, dims in found.items():
        wanted = specs.get(key, ())
        if len(dims) != len(wanted) or any(size != free for size, free in zip(dims, wanted, strict=True) if free != -1):
            raise _bad_config(name, f"its model_warmup gives {key!r} dims {list(dims)}, the input has {list(wanted)}")
    return found


def _tensor_spec(tensor: model_config_pb2.ModelInput, *, name: str) -> TensorSpec:
    type_name = model_config_pb2.DataType.Name(tensor.data_type)
    if not tensor.name or type_name not in DTYPES or not tensor.dims:
        raise _bad_config(name, f"tensor {tensor.name!r} has data type {type_name} and dims {list(tensor.dims)}")
    return TensorSpec(name=tensor.name, dtype=np.dtype(DTYPES[type_name]), dims=tuple(tensor.dims))


def _version_policy(message: model_config_pb2.ModelVersionPolicy) -> VersionPolicy:
    if message.HasField("all"):
        return VersionPolicy(newest_count=0)
    if message.HasField("specific"):
        return VersionPolicy(newest_count=0, specific=tuple(message.specific.versions))
    return VersionPolicy(newest_count=max(message.latest.num_versions, 1))


def _ensemble_step(step: model_config_pb2.ModelEnsembling.Step) -> EnsembleStep:
    return EnsembleStep(
        model=step.model_name,
        version=step.model_version or NEWEST,
        inputs=tuple(sorted(step.input_map.items())),
        outputs=tuple(sorted(step.output_map.items())),
    )


def _bad_config(name: str, why: str) -> ModelError:
    return ModelError(
        f"model {name}: {why}; correct its config.pbtxt in the model repository",
        field=name,
        got=why[:80],
        reason="BAD_CONFIG",
    )
