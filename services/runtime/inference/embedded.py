"""Engines in this process: a pool of threads over a network that is run synchronously."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from gliosynth.errors import DeadlineExceededError, ModelError
from services.runtime.inference.config import ModelConfig
from services.runtime.inference.engine import (
    EngineIdentity,
    EngineSettings,
    LoadedModel,
    Tensors,
    answer_once,
    check_inputs,
    check_outputs,
)
from services.runtime.inference.ensemble import EnsembleModel, load_ensemble
from services.runtime.inference.repository import ModelEntry, ModelRepository

RunNetwork = Callable[[Tensors], Tensors]
"""Runs a network once; called by as many threads at a time as the model has streams."""


class EmbeddedModel:
    """A network with the threads that run it."""

    def __init__(self, entry: ModelEntry, *, run: RunNetwork, streams: int) -> None:
        """Starts the threads.

        Args:
            entry: Which model it is.
            run: Runs the network once.
            streams: Executions at the same time.
        """
        self.entry = entry
        self._run = run
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix=f"model-{entry.name}")

    def submit(self, inputs: Tensors, *, timeout_s: float | None = None) -> "Future[Tensors]":
        """Starts one execution, see `LoadedModel.submit`."""
        check_inputs(self.entry.config, inputs)
        begin_by_s = None if timeout_s is None else time.monotonic() + timeout_s
        return self._pool.submit(self._execute, inputs, begin_by_s)

    def _execute(self, inputs: Tensors, begin_by_s: float | None) -> Tensors:
        if begin_by_s is not None and time.monotonic() > begin_by_s:
            raise DeadlineExceededError(f"the deadline passed before model {self.entry.name} could begin")
        try:
            outputs = self._run(inputs)
        except Exception as error:  # the engines' exceptions share no public base class
            raise ModelError(f"model {self.entry.name} failed: {error}", field=self.entry.name) from error
        check_outputs(self.entry.config, outputs)
        return outputs

    def close(self) -> None:
        """Ends the threads once they are done."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class EmbeddedEngine(ABC):
    """An engine in this process; a subclass knows how to open a network."""

    def __init__(self, repository: ModelRepository, settings: EngineSettings) -> None:
        """Opens nothing yet.

        Args:
            repository: The models.
            settings: How to use the machine.
        """
        self._repository = repository
        self._settings = settings
        self._loaded: dict[tuple[str, int], EmbeddedModel | EnsembleModel] = {}
        self._lock = threading.RLock()

    @abstractmethod
    def identity(self) -> EngineIdentity:
        """Returns which engine this is."""

    @abstractmethod
    def open_network(self, entry: ModelEntry, *, streams: int) -> RunNetwork:
        """Returns a function that runs the network of a model version.

        Args:
            entry: The model version.
            streams: How many threads will call it at the same time.

        Raises:
            ModelError: The file cannot be loaded, or does not match its config.pbtxt.
        """

    def load(self, name: str, version: str = "") -> LoadedModel:
        """Returns a model that answers, see `Engine.load`."""
        entry = self._repository.find(name, version)
        with self._lock:
            key = (entry.name, entry.version)
            if key not in self._loaded:
                self._loaded[key] = self._open(entry)
            return self._loaded[key]

    def _open(self, entry: ModelEntry) -> EmbeddedModel | EnsembleModel:
        if entry.config.is_ensemble:
            return load_ensemble(entry, load=self.load)
        if entry.config.backend != "onnxruntime":
            raise ModelError(
                f"model {entry.name} wants the backend {entry.config.backend!r}; the embedded engines serve"
                ' backend: "onnxruntime" and ensembles',
                field=entry.name,
                got=entry.config.backend,
                reason="UNSUPPORTED_BACKEND",
            )
        streams = self._settings.streams or entry.config.instance_count
        return EmbeddedModel(entry, run=self.open_network(entry, streams=streams), streams=streams)

    def warm(self, model: LoadedModel) -> None:
        """Lets a model answer once, see `Engine.warm`."""
        answer_once(model)

    def close(self) -> None:
        """Ends every model's threads."""
        with self._lock:
            for model in self._loaded.values():
                model.close()
            self._loaded.clear()


def check_network_tensors(config: ModelConfig, *, inputs: set[str], outputs: set[str]) -> None:
    """Refuses a network whose tensors are not those of its configuration.

    Args:
        config: The configuration.
        inputs: Names of the network's inputs.
        outputs: Names of its outputs.

    Raises:
        ModelError: The names differ (CONFIG_MISMATCH).
    """
    wanted = ({spec.name for spec in config.inputs}, {spec.name for spec in config.outputs})
    if (inputs, outputs) != wanted:
        raise ModelError(
            f"model {config.name}: the network has inputs {sorted(inputs)} and outputs {sorted(outputs)}, its"
            f" config.pbtxt names {sorted(wanted[0])} and {sorted(wanted[1])}; make them agree",
            field=config.name,
            got=str(sorted(inputs)),
            reason="CONFIG_MISMATCH",
        )
