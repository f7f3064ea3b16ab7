"""Tests of the Triton engine against a real tritonserver that serves tiny models."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gliosynth.errors import DeadlineExceededError, InvalidParameterError, ModelError, UnknownModelError
from services.runtime.inference import EngineSettings, ModelRepository, open_engine
from services.runtime.inference.triton_engine import TritonEngine

if TYPE_CHECKING:
    from conftest import ServeModels, TinyRepository

LARGE = np.zeros((4, 4, 1024, 1024), dtype=np.float32)
"""64 MiB: takes far longer to send than the calls that are cut short here are given."""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, tiny_repository: type[TinyRepository]) -> ModelRepository:
    """Returns the models that the server and the engine both read."""
    models = tiny_repository(tmp_path_factory.mktemp("triton") / "models")
    models.add("sum", [1.0, 2.0, 3.0, 4.0], 0.5)
    models.add("versions", [1.0], version=1)
    models.add("versions", [2.0], version=2, extra="version_policy: { latest { num_versions: 2 } }")
    models.add_ensemble()
    return ModelRepository(models.root)


@pytest.fixture(scope="module")
def server(
    repository: ModelRepository, serve_models: ServeModels, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """Starts a real tritonserver and yields its ports."""
    with serve_models(repository.root, tmp_path_factory.mktemp("log") / "triton.log") as ports:
        yield ports


@pytest.fixture
def engine(repository: ModelRepository, server: dict[str, int]) -> Iterator[TritonEngine]:
    """Returns the engine connected to the server."""
    engine = TritonEngine(repository, f"127.0.0.1:{server['grpc_port']}")
    yield engine
    engine.close()


def images(count: int, channels: int = 4) -> np.ndarray:
    """Returns slices of numbers."""
    return np.random.default_rng(5).normal(size=(count, channels, 16, 32)).astype(np.float32)


@pytest.mark.triton
def test_answer_is_that_of_the_embedded_engine_bit_by_bit(repository: ModelRepository, engine: TritonEngine) -> None:
    """The same file, the same batch, the same bits."""
    inputs = {"contrasts": images(3)}
    embedded = open_engine("onnxruntime", repository, settings=EngineSettings(threads=1))
    expected = embedded.load("sum").submit(inputs).result()["logits"]
    model = engine.load("sum")
    engine.warm(model)
    answer = model.submit(inputs, timeout_s=30.0).result()["logits"]
    embedded.close()
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer, expected)


@pytest.mark.triton
def test_requests_of_many_threads_get_their_own_answers(engine: TritonEngine) -> None:
    """Forty requests from eight threads: none gets the answer of another."""
    model = engine.load("versions")
    with ThreadPoolExecutor(8) as pool:
        sent = [np.full((1, 1, 16, 16), number, dtype=np.float32) for number in range(40)]
        futures = list(pool.map(lambda image: model.submit({"contrasts": image}), sent))
    answers = [float(future.result(timeout=30.0)["logits"].max()) for future in futures]
    assert answers == [2.0 * number for number in range(40)]


@pytest.mark.triton
def test_version_that_is_named_answers(engine: TritonEngine) -> None:
    """Version 1 does not double."""
    ones = {"contrasts": np.ones((1, 1, 16, 16), dtype=np.float32)}
    assert engine.load("versions", "1").submit(ones).result()["logits"].max() == 1.0
    assert engine.load("versions").submit(ones).result()["logits"].max() == 2.0


@pytest.mark.triton
def test_ensemble_of_the_server_equals_the_embedded_one(repository: ModelRepository, engine: TritonEngine) -> None:
    """Triton and the embedded scheduler agree on the same config.pbtxt."""
    inputs = {"image": images(2, channels=1)}
    embedded = open_engine("onnxruntime", repository, settings=EngineSettings(threads=1))
    expected = embedded.load("line").submit(inputs).result()["result"]
    embedded.close()
    np.testing.assert_array_equal(engine.load("line").submit(inputs).result()["result"], expected)


@pytest.mark.triton
def test_deadline_of_the_caller_ends_the_call(engine: TritonEngine) -> None:
    """A deadline in the past is refused at once, one that is too short ends the call."""
    model = engine.load("sum")
    with pytest.raises(DeadlineExceededError):
        model.submit({"contrasts": images(1)}, timeout_s=0.0)
    with pytest.raises(DeadlineExceededError):
        model.submit({"contrasts": LARGE}, timeout_s=0.005).result(timeout=30.0)


@pytest.mark.triton
def test_input_outside_the_configuration_is_not_sent(engine: TritonEngine) -> None:
    """Five slices where the configuration allows four."""
    with pytest.raises(InvalidParameterError) as caught:
        engine.load("sum").submit({"contrasts": images(5)})
    assert caught.value.reason == "BAD_MODEL_INPUT"


@pytest.mark.triton
def test_model_that_the_server_has_not_loaded_is_unknown(
    engine: TritonEngine, server: dict[str, int], tmp_path: Path, tiny_repository: type[TinyRepository]
) -> None:
    """The repository at hand has a model more than the server."""
    other = tiny_repository(tmp_path / "other")
    other.add("newcomer", [1.0])
    ahead = TritonEngine(ModelRepository(other.root), f"127.0.0.1:{server['grpc_port']}")
    with pytest.raises(UnknownModelError, match="newcomer"):
        ahead.load("newcomer")
    with pytest.raises(UnknownModelError, match="sum"):
        ahead.load("sum")
    ahead.close()


@pytest.mark.triton
def test_server_with_another_configuration_is_refused(
    server: dict[str, int], tmp_path: Path, tiny_repository: type[TinyRepository]
) -> None:
    """The same name, another threshold: the answers would be of another model."""
    other = tiny_repository(tmp_path / "other")
    other.add("sum", [1.0] * 4, extra='parameters { key: "threshold" value: { string_value: "0.3" } }')
    stale = TritonEngine(ModelRepository(other.root), f"127.0.0.1:{server['grpc_port']}")
    with pytest.raises(ModelError) as caught:
        stale.load("sum")
    stale.close()
    assert caught.value.reason == "CONFIG_MISMATCH"


@pytest.mark.triton
def test_identity_names_the_real_server(engine: TritonEngine, server: dict[str, int]) -> None:
    """Version 2.51.0 of the wheel, at its address; its metrics count what was asked."""
    engine.load("sum").submit({"contrasts": images(1)}).result()
    identity = engine.identity()
    assert (identity.name, identity.version) == ("triton", "2.51.0")
    assert identity.device == f"127.0.0.1:{server['grpc_port']}"
    with urllib.request.urlopen(f"http://127.0.0.1:{server['metrics_port']}/metrics", timeout=10.0) as answer:
        assert 'nv_inference_request_success{model="sum"' in answer.read().decode()


@pytest.mark.triton
def test_cancelled_call_is_cancelled(engine: TritonEngine) -> None:
    """The future says so, and the server answers the next request."""
    model = engine.load("sum")
    future = model.submit({"contrasts": LARGE})
    assert future.cancel()
    with pytest.raises(FutureCancelledError):
        future.result(timeout=30.0)
    assert model.submit({"contrasts": images(1)}).result(timeout=30.0)["logits"].shape == (1, 1, 16, 32)


def test_server_that_is_not_there_is_named(models: TinyRepository) -> None:
    """Nobody listens on a port that was just free."""
    models.add("sum", [1.0])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ModelError, match=f"no Triton server answers at 127.0.0.1:{port}") as caught:
        TritonEngine(ModelRepository(models.root), f"127.0.0.1:{port}")
    assert caught.value.reason == "TRITON_UNREACHABLE"
