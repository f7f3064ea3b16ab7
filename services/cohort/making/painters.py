"""The networks that paint cohorts, opened by a worker on the engine of its settings."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.spec import Generator
from gliosynth.generation import GeneratorNetwork, NetworkIdentity
from services.cohort.jobs.records import ModelRecord
from services.cohort.making.generator import (
    INPUT_NAME,
    OUTPUT_NAME,
    UNKNOWN_TRAINING,
    contrasts_of,
    find_generator,
    pinned,
    size_of,
)
from services.runtime.inference import (
    Engine,
    EngineIdentity,
    EngineSettings,
    LoadedModel,
    ModelEntry,
    ModelRepository,
    open_engine,
)
from services.runtime.settings import Settings

ANSWER_TIMEOUT_S: Final = 300.0
"""Seconds that a network may take for one batch of slices."""

MOST_SLICES: Final = 8
"""Most slices at once, whatever a model takes: a batch is the time between two looks at whether a case is wanted."""


class Painters:
    """The generators of the model repository, each opened when first asked for; used by one job at a time."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet: most workers never see a network.

        Args:
            settings: Repository, engine and threads.
        """
        self._settings = settings
        self._engines: list[Engine] = []
        self._opened: dict[Generator, tuple[GeneratorNetwork, ...]] = {}
        self._records: dict[Generator, tuple[ModelRecord, ...]] = {}

    def models(self, generator: Generator) -> tuple[ModelRecord, ...]:
        """Returns the models of a generator; none of the simulator.

        Args:
            generator: Any.

        Raises:
            UnknownModelError: The repository has none.
            ModelError: One cannot be loaded, or is no generator.
        """
        self.networks(generator)
        return self._records.get(generator, ())

    def networks(self, generator: Generator) -> tuple[GeneratorNetwork, ...]:
        """Returns the networks of a generator, ready to paint; none of the simulator.

        Args:
            generator: Any.

        Raises:
            UnknownModelError: The repository has none.
            ModelError: One cannot be loaded, or is no generator.
        """
        if generator.is_network and generator not in self._opened:
            # Read anew: the generator may have been exported after this worker started.
            repository = ModelRepository(self._settings.model_repository)
            entries = find_generator(repository, generator)
            engine = self._open(repository)
            self._opened[generator] = tuple(_network(engine, entry) for entry in entries)
            self._records[generator] = tuple(pinned(entry, self._settings) for entry in entries)
        return self._opened.get(generator, ())

    def close(self) -> None:
        """Ends the engines."""
        for engine in self._engines:
            engine.close()

    def _open(self, repository: ModelRepository) -> Engine:
        settings = self._settings
        name = settings.cohort_generator_engine
        engine = open_engine(
            name,
            repository,
            settings=EngineSettings(threads=settings.threads, streams=1),
            triton_url=settings.triton_url,
        )
        self._engines.append(engine)
        return engine


def _network(engine: Engine, entry: ModelEntry) -> GeneratorNetwork:
    """Returns a loaded model as the library takes it."""
    model, parameters = engine.load(entry.name, str(entry.version)), entry.config.parameters
    identity = NetworkIdentity(
        name=entry.name,
        version=str(entry.version),
        digest=f"sha256:{entry.digest}",
        engine=_engine_text(engine.identity()),
        trained_on=parameters.get("trained_on", UNKNOWN_TRAINING),
    )
    return GeneratorNetwork(
        identity=identity,
        contrasts=contrasts_of(entry),
        size=size_of(entry),
        batch_size=min(max(entry.config.max_batch_size, 1), MOST_SLICES),
        generate=_runner(model),
    )


def _runner(model: LoadedModel) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Returns the function that runs a model on one batch."""

    def generate(brain_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer = model.submit({INPUT_NAME: brain_maps}, timeout_s=ANSWER_TIMEOUT_S).result()
        painted: NDArray[np.float32] = answer[OUTPUT_NAME]
        return painted

    return generate


def _engine_text(identity: EngineIdentity) -> str:
    return f"{identity.name} {identity.version} {identity.precision}"
