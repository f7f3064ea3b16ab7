"""The fast engine on CPUs: OpenVINO in this process, with its precision always named."""

import os
from collections.abc import Callable
from importlib.metadata import version
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
import openvino

from gliosynth.errors import InvalidParameterError, ModelError
from services.runtime.inference.embedded import EmbeddedEngine, RunNetwork, check_network_tensors
from services.runtime.inference.engine import EngineIdentity, EngineSettings, Precision, Tensors
from services.runtime.inference.repository import ModelEntry, ModelRepository

CAPABILITIES: Final[dict[Precision, str]] = {"fp32": "FP32", "bf16": "BF16"}
"""OpenVINO's name of the capability that each precision needs."""

PRECISION_HINTS: Final[dict[Precision, str]] = {"fp32": "f32", "bf16": "bf16"}
"""OpenVINO's name of each precision."""

DEVICE: Final = "CPU"
"""OpenVINO's name of the device."""


class OpenVinoEngine(EmbeddedEngine):
    """Runs the same ONNX files with OpenVINO; its silent default (bf16 where the CPU has it) is never used."""

    def __init__(self, repository: ModelRepository, settings: EngineSettings) -> None:
        """Opens nothing yet.

        Args:
            repository: The models.
            settings: How to use the machine.

        Raises:
            InvalidParameterError: The device is not cpu (UNSUPPORTED_DEVICE).
            ModelError: This CPU does not compute in the precision (UNSUPPORTED_PRECISION).
        """
        super().__init__(repository, settings)
        self._core = openvino.Core()
        if settings.device != "cpu":
            raise InvalidParameterError(
                f"the openvino engine runs on cpu, not {settings.device}; use onnxruntime for cuda",
                field="device",
                got=settings.device,
                reason="UNSUPPORTED_DEVICE",
            )
        if CAPABILITIES[settings.precision] not in self._core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES"):
            raise ModelError(
                f"this CPU does not compute in {settings.precision}; use the precision fp32",
                field="precision",
                got=settings.precision,
                reason="UNSUPPORTED_PRECISION",
            )

    def identity(self) -> EngineIdentity:
        """Returns which engine this is."""
        return EngineIdentity("openvino", version("openvino"), self._settings.precision, self._settings.device)

    def open_network(self, entry: ModelEntry, *, streams: int) -> RunNetwork:
        """Returns a function that runs the network, see `EmbeddedEngine.open_network`."""
        options = {
            "INFERENCE_PRECISION_HINT": PRECISION_HINTS[self._settings.precision],
            "INFERENCE_NUM_THREADS": self._settings.threads or os.cpu_count() or 1,
            "NUM_STREAMS": str(streams),
        }
        try:
            compiled = self._core.compile_model(self._core.read_model(entry.model_file), DEVICE, options)
        except RuntimeError as error:
            raise ModelError(
                f"model {entry.name} version {entry.version} cannot be loaded: {error}",
                field=entry.name,
                reason="MODEL_NOT_LOADABLE",
            ) from error
        wanted = {spec.name for spec in (*entry.config.inputs, *entry.config.outputs)}
        outputs = [_name_of(tensor.names, wanted) for tensor in compiled.outputs]
        inputs = {_name_of(tensor.names, wanted) for tensor in compiled.inputs}
        check_network_tensors(entry.config, inputs=inputs, outputs=set(outputs))
        return _runner(compiled.create_infer_request, names=outputs, count=streams)


def _name_of(names: set[str], wanted: set[str]) -> str:
    """Returns the name of a tensor that is wanted; one has several where OpenVINO removed what does nothing."""
    return min(names & wanted or names)


def _runner(create_request: Callable[[], Any], *, names: list[str], count: int) -> RunNetwork:
    """Returns a function that runs one of several requests that are free; one request serves one thread at a time."""
    idle: SimpleQueue[Any] = SimpleQueue()
    for _ in range(count):
        idle.put(create_request())

    def run(inputs: Tensors) -> Tensors:
        request = idle.get()
        try:
            request.infer({name: np.ascontiguousarray(array) for name, array in inputs.items()}, share_inputs=True)
            # The request's buffers are used again, so the answer is copied out of them.
            return {name: request.get_tensor(name).data.copy() for name in names}
        finally:
            idle.put(request)

    return run
