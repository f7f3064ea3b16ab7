"""Triton's `onnxruntime` backend as a Python-based backend, where NVIDIA's own is not at hand.

With this folder as `<backend directory>/onnxruntime`, a config.pbtxt that says `backend: "onnxruntime"` loads as it
does in NVIDIA's container. Each request runs as the batch it came as, never merged with another: the answer to a
request then depends on nothing else, and is that of the embedded engine bit by bit. (On CPUs merging gains nothing:
PERFORMANCE.md 8.)
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

# The backend's interpreter is the wheel's own stub, which knows no virtual environment.
sys.path.insert(0, os.environ["TRITON_SITE_PACKAGES"])

import onnxruntime
import triton_python_backend_utils as triton

ONLY_ERRORS = 3
"""onnxruntime's log level that leaves out its remarks about graphs."""


class TritonPythonModel:
    """One instance of one model version; Triton makes as many as instance_group asks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the network.

        Args:
            args: Triton's description of the instance: configuration as JSON, folder and version.
        """
        config: dict[str, Any] = json.loads(args["model_config"])
        self._inputs = [tensor["name"] for tensor in config["input"]]
        self._outputs = [tensor["name"] for tensor in config["output"]]
        instances = sum(max(group.get("count", 1), 1) for group in config.get("instance_group", [])) or 1
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ONLY_ERRORS
        options.intra_op_num_threads = max(1, (int(os.environ["TRITON_THREADS"]) or os.cpu_count() or 1) // instances)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            Path(args["model_repository"]) / args["model_version"] / "model.onnx",
            options,
            providers=["CPUExecutionProvider"],
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers each request, in order.

        Args:
            requests: Requests of `triton_python_backend_utils`.

        Returns:
            One response for each.
        """
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        if request.is_cancelled():
            return triton.InferenceResponse(error=triton.TritonError("cancelled", triton.TritonError.CANCELLED))
        arrays = {name: triton.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}
        try:
            answers = self._session.run(self._outputs, arrays)
        except Exception as error:  # noqa: BLE001 - one bad request must not take the instance down
            return triton.InferenceResponse(error=triton.TritonError(str(error)))
        return triton.InferenceResponse(
            [triton.Tensor(name, array) for name, array in zip(self._outputs, answers, strict=True)]
        )
