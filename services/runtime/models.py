"""The models of one process: repository and engine, opened when first needed and shared by its services."""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.preprocessing.skull_strip import ModelBrainExtractor
from gliosynth.segmentation import CascadeModels
from gliosynth.v1 import volume_pb2 as pb
from services.runtime.deadlines import Deadline
from services.runtime.inference import (
    Engine,
    EngineSettings,
    ModelEntry,
    ModelRepository,
    load_cascade,
    open_engine,
)
from services.runtime.measured_engine import MeasuredEngine
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry

SKULL_STRIP: Final = "skull_strip"
"""The model that finds the brain; input `contrast`, output `logits`, see `gliosynth.preprocessing.skull_strip`."""

DEFAULT_FAMILY: Final = "segmenter"
"""The region models that are used where a request names none, and that are warmed before serving."""

REGION_SUFFIXES: Final = ("_wt", "_tc", "_et")
"""What follows the family in the names of its three models."""


class Models:
    """Repository and engine of one process. Opened by the thread that makes the services, then read by all."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        """Opens nothing yet: a server without models needs no repository.

        Args:
            settings: Which repository and engine, and how the engine uses the machine.
            telemetry: Where calls to another process are counted.
        """
        self._settings = settings
        self._telemetry = telemetry

    @cached_property
    def repository(self) -> ModelRepository:
        """The models that are there."""
        return ModelRepository(self._settings.model_repository)

    @cached_property
    def engine(self) -> Engine:
        """What computes them."""
        settings = EngineSettings(threads=self._settings.threads, precision=self._settings.precision)
        engine = open_engine(
            self._settings.engine, self.repository, settings=settings, triton_url=self._settings.triton_url
        )
        return MeasuredEngine(engine, self._telemetry) if self._settings.engine == "triton" else engine

    def warm(self, *names: str) -> Iterator[pb.ModelIdentity]:
        """Lets models answer once, one after the other, and yields who answered.

        Args:
            names: The models.

        Raises:
            UnknownModelError: One is not in the repository.
            ModelError: One cannot be loaded or does not answer.
        """
        for name in names:
            model = self.engine.load(name)
            self.engine.warm(model)
            yield self.identity(model.entry)

    def brain_extractor(self, deadline: Deadline) -> ModelBrainExtractor:
        """Returns what finds the brain, on the time of one request.

        Args:
            deadline: The request's; waiting for the model ends with it.

        Raises:
            UnknownModelError: The repository has no such model.
        """
        model = self.engine.load(SKULL_STRIP)

        def predict(slices: NDArray[np.float32]) -> NDArray[np.float32]:
            future = model.submit({"contrast": slices}, timeout_s=deadline.remaining_s())
            logits: NDArray[np.float32] = deadline.wait(future)["logits"]
            return logits

        return ModelBrainExtractor(predict)

    def cascade(self, deadline: Deadline, *, family: str, version: str) -> tuple[CascadeModels, list[pb.ModelIdentity]]:
        """Returns the three region models, on the time of one request, and which they are.

        Args:
            deadline: The request's.
            family: The part of their names before `REGION_SUFFIXES`; empty for `DEFAULT_FAMILY`.
            version: Version of all three; empty for the newest of each.

        Raises:
            UnknownModelError: A model or version is not there.
            ModelError: A model cannot be loaded, or is no region model.
        """
        models, entries = load_cascade(
            self.engine, family=family or DEFAULT_FAMILY, version=version, remaining_s=deadline.remaining_s
        )
        return models, [self.identity(entry) for entry in (entries.wt, entries.tc, entries.et)]

    def skull_strip_identity(self) -> pb.ModelIdentity:
        """Returns which model finds the brain."""
        return self.identity(self.repository.find(SKULL_STRIP))

    def identity(self, entry: ModelEntry) -> pb.ModelIdentity:
        """Returns the identity that stands in every answer of a model.

        Args:
            entry: The model's version in the repository.
        """
        engine = self.engine.identity()
        return pb.ModelIdentity(
            name=entry.name,
            version=str(entry.version),
            digest=f"sha256:{entry.digest}",
            engine=engine.name,
            precision=engine.precision,
        )

    def close(self) -> None:
        """Ends the engine if one was opened."""
        if "engine" in vars(self):
            self.engine.close()
