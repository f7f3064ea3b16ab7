"""An engine whose every batch is timed: what a server sees of a Triton that runs elsewhere.

Triton's own metrics are its own; they lack the network, and vanish with its last pod.
"""

import time
from concurrent.futures import Future

from gliosynth.errors import GliosynthError
from services.runtime.errors import code_of
from services.runtime.inference import Engine, EngineIdentity, LoadedModel, ModelEntry, Tensors
from services.runtime.telemetry import Telemetry


class MeasuredModel:
    """A `LoadedModel` whose batches are timed."""

    def __init__(self, model: LoadedModel, telemetry: Telemetry) -> None:
        """Keeps both.

        Args:
            model: What computes.
            telemetry: Where to count.
        """
        self.model = model
        self._telemetry = telemetry

    @property
    def entry(self) -> ModelEntry:
        """Which model it is."""
        return self.model.entry

    def submit(self, inputs: Tensors, *, timeout_s: float | None = None) -> "Future[Tensors]":
        """Starts one execution, see `LoadedModel.submit`; its end is counted when it comes."""
        started_s = time.monotonic()
        future = self.model.submit(inputs, timeout_s=timeout_s)
        future.add_done_callback(lambda done: self._count(done, time.monotonic() - started_s))
        return future

    def _count(self, done: "Future[Tensors]", seconds: float) -> None:
        labels = (self.entry.name, str(self.entry.version))
        if done.cancelled():
            self._telemetry.triton_errors.labels(*labels, "CANCELLED").inc()
        elif (error := done.exception()) is None:
            self._telemetry.triton_seconds.labels(*labels).observe(seconds)
        else:
            code = code_of(error).name if isinstance(error, GliosynthError) else "UNKNOWN"
            self._telemetry.triton_errors.labels(*labels, code).inc()


class MeasuredEngine:
    """An `Engine` whose models are timed."""

    def __init__(self, engine: Engine, telemetry: Telemetry) -> None:
        """Keeps both.

        Args:
            engine: What computes.
            telemetry: Where to count.
        """
        self._engine = engine
        self._telemetry = telemetry

    def identity(self) -> EngineIdentity:
        """Returns which engine it is."""
        return self._engine.identity()

    def load(self, name: str, version: str = "") -> LoadedModel:
        """Returns a model that answers and is timed, see `Engine.load`."""
        return MeasuredModel(self._engine.load(name, version), self._telemetry)

    def warm(self, model: LoadedModel) -> None:
        """Lets a model answer once, see `Engine.warm`; the first answer is not typical, so it is not counted."""
        self._engine.warm(model.model if isinstance(model, MeasuredModel) else model)

    def close(self) -> None:
        """Ends the engine."""
        self._engine.close()
