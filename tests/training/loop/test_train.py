"""Tests of training.loop.train with a system of two networks and two optimisers."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image

from gliosynth.errors import InvalidParameterError
from training.loop.devices import descend
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
            signal.raise_signal(signal.SIGTERM)
        return step(self, at)  # type: ignore[arg-type]

    monkeypatch.setattr(LineSystem, "step", signalled)
    assert run(tmp_path / "parts").step == stop
    assert run(tmp_path / "parts").step == 60
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert rows(tmp_path / "parts") == rows(tmp_path / "straight")


def test_both_networks_learn_and_leave_pictures(tmp_path: Path) -> None:
    """The error falls; a picture lies there for every thirty steps."""
    run(tmp_path)
    errors = [row["figures"]["error"] for row in rows(tmp_path) if "figures" in row]  # type: ignore[index]
    assert errors[-1] < errors[0] / 3
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["step-000030.png", "step-000060.png"]
    with Image.open(tmp_path / "pictures" / "step-000060.png") as picture:
        assert picture.size == (8, 8)


def test_the_best_weights_are_those_of_the_best_score(tmp_path: Path) -> None:
    """best.json names the step whose row has the highest score; last.json the last step."""
    run(tmp_path, replace(OPTIONS, learning_rate=0.2, annealed=0.0))
    scores = {row["step"]: row["score"] for row in rows(tmp_path) if "score" in row}
    best, last = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("best", "last"))
    assert best["score"] == max(scores.values()) == scores[best["step"]]
    assert last["step"] == 60


def test_a_minutes_budget_ends_the_run_annealed(tmp_path: Path) -> None:
    """A run without enough minutes ends early, with its weights shipped."""
    at = run(tmp_path, replace(OPTIONS, steps=10**6, minutes=0.01))
    assert 0 < at.step < 10**6
    assert at.elapsed_s >= 0.6
    assert (tmp_path / "last.safetensors").exists()


@pytest.mark.parametrize("wrong", [{"batch": 7}, {"parts": 3}, {"steps": 0}, {"minutes": 0.0}])
def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    """Eight samples in two parts fit; seven do not, nor does a run without steps."""
    with pytest.raises(InvalidParameterError):
        run(tmp_path, replace(OPTIONS, **wrong))  # type: ignore[arg-type]


def test_a_long_gradient_is_cut() -> None:
    """With a clip of 1 plain descent moves the weights by 1 at most."""
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    network = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    loss = 30 * network.weight[0, 0] + 40 * network.weight[0, 1]
    descend(fabric, network, optimizer, loss=loss, clip=1.0)
    assert network.weight.detach()[0].tolist() == pytest.approx([-0.6, -0.8], rel=1e-4)
