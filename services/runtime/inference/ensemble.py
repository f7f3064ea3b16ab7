"""Ensembles of config.pbtxt: models whose outputs feed each other, run in the order of their data."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

from gliosynth.errors import DeadlineExceededError, ModelError
from services.runtime.inference.config import NEWEST, EnsembleStep, ModelConfig
from services.runtime.inference.engine import LoadedModel, Tensors, check_inputs, check_outputs
from services.runtime.inference.repository import ModelEntry


class EnsembleModel:
    """An ensemble whose steps are loaded."""

    def __init__(self, entry: ModelEntry, *, steps: tuple[tuple[EnsembleStep, LoadedModel], ...]) -> None:
        """Starts the thread that passes tensors on.

        Args:
            entry: Which ensemble it is.
            steps: Its steps and their models, in an order in which each finds its inputs made.
        """
        self.entry = entry
        self._steps = steps
        self._pool = ThreadPoolExecutor(entry.config.instance_count, thread_name_prefix=f"ensemble-{entry.name}")

    def submit(self, inputs: Tensors, *, timeout_s: float | None = None) -> "Future[Tensors]":
        """Starts one execution, see `LoadedModel.submit`."""
        check_inputs(self.entry.config, inputs)
        end_by_s = None if timeout_s is None else time.monotonic() + timeout_s
        return self._pool.submit(self._execute, inputs, end_by_s)

    def _execute(self, inputs: Tensors, end_by_s: float | None) -> Tensors:
        tensors = dict(inputs)
        for step, model in self._steps:
            left_s = None if end_by_s is None else end_by_s - time.monotonic()
            answer = self._answer(step, model, tensors, left_s)
            tensors.update({outer: answer[inner] for inner, outer in step.outputs})
        outputs = {spec.name: tensors[spec.name] for spec in self.entry.config.outputs}
        check_outputs(self.entry.config, outputs)
        return outputs

    def _answer(self, step: EnsembleStep, model: LoadedModel, tensors: Tensors, left_s: float | None) -> Tensors:
        try:
            future = model.submit({inner: tensors[outer] for inner, outer in step.inputs}, timeout_s=left_s)
            return future.result(timeout=left_s)
        except FutureTimeoutError as error:
            raise DeadlineExceededError(
                f"the deadline passed in step {step.model} of ensemble {self.entry.name}"
            ) from error

    def close(self) -> None:
        """Ends the thread once it is done; the steps' models belong to the engine."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def load_ensemble(entry: ModelEntry, *, load: Callable[[str, str], LoadedModel]) -> EnsembleModel:
    """Returns an ensemble with its models loaded.

    Args:
        entry: The ensemble.
        load: Loads a model by name and version (``""`` for the newest).

    Raises:
        ModelError: A step needs a tensor that nothing makes before it, or an output is never made (BAD_ENSEMBLE).
        UnknownModelError: A step names a model that is not there.
    """
    ordered = ordered_steps(entry.config)
    models = (load(step.model, "" if step.version == NEWEST else str(step.version)) for step in ordered)
    return EnsembleModel(entry, steps=tuple(zip(ordered, models, strict=True)))


def ordered_steps(config: ModelConfig) -> tuple[EnsembleStep, ...]:
    """Returns the steps so that each comes after those that make its inputs.

    Args:
        config: The ensemble's configuration; its steps may stand in any order.

    Raises:
        ModelError: See `load_ensemble`.
    """
    made = {spec.name for spec in config.inputs}
    waiting = list(config.steps)
    ordered: list[EnsembleStep] = []
    while waiting:
        ready = [step for step in waiting if {outer for _, outer in step.inputs} <= made]
        if not ready:
            raise _bad_ensemble(config, f"nothing makes the inputs of {[step.model for step in waiting]}")
        ordered.extend(ready)
        made.update(outer for step in ready for _, outer in step.outputs)
        waiting = [step for step in waiting if step not in ready]
    missing = {spec.name for spec in config.outputs} - made
    if missing:
        raise _bad_ensemble(config, f"no step makes its outputs {sorted(missing)}")
    return tuple(ordered)


def _bad_ensemble(config: ModelConfig, why: str) -> ModelError:
    return ModelError(
        f"ensemble {config.name}: {why}; correct ensemble_scheduling in its config.pbtxt",
        field=config.name,
        got=why[:80],
        reason="BAD_ENSEMBLE",
    )
