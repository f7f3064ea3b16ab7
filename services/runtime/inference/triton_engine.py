"""The engine on another machine: NVIDIA Triton over gRPC, several requests in flight."""

import threading
from concurrent.futures import Future
from typing import Any, Final, NoReturn

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from gliosynth.errors import CancelledError, DeadlineExceededError, ModelError, UnknownModelError
from services.runtime.inference.config import ModelConfig, config_of_message
from services.runtime.inference.engine import (
    EngineIdentity,
    LoadedModel,
    Tensors,
    answer_once,
    check_inputs,
    check_outputs,
)
from services.runtime.inference.repository import ModelEntry, ModelRepository

CALL_TIMEOUT_S: Final = 10.0
"""Seconds that a question about the server or a model may take."""


class TritonModel:
    """A model that a Triton server runs."""

    def __init__(self, entry: ModelEntry, client: "_Client") -> None:
        """Asks nothing yet.

        Args:
            entry: Which model it is.
            client: The connection.
        """
        self.entry = entry
        self._client = client

    def submit(self, inputs: Tensors, *, timeout_s: float | None = None) -> "Future[Tensors]":
        """Starts one request, see `LoadedModel.submit`; the deadline and a cancellation reach the server."""
        check_inputs(self.entry.config, inputs)
        if timeout_s is not None and timeout_s <= 0:
            raise DeadlineExceededError(f"the deadline passed before model {self.entry.name} could begin")
        return self._client.start(self.entry, inputs, timeout_s=timeout_s)


class TritonEngine:
    """Serves the models of a repository that a Triton server has loaded from the same files."""

    def __init__(self, repository: ModelRepository, url: str) -> None:
        """Connects to the server.

        Triton tells no digest, so the digests of the answers are those of `repository`: both must read the same files.
        What can be compared is compared when a model is loaded: tensors, batch size, parameters.

        Args:
            repository: The models that the server was started with.
            url: ``host:port`` of its gRPC.

        Raises:
            ModelError: It cannot be reached (TRITON_UNREACHABLE).
        """
        self._repository = repository
        self._client = _Client(url)
        self._identity = EngineIdentity("triton", self._client.server_version(), "server", url)

    def identity(self) -> EngineIdentity:
        """Returns which engine this is."""
        return self._identity

    def load(self, name: str, version: str = "") -> LoadedModel:
        """Returns a model that the server has ready, see `Engine.load`."""
        entry = self._repository.find(name, version)
        served = self._client.config_of(entry)
        if _contract(served) != _contract(entry.config):
            raise ModelError(
                f"Triton serves another configuration of model {entry.name} than the repository {self._repository.root}"
                " holds; start both from the same files",
                field=entry.name,
                got=str(_contract(served))[:80],
                reason="CONFIG_MISMATCH",
            )
        return TritonModel(entry, self._client)

    def warm(self, model: LoadedModel) -> None:
        """Lets a model answer once, see `Engine.warm`."""
        answer_once(model)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()


def _contract(config: ModelConfig) -> tuple[object, ...]:
    """Returns what must agree between two configurations of a model."""
    return config.inputs, config.outputs, config.max_batch_size, dict(config.parameters), config.steps


class _Client:
    """Triton's client with gliosynth's errors."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = triton.InferenceServerClient(url)
        # Its async_infer keeps the call in an attribute between two statements, so two threads would mix up callbacks.
        self._starting = threading.Lock()

    def server_version(self) -> str:
        try:
            return str(self._client.get_server_metadata(client_timeout=CALL_TIMEOUT_S).version)
        except InferenceServerException as error:
            raise ModelError(
                f"no Triton server answers at {self._url}: {error.message()}; start it or correct the address",
                field="triton_url",
                got=self._url,
                reason="TRITON_UNREACHABLE",
            ) from error

    def config_of(self, entry: ModelEntry) -> ModelConfig:
        try:
            answer = self._client.get_model_config(entry.name, str(entry.version), client_timeout=CALL_TIMEOUT_S)
        except InferenceServerException as error:
            _raise_error(error, entry)
        return config_of_message(answer.config, name=entry.name)

    def start(self, entry: ModelEntry, inputs: Tensors, *, timeout_s: float | None) -> "Future[Tensors]":
        future = _TritonFuture(entry)
        outputs = [triton.InferRequestedOutput(spec.name) for spec in entry.config.outputs]
        requests = [_request_tensor(spec.name, inputs[spec.name]) for spec in entry.config.inputs]
        with self._starting:
            future.call = self._client.async_infer(
                entry.name,
                requests,
                future.settle,
                model_version=str(entry.version),
                outputs=outputs,
                client_timeout=timeout_s,
            )
        return future

    def close(self) -> None:
        self._client.close()


def _request_tensor(name: str, array: np.ndarray[Any, Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(np.ascontiguousarray(array))
    return tensor


class _TritonFuture(Future[Tensors]):
    """The answer of a request; cancelling it cancels the call on the server."""

    def __init__(self, entry: ModelEntry) -> None:
        super().__init__()
        self._entry = entry
        self.call: Any = None

    def cancel(self) -> bool:
        cancelled = super().cancel()
        if cancelled and self.call is not None:
            self.call.cancel()
        return cancelled

    def settle(self, result: triton.InferResult | None, error: InferenceServerException | None) -> None:
        """Is called by the client's thread with the answer or with what went wrong."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            self.set_result(self._checked(result, error))
        except Exception as failure:  # noqa: BLE001 - in the client's thread an error unheard would hang the caller
            self.set_exception(failure)

    def _checked(self, result: triton.InferResult | None, error: InferenceServerException | None) -> Tensors:
        if error is not None or result is None:
            _raise_error(error or InferenceServerException("no answer"), self._entry)
        outputs = {spec.name: result.as_numpy(spec.name) for spec in self._entry.config.outputs}
        check_outputs(self._entry.config, {name: array for name, array in outputs.items() if array is not None})
        return outputs


def _raise_error(error: InferenceServerException, entry: ModelEntry) -> NoReturn:
    """Raises gliosynth's error for one of Triton's."""
    status = str(error.status() or "").removeprefix("StatusCode.")
    message = f"Triton, model {entry.name} version {entry.version}: {error.message()}"
    if status == "DEADLINE_EXCEEDED":
        raise DeadlineExceededError(message) from error
    if status == "CANCELLED":
        raise CancelledError(message) from error
    if status == "NOT_FOUND":
        raise UnknownModelError(f"{message}; let the server load it", field="model", got=entry.name) from error
    raise ModelError(message, field=entry.name, got=status, reason="TRITON_FAILED") from error
