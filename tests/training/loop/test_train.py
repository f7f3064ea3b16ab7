"""Tests of training.loop.train with a system of two networks and two optimisers."""

import json
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from training.loop.fakes import LineSystem
from training.loop.options import LoopOptions
from training.loop.run_folder import Progress
from training.loop.train import train

OPTIONS = LoopOptions(
    steps=60, batch=8, parts=2, learning_rate=2e-2, warm_up=5, report_every=7, evaluate_every=20, picture_every=30
)


def run(folder: Path, options: LoopOptions = OPTIONS) -> Progress:
    """Starts or resumes a run of the fake system on the CPU, in full precision so that equal means equal."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    folder.mkdir(exist_ok=True)
    return train(LineSystem(fabric, learning_rate=options.learning_rate), options, folder=folder, fabric=fabric)


def rows(folder: Path) -> list[dict[str, object]]:
    """Returns stats.jsonl without what the clock says."""
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "timing"} for line in lines]


@pytest.mark.parametrize("stop", [1, 7, 20, 33, 59])
def test_stopped_and_resumed_equals_straight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    """Weights, averages, moments, balance and statistics are the same bytes, wherever the run was stopped."""
    run(tmp_path / "straight")
    step, calls = LineSystem.step, iter(range(1000))

    def signalled(self: LineSystem, at: object) -> object:
        if next(calls) == stop - 1:
            import signal

            signal.raise_signal(signal.SIGTERM)
        return step(self, at)  # type: ignore[arg-type]

    monkeypatch.setattr(LineSystem, "step", signalled)
    assert run(tmp_path / "parts").step == stop
    assert run(tmp_path / "parts").step == 60
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert rows(tmp_path / "parts") == rows(tmp_path / "straight")
