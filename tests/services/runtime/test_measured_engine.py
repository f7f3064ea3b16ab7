"""Tests of services.runtime.measured_engine with an engine of this test's own making."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from gliosynth.errors import DeadlineExceededError, ModelError
from services.runtime.measured_engine import MeasuredEngine
from services.runtime.telemetry import Telemetry


class FutureEngine:
    """An engine whose only model answers when the test says so."""

    def __init__(self) -> None:
        self.future: Future = Future()
        self.warmed: list[object] = []
        self.model = SimpleNamespace(
            entry=SimpleNamespace(name="segmenter_wt", version=3), submit=lambda inputs, timeout_s: self.future
        )

    def load(self, name: str, version: str = "") -> object:
        return self.model

    def warm(self, model: object) -> None:
        self.warmed.append(model)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"model": "segmenter_wt", "version": "3", **labels})


@pytest.fixture
def engine() -> FutureEngine:
    return FutureEngine()


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(git_sha="unknown")


def test_an_answer_is_timed_when_it_comes(engine: FutureEngine, telemetry: Telemetry) -> None:
    """Nothing is counted while the batch is away, one duration when it is back."""
    submitted = MeasuredEngine(engine, telemetry).load("segmenter_wt").submit({}, timeout_s=5.0)
    assert value(telemetry.registry, "gliosynth_triton_seconds_count") is None
    engine.future.set_result({})
    assert submitted.result() == {}
    assert value(telemetry.registry, "gliosynth_triton_seconds_count") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelError("broken"), "INTERNAL"),
        (DeadlineExceededError("late"), "DEADLINE_EXCEEDED"),
        (OSError("no route"), "UNKNOWN"),
        (None, "CANCELLED"),
    ],
)
def test_a_failure_is_counted_by_its_code(
    engine: FutureEngine, telemetry: Telemetry, error: Exception | None, code: str
) -> None:
    """Errors, and batches that were cancelled, count as errors and not as durations."""
    MeasuredEngine(engine, telemetry).load("segmenter_wt").submit({}, timeout_s=5.0)
    if error is None:
        engine.future.cancel()
    else:
        engine.future.set_exception(error)
    assert value(telemetry.registry, "gliosynth_triton_errors_total", grpc_code=code) == 1
    assert value(telemetry.registry, "gliosynth_triton_seconds_count") is None


def test_the_warm_up_is_not_counted(engine: FutureEngine, telemetry: Telemetry) -> None:
    """The engine is given its own model, not the timed one."""
    measured = MeasuredEngine(engine, telemetry)
    measured.warm(measured.load("segmenter_wt"))
    assert engine.warmed == [engine.model]
