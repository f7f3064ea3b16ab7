"""The three region models of the cascade, served by an engine."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import CancelledError, ModelError
from gliosynth.labels import REGIONS
from gliosynth.segmentation import CascadeModels
from services.runtime.inference.engine import Engine, LoadedModel, Tensors
from services.runtime.inference.repository import ModelEntry

DEFAULT_FAMILY: Final = "segmenter"
"""Models are called family_wt, family_tc and family_et."""

INPUT_NAME: Final = "contrasts"
"""Name of a region model's input."""

OUTPUT_NAME: Final = "logits"
"""Name of a region model's output."""


def _no_deadline() -> None:
    """Is the default clock: any amount of time is left."""
    return


class ServedRegionModel:
    """A region model (`gliosynth.segmentation.RegionModel`) that an engine runs."""

    def __init__(self, model: LoadedModel, *, remaining_s: Callable[[], float | None] = _no_deadline) -> None:
        """Reads the model's parameters.

        Args:
            model: The loaded model.
            remaining_s: Returns the seconds that are left to the caller, or None for any time.

        Raises:
            ModelError: Its config.pbtxt lacks a tensor or parameter of a region model (BAD_CONFIG).
        """
        config = model.entry.config
        self._model = model
        self._remaining_s = remaining_s
        if [spec.name for spec in config.inputs] != [INPUT_NAME] or [s.name for s in config.outputs] != [OUTPUT_NAME]:
            raise _bad_parameter(model.entry, "tensors", f"one input {INPUT_NAME} and one output {OUTPUT_NAME}")
        self.channels = tuple(name.strip() for name in config.parameters.get("channels", "").split(",") if name.strip())
        if (len(self.channels),) != config.inputs[0].dims[:1]:
            raise _bad_parameter(model.entry, "channels", f"{config.inputs[0].dims[0]} names, separated by commas")
        self.batch_size = max(config.max_batch_size, 1)
        self.threshold = _threshold(model.entry)

    def submit(self, batch: NDArray[np.float32]) -> "Future[NDArray[np.float32]]":
        """Starts one batch, see `RegionModel.submit`."""
        return _OutputFuture(self._model.submit({INPUT_NAME: batch}, timeout_s=self._remaining_s()), OUTPUT_NAME)


def _threshold(entry: ModelEntry) -> float:
    text = entry.config.parameters.get("threshold", "")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1.0:
        raise _bad_parameter(entry, "threshold", "a probability between 0 and 1 (both excluded)")
    return value


def _bad_parameter(entry: ModelEntry, name: str, wanted: str) -> ModelError:
    got = entry.config.parameters.get(name, "")
    return ModelError(
        f"model {entry.name}: {name} is {got!r}, a region model needs {wanted}; correct its config.pbtxt",
        field=entry.name,
        got=got,
        reason="BAD_CONFIG",
    )


class _OutputFuture(Future[NDArray[np.float32]]):
    """One output of an execution; cancelling it cancels the execution."""

    def __init__(self, source: "Future[Tensors]", name: str) -> None:
        super().__init__()
        self._source = source
        self._name = name
        source.add_done_callback(self._settle)

    def cancel(self) -> bool:
        self._source.cancel()
        return super().cancel()

    def _settle(self, source: "Future[Tensors]") -> None:
        try:
            if source.cancelled():
                self.set_exception(CancelledError("the execution was cancelled before it began"))
            elif (error := source.exception()) is not None:
                self.set_exception(error)
            else:
                self.set_result(source.result()[self._name])
        except InvalidStateError:
            # It was cancelled: nobody waits for this answer any more.
            return


@dataclass(frozen=True)
class RegionEntries:
    """Which models a cascade consists of.

    Attributes:
        wt: The WT model's version.
        tc: The TC model's version.
        et: The ET model's version.
    """

    wt: ModelEntry
    tc: ModelEntry
    et: ModelEntry


def load_cascade(
    engine: Engine,
    *,
    family: str = DEFAULT_FAMILY,
    version: str = "",
    remaining_s: Callable[[], float | None] = _no_deadline,
) -> tuple[CascadeModels, RegionEntries]:
    """Returns the three models of a family, ready for `segment_case`, and which they are.

    Cheap once they are loaded: call it for each request with that request's clock.

    Args:
        engine: Where they run.
        family: The part of their names before ``_wt``, ``_tc``, ``_et``.
        version: The version of all three, or ``""`` for the newest of each.
        remaining_s: Returns the seconds that are left to the caller, or None for any time.

    Raises:
        UnknownModelError: A model or version is not there.
        ModelError: A model cannot be loaded, or is no region model.
    """
    loaded = [engine.load(f"{family}_{region.lower()}", version) for region in REGIONS]
    wt, tc, et = (ServedRegionModel(model, remaining_s=remaining_s) for model in loaded)
    entries = RegionEntries(*(model.entry for model in loaded))
    return CascadeModels(wt=wt, tc=tc, et=et), entries
