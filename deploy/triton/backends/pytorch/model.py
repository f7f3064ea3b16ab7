"""Triton's `pytorch` backend as a Python-based backend, where NVIDIA's own is not at hand.

With this folder as `<backend directory>/pytorch`, a config.pbtxt that says `backend: "pytorch"` loads the TorchScript
of `model.pt` as it does in NVIDIA's container: inputs go to `forward` and outputs come from it in the configuration's
order. Each request runs as the batch it came as, see the `onnxruntime` backend beside this one.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

# The backend's interpreter is the wheel's own stub, which knows no virtual environment. Torch comes last: what both
# environments have (numpy) must be the one that Triton's Python backend was compiled against.
sys.path.insert(0, os.environ["TRITON_SITE_PACKAGES"])
if os.environ["TRITON_TORCH_PACKAGES"]:
    sys.path.append(os.environ["TRITON_TORCH_PACKAGES"])

import torch
import triton_python_backend_utils as triton
from torch.utils.dlpack import from_dlpack, to_dlpack


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
        torch.set_num_threads(max(1, (int(os.environ["TRITON_THREADS"]) or os.cpu_count() or 1) // instances))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._network = torch.jit.load(str(Path(args["model_repository"]) / args["model_version"] / "model.pt"))

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
        tensors = [from_dlpack(triton.get_input_tensor_by_name(request, name).to_dlpack()) for name in self._inputs]
        try:
            with torch.no_grad():
                answer = self._network(*tensors)
        except Exception as error:  # noqa: BLE001 - one bad request must not take the instance down
            return triton.InferenceResponse(error=triton.TritonError(str(error)))
        answers = [answer] if isinstance(answer, torch.Tensor) else list(answer)
        return triton.InferenceResponse(
            [
                triton.Tensor.from_dlpack(name, to_dlpack(one.contiguous()))
                for name, one in zip(self._outputs, answers, strict=True)
            ]
        )
