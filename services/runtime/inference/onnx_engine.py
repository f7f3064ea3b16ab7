"""The reference engine: onnxruntime in this process, on CPUs or (onnxruntime-gpu) on CUDA."""

import os
from typing import Final

import numpy as np
import onnxruntime

from gliosynth.errors import InvalidParameterError, ModelError
from services.runtime.inference.embedded import EmbeddedEngine, RunNetwork, check_network_tensors
from services.runtime.inference.engine import EngineIdentity, EngineSettings, Tensors
from services.runtime.inference.repository import ModelEntry, ModelRepository

PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""onnxruntime's name of each device."""

ONLY_ERRORS: Final = 3
"""onnxruntime's log level that leaves out its remarks about graphs."""


class OnnxEngine(EmbeddedEngine):
    """Runs networks with onnxruntime in fp32; weights stored as fp16 are cast once, when a network is opened."""

    def __init__(self, repository: ModelRepository, settings: EngineSettings) -> None:
        """Opens nothing yet.

        Args:
            repository: The models.
            settings: How to use the machine.

        Raises:
            InvalidParameterError: The precision is not fp32 (UNSUPPORTED_PRECISION).
            ModelError: This onnxruntime has no such device (UNSUPPORTED_DEVICE).
        """
        super().__init__(repository, settings)
        if settings.precision != "fp32":
            raise InvalidParameterError(
                f"onnxruntime runs these networks in fp32, not {settings.precision}; use the openvino engine for bf16",
                field="precision",
                got=settings.precision,
                reason="UNSUPPORTED_PRECISION",
            )
        if PROVIDERS[settings.device] not in onnxruntime.get_available_providers():
            raise ModelError(
                f"this onnxruntime has no device {settings.device}; install the extra gpu, or use the device cpu",
                field="device",
                got=settings.device,
                reason="UNSUPPORTED_DEVICE",
            )

    def identity(self) -> EngineIdentity:
        """Returns which engine this is."""
        return EngineIdentity("onnxruntime", onnxruntime.__version__, "fp32", self._settings.device)

    def open_network(self, entry: ModelEntry, *, streams: int) -> RunNetwork:
        """Returns a function that runs the network, see `EmbeddedEngine.open_network`."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ONLY_ERRORS
        options.intra_op_num_threads = max(1, (self._settings.threads or os.cpu_count() or 1) // streams)
        # Several networks share the cores: a pool that spins after its work would slow the next one down.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(
                entry.model_file, options, providers=[PROVIDERS[self._settings.device]]
            )
        except Exception as error:  # its exceptions share no public base class
            raise ModelError(
                f"model {entry.name} version {entry.version} cannot be loaded: {error}",
                field=entry.name,
                reason="MODEL_NOT_LOADABLE",
            ) from error
        names = [output.name for output in session.get_outputs()]
        check_network_tensors(entry.config, inputs={tensor.name for tensor in session.get_inputs()}, outputs=set(names))

        def run(inputs: Tensors) -> Tensors:
            arrays = session.run(names, {name: np.ascontiguousarray(array) for name, array in inputs.items()})
            return dict(zip(names, arrays, strict=True))

        return run
