"""Cohorts as a user has them: the command, a server that is killed, and work that goes on without a server."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = {
    "name": "small cohort",
    "case_count": 3,
    "seed": 5,
    "anatomies": {"built_in": ["head_03"]},
    "tumour": {"shapes": {"noisy": 1.0}},
    "grid": {"shape": [24, 24, 24], "spacing_mm": [6.0, 6.0, 6.0]},
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "gliosynth.cli", *map(str, arguments)]


@pytest.fixture
def run() -> Run:
    """Runs the command to its end."""

    def go(*arguments: object, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stderr
        return done

    return go


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], tuple["subprocess.Popen[str]", str]]]:
    """Starts cohort servers over one folder and leaves none behind."""
    processes: list[subprocess.Popen[str]] = []

    def serve() -> tuple["subprocess.Popen[str]", str]:
        options = ("--port", "0", "--metrics-port", "0", "--threads", "1", "--worker-lease-s", "8")
        folder = ("--cohort-folder", str(tmp_path / "cohorts"), "--cohort-segmenter", "")
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cohort", *options, *folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "serving":
                return process, f"127.0.0.1:{event['port']}"
        pytest.fail("the server ended")

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def wait_for(condition: Callable[[], bool], timeout_s: float = 300.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def made(folder: Path) -> int:
    """Cases that are whole in a store."""
    return len(list(folder.glob("store/cohorts/*/cases/*.json")))


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """Process ids of the workers that a server started."""
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(child) for each in children for child in each.read_text().split()]


@pytest.mark.slow
def test_a_killed_server_loses_nothing(start, run: Run, spec: Path, tmp_path: Path) -> None:
    """Kill -9 of the server ends its workers too; the next one takes the work up, and the command downloads it."""
    server, address = start()
    name = run("cohort", "create", spec, "--detach", "--server", address).stdout.strip()
    wait_for(lambda: made(tmp_path / "cohorts") >= 1)
    workers = workers_of(server)
    assert len(workers) == 1
    server.send_signal(signal.SIGKILL)
    server.wait()
    wait_for(lambda: not Path(f"/proc/{workers[0]}").exists())
    _, address = start()
    run("cohort", "watch", name, "--server", address)
    shown = run("cohort", "get", name.removeprefix("cohorts/"), "--server", address).stdout
    assert "succeeded" in shown
    assert "3 of 3" in shown
    assert name.removeprefix("cohorts/") in run("cohort", "list", "--server", address).stdout
    run("cohort", "download", name, "--out", tmp_path / "data", "--server", address)
    sums = (tmp_path / "data" / "SHA256SUMS").read_text().splitlines()
    found = digests(tmp_path / "data")
    for line in sums:
        digest, path = line.split(maxsplit=1)
        assert found[path.lstrip("*")] == digest
    assert len([path for path in found if path.endswith("_T1w.nii.gz")]) >= 3
    run("cohort", "delete", name, "--server", address)
    run("cohort", "get", name, "--server", address, code=3)


@pytest.mark.slow
def test_local_work_goes_on_after_an_interruption(run: Run, spec: Path, tmp_path: Path) -> None:
    """Stopped half-way, the same command completes it, and leaves only the data set; the models judge each case."""
    out = tmp_path / "data"
    line = command("cohort", "create", spec, "--local", "--out", out)
    first = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    workshop = tmp_path / "data.cohort"
    wait_for(lambda: made(workshop) >= 1 or first.poll() is not None)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=120)
    assert first.returncode == 143, said
    assert made(workshop) >= 1
    assert not out.exists()
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**SPEC, "seed": 6}))
    assert "another spec" in run("cohort", "create", other, "--local", "--out", out, code=3).stderr
    assert "succeeded" in run("cohort", "create", spec, "--local", "--out", out).stdout
    assert not workshop.exists()
    manifest = json.loads(next(out.rglob("*_manifest.json")).read_text())
    assert "segmenter_wt" in manifest["segmenter"]
    assert "not empty" in run("cohort", "create", spec, "--local", "--out", out, code=3).stderr


def test_what_is_wrong_is_said_before_anything_starts(run: Run, spec: Path, tmp_path: Path) -> None:
    """Field, rule and value of a spec; a missing server; options that do not go together."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: x\ncase_count: -4\n")
    said = run("cohort", "price", wrong, code=3).stderr
    assert "case_count" in said
    assert "-4" in said
    assert "--server" in run("cohort", "list", code=3).stderr
    assert "--out" in run("cohort", "create", spec, "--local", code=3).stderr
    assert "cannot be read" in run("cohort", "price", tmp_path / "none.yaml", code=3).stderr
    assert "Data set" in run("cohort", "price", spec).stdout
    assert "case_count" in json.loads(run("cohort", "schema").stdout)["properties"]
