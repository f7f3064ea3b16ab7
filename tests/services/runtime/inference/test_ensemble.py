"""Tests of ensembles that an embedded engine runs itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gliosynth.errors import DeadlineExceededError, ModelError, UnknownModelError
from services.runtime.inference import EngineSettings, ModelRepository, open_engine
from services.runtime.inference.engine import Engine

if TYPE_CHECKING:
    from conftest import TinyRepository


@pytest.fixture
def engine(models: TinyRepository) -> Iterator[Engine]:
    """Returns onnxruntime over the ensemble `line`."""
    models.add_ensemble()
    engine = open_engine("onnxruntime", ModelRepository(models.root), settings=EngineSettings(threads=1))
    yield engine
    engine.close()


def reopened(models: TinyRepository, old: str, new: str) -> Engine:
    """Returns an engine over the ensemble with one word of its configuration changed."""
    config = models.root / "line" / "config.pbtxt"
    config.write_text(config.read_text().replace(old, new))
    return open_engine("onnxruntime", ModelRepository(models.root), settings=EngineSettings(threads=1))


def test_steps_run_in_the_order_of_their_data(engine: Engine) -> None:
    """2 x image + 3, though the file names the second step first."""
    image = np.arange(2 * 16 * 16, dtype=np.float32).reshape(2, 1, 16, 16)
    model = engine.load("line")
    engine.warm(model)
    np.testing.assert_array_equal(model.submit({"image": image}).result()["result"], 2 * image + 3)


def test_deadline_holds_for_the_whole_ensemble(engine: Engine) -> None:
    """No time is left for the first step."""
    image = np.zeros((1, 1, 16, 16), dtype=np.float32)
    with pytest.raises(DeadlineExceededError):
        engine.load("line").submit({"image": image}, timeout_s=0.0).result()


def test_ensemble_whose_tensors_are_never_made_is_refused(models: TinyRepository, engine: Engine) -> None:
    """A step waits for a tensor that nothing makes."""
    broken = reopened(models, 'key: "doubled" value: "between"', 'key: "doubled" value: "elsewhere"')
    with pytest.raises(ModelError, match="nothing makes the inputs of") as caught:
        broken.load("line")
    assert caught.value.reason == "BAD_ENSEMBLE"


def test_ensemble_whose_output_is_never_made_is_refused(models: TinyRepository, engine: Engine) -> None:
    """Every step runs, and the promised output is not among what they make."""
    broken = reopened(models, 'key: "shifted" value: "result"', 'key: "shifted" value: "elsewhere"')
    with pytest.raises(ModelError, match="no step makes its outputs"):
        broken.load("line")


def test_ensemble_of_a_model_that_is_not_there_is_refused(models: TinyRepository, engine: Engine) -> None:
    """The missing model is named."""
    broken = reopened(models, 'model_name: "double"', 'model_name: "triple"')
    with pytest.raises(UnknownModelError, match="triple"):
        broken.load("line")
