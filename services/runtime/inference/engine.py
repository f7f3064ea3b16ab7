"""What every inference engine offers, and the checks that all of them make."""

from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError, ModelError
from services.runtime.inference.config import ModelConfig, TensorSpec
from services.runtime.inference.repository import ModelEntry

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by the name of a model's input or output; the first axis is the batch where max_batch_size is above 0."""

Precision = Literal["fp32", "bf16"]
"""Arithmetic of the network's layers. Never left to an engine's default, which differs between machines."""

WARM_SIZE: Final = 64
"""Size of every free axis in the sample that warms a model whose config.pbtxt names no warm-up: a multiple of 16."""

WARM_TIMEOUT_S: Final = 120.0
"""Seconds that a model may take for its first answer."""


@dataclass(frozen=True)
class EngineIdentity:
    """Which engine computes the answers.

    Attributes:
        name: ``"onnxruntime"``, ``"openvino"`` or ``"triton"``.
        version: The engine's own version.
        precision: ``"fp32"``, ``"bf16"``, or ``"server"`` where another process decides.
        device: ``"cpu"``, ``"cuda"``, or the address of the server.
    """

    name: str
    version: str
    precision: str
    device: str


@dataclass(frozen=True)
class EngineSettings:
    """How an embedded engine uses the machine.

    Attributes:
        threads: Threads of all executions of a model together; 0 for every core.
        streams: Executions of a model at the same time; 0 for the instance count of its config.pbtxt.
        precision: Arithmetic of the layers.
        device: ``"cpu"``, or ``"cuda"`` (onnxruntime-gpu).
    """

    threads: int = 0
    streams: int = 0
    precision: Precision = "fp32"
    device: Literal["cpu", "cuda"] = "cpu"


class LoadedModel(Protocol):
    """A model that answers."""

    @property
    def entry(self) -> ModelEntry:
        """Which model, version and digest it is, and its configuration."""
        ...

    def submit(self, inputs: Tensors, *, timeout_s: float | None = None) -> "Future[Tensors]":
        """Starts one execution and returns at once.

        Args:
            inputs: One array for each input of the configuration.
            timeout_s: Seconds that are left to the caller; later the work is not begun. None: any time.

        Returns:
            A future of one array for each output. Cancelling it stops what has not begun; Triton stops the rest too.
            It fails with `DeadlineExceededError`, `CancelledError` or `ModelError`.

        Raises:
            InvalidParameterError: The inputs do not match the configuration (BAD_MODEL_INPUT).
        """
        ...


class Engine(Protocol):
    """Something that serves the models of a repository."""

    def identity(self) -> EngineIdentity:
        """Returns which engine this is, for the answers' lineage."""
        ...

    def load(self, name: str, version: str = "") -> LoadedModel:
        """Returns a model that answers; the same one when it was loaded before.

        Args:
            name: The model.
            version: Its version, or ``""`` for the newest.

        Raises:
            UnknownModelError: The repository has no such model or version.
            ModelError: It is there and cannot be loaded.
        """
        ...

    def warm(self, model: LoadedModel) -> None:
        """Lets a model answer once, so that the first caller does not wait for it.

        Args:
            model: A loaded model.

        Raises:
            ModelError: It does not answer, or outside its configuration.
        """
        ...

    def close(self) -> None:
        """Ends the threads and connections; what was submitted is finished first."""
        ...


def check_inputs(config: ModelConfig, inputs: Tensors) -> None:
    """Refuses inputs that a model does not take.

    Args:
        config: The model's configuration.
        inputs: Arrays by name.

    Raises:
        InvalidParameterError: A tensor is missing, unknown, or of another dtype, shape or batch (BAD_MODEL_INPUT).
    """
    problem = _mismatch(config, config.inputs, inputs)
    if problem:
        raise InvalidParameterError(
            f"model {config.name}: {problem}; see its config.pbtxt",
            field=config.name,
            got=problem[:80],
            reason="BAD_MODEL_INPUT",
        )


def check_outputs(config: ModelConfig, outputs: Tensors) -> None:
    """Refuses an answer outside a model's configuration.

    Args:
        config: The model's configuration.
        outputs: Arrays by name.

    Raises:
        ModelError: A tensor is missing, unknown, or of another dtype or shape (BAD_MODEL_OUTPUT).
    """
    problem = _mismatch(config, config.outputs, outputs)
    if problem:
        raise ModelError(
            f"model {config.name} answers outside its configuration: {problem}; export it again or correct its"
            " config.pbtxt",
            field=config.name,
            got=problem[:80],
            reason="BAD_MODEL_OUTPUT",
        )


def _mismatch(config: ModelConfig, specs: tuple[TensorSpec, ...], tensors: Tensors) -> str:
    """Returns what is wrong with the tensors, or an empty string."""
    wanted = {spec.name for spec in specs}
    if set(tensors) != wanted:
        return f"tensors {sorted(tensors)} were given, {sorted(wanted)} are expected"
    batched = config.max_batch_size > 0
    for spec in specs:
        array = tensors[spec.name]
        if batched and not 1 <= (len(array) if array.ndim else 0) <= config.max_batch_size:
            return f"tensor {spec.name} has shape {array.shape}, the batch must be 1 to {config.max_batch_size}"
        if not spec.accepts(array.dtype, array.shape[1:] if batched else array.shape):
            axes = ("batch", *map(str, spec.dims)) if batched else tuple(map(str, spec.dims))
            return f"tensor {spec.name} is {array.dtype} {array.shape}, expected {spec.dtype} ({', '.join(axes)})"
    if batched and len({len(tensors[spec.name]) for spec in specs}) > 1:
        return "the tensors differ in their batch size"
    return ""


def answer_once(model: LoadedModel) -> None:
    """Lets a model answer one sample of zeros, of the size that its config.pbtxt names in ``model_warmup``.

    Args:
        model: A loaded model.

    Raises:
        ModelError: It does not answer in time (WARM_UP_FAILED), or outside its configuration.
    """
    config = model.entry.config
    batch = (1,) if config.max_batch_size > 0 else ()
    sample = {
        spec.name: np.zeros(
            (*batch, *config.warm_dims.get(spec.name, (WARM_SIZE if size == -1 else size for size in spec.dims))),
            dtype=spec.dtype,
        )
        for spec in config.inputs
    }
    try:
        model.submit(sample, timeout_s=WARM_TIMEOUT_S).result(timeout=WARM_TIMEOUT_S)
    except FutureTimeoutError as error:
        raise ModelError(
            f"model {config.name} did not answer its first sample within {WARM_TIMEOUT_S:g} s; look at the engine's"
            " log",
            field=config.name,
            reason="WARM_UP_FAILED",
        ) from error
