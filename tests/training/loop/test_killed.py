"""Runs in real processes that are killed or asked to stop, and data-parallel ones: all equal the straight run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, feed

DRIVER = Path(__file__).parent / "driver.py"
ROOT = Path(__file__).parents[3]


def start(kind: str, folder: Path, *, devices: int = 1, parts: int = 1) -> subprocess.Popen[str]:
    """Starts or resumes a run."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(DRIVER), kind, str(folder), str(devices), str(parts)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """Waits for a run and returns its log.

    Raises:
        AssertionError: It failed.
    """
    _, log = process.communicate(timeout=900)
    assert process.returncode == 0, log
    return log


def rows(folder: Path) -> list[dict[str, object]]:
    """Returns stats.jsonl without what the clock says; a row that is being written is left out."""
    path = folder / "stats.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    read = [json.loads(line) for line in lines if line.endswith("\n")]
    return [{key: value for key, value in row.items() if key != "timing"} for row in read]


def wait_for_step(folder: Path, step: int) -> None:
    """Returns when a run has reported a step."""
    until = time.monotonic() + 900
    while not any(row["step"] >= step for row in rows(folder)):  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)


def assert_equal_runs(one: Path, other: Path) -> None:
    """Shipped weights have the same bytes, the state the same tensors, the statistics the same rows."""
    for name in ("best.safetensors", "last.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    mine, theirs = load_file(one / "state.safetensors"), load_file(other / "state.safetensors")
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert rows(one) == rows(other)


def weights_of(folder: Path) -> torch.Tensor:
    """Returns all averaged weights and batch statistics of a run as one vector."""
    tensors = load_file(folder / "last.safetensors")
    return torch.cat([tensors[name].float().flatten() for name in sorted(tensors) if "num_batches" not in name])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the validation ring of the streamed runs."""
    folder = tmp_path_factory.mktemp("runs")
    ring = Ring.create(folder / "validation" / "shifted", RingShape(slots=1, slices=12, height=64, width=80))
    feed(ring, simulate_ball, seed=6, numbers=range(1))
    return folder


def disturb(kind: str, folder: Path, *, killed_at: int, asked_at: int) -> None:
    """Kills a run between two checkpoints, asks it to stop the second time, and lets it finish the third."""
    process = start(kind, folder)
    wait_for_step(folder, killed_at)
    process.kill()
    process.communicate()
    process = start(kind, folder)
    wait_for_step(folder, asked_at)
    process.send_signal(signal.SIGTERM)
    assert "the same command goes on" in finish(process)
    finish(start(kind, folder))


def test_a_disturbed_stream_equals_the_straight_one(home: Path) -> None:
    """SIGKILL, then SIGTERM, with workers renewing the ring: weights, averages, moments and statistics are equal."""
    finish(start("stream", home / "straight"))
    disturb("stream", home / "disturbed", killed_at=7, asked_at=13)
    assert_equal_runs(home / "straight", home / "disturbed")


def test_two_disturbed_optimisers_equal_the_straight_ones(home: Path) -> None:
    """The same with two networks whose losses are balanced by a state of their own."""
    finish(start("line", home / "line"))
    disturb("line", home / "disturbed-line", killed_at=47, asked_at=203)
    assert_equal_runs(home / "line", home / "disturbed-line")


def test_two_devices_train_as_one(home: Path) -> None:
    """The same parts of the same batches, with a stop between: losses agree to rounding, which 24 steps let grow."""
    finish(start("stream", home / "one", parts=2))
    process = start("stream", home / "two", devices=2, parts=2)
    wait_for_step(home / "two", 8)
    process.send_signal(signal.SIGTERM)
    finish(process)
    finish(start("stream", home / "two", devices=2, parts=2))
    one, two = rows(home / "one"), rows(home / "two")
    assert [row["step"] for row in one] == [row["step"] for row in two]
    losses = [[row["losses"]["loss"] for row in run if "losses" in row] for run in (one, two)]  # type: ignore[index]
    assert losses[0][:5] == pytest.approx(losses[1][:5], abs=1e-5)
    assert losses[0] == pytest.approx(losses[1], abs=1e-2)
    one_device, two_devices = (weights_of(home / name) for name in ("one", "two"))
    assert (one_device - two_devices).norm() < 0.15 * one_device.norm()
