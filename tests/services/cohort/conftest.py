"""Real databases, stores and worker processes for the tests of cohorts; cases of 24³ voxels take half a second."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import onnx
import psycopg
import pytest
from onnx import TensorProto, helper, numpy_helper

from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import make_case
from gliosynth.cohort.dataset import finish_dataset
from gliosynth.cohort.lineage import generator_id
from gliosynth.cohort.spec import CohortSpec, parse_spec
from gliosynth.cohort.summary import CaseSummary
from services.cohort.jobs.cohorts import Cohorts
from services.cohort.jobs.database import Database, database_url
from services.cohort.jobs.records import CohortRecord, ModelRecord, NewCohort, PriceRecord
from services.cohort.jobs.tables import ACTIVE, State
from services.cohort.making.generator import generator_models
from services.runtime.settings import Settings
from services.runtime.storage import Store, open_store

ROOT = Path(__file__).parents[3]
POSTGRES = Path("/usr/lib/postgresql/15/bin")


def tiny_document(case_count: int, **changes: object) -> dict[str, object]:
    """A spec whose cases are quick: a small grid, shapes without growth, one donor in two."""
    quick = {
        "name": "tiny",
        "case_count": case_count,
        "seed": 11,
        "anatomies": {"built_in": ["head_01", "head_02"]},
        "tumour": {"free_share": 0.3, "shapes": {"noisy": 1.0}},
        "grid": {"shape": [24, 24, 24], "spacing_mm": [6.0, 6.0, 6.0]},
        "release": {"enforce": False},
    }
    return {**quick, **changes}


def order(spec: CohortSpec, request_id: str = "") -> NewCohort:
    """The order of a spec without a gate segmenter, as the server would write it."""
    return NewCohort(
        display_name=spec.name,
        spec=spec.to_json().decode(),
        case_count=spec.case_count,
        request_id=request_id,
        request_digest=hashlib.sha256(spec.to_json()).hexdigest(),
        price=PriceRecord(1.0, 2, 3),
        generator_version=generator_id(spec),
        models=(),
    )


@dataclass
class Workshop:
    """A job database, a store and the worker processes that a test starts."""

    folder: Path
    database: Database
    cohorts: Cohorts
    store: Store
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def order(self, case_count: int, **changes: object) -> CohortRecord:
        return self.cohorts.create(order(parse_spec(tiny_document(case_count, **changes))))

    def start_worker(self, *options: object) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "services.cohort.worker", "--cohort-folder", str(self.folder)]
        command += ["--cohort-segmenter", "", "--worker-lease-s", "8", "--worker-poll-s", "0.05", "--threads", "1"]
        command += ["--database-url", self.database.url, *map(str, options)]
        with self._log(len(self.workers)).open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self.workers.append(process)
        return process

    def is_working(self, process: "subprocess.Popen[bytes]") -> bool:
        """Whether a worker has joined the queue."""
        return '"event": "working"' in self._log(self.workers.index(process)).read_text()

    def logs(self) -> str:
        return "".join(self._log(index).read_text()[-2000:] for index in range(len(self.workers)))

    def _log(self, index: int) -> Path:
        return self.folder / f"worker{index}.log"

    def wait(self, cohort_id: str, *, until: Callable[[CohortRecord], bool], timeout_s: float = 300) -> CohortRecord:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            cohort = self.cohorts.get(cohort_id)
            if until(cohort):
                return cohort
            time.sleep(0.05)
        pytest.fail(f"cohort stays {cohort.state} with {cohort.cases_made} cases: {self.logs()}")

    def wait_over(self, cohort_id: str, timeout_s: float = 300) -> CohortRecord:
        return self.wait(cohort_id, until=lambda cohort: cohort.state not in ACTIVE, timeout_s=timeout_s)

    def digests(self, cohort_id: str) -> dict[str, str]:
        """SHA-256 of every file that lies in the store for a data set, listed or not."""
        root = f"cohorts/{cohort_id}/data/"
        keys = self.store.keys(root.rstrip("/"))
        return {key.removeprefix(root): hashlib.sha256(self.store.get(key)).hexdigest() for key in keys}

    def listed(self, cohort_id: str) -> dict[str, str]:
        """What the complete data set says it holds: path and SHA-256."""
        document = json.loads(self.store.get(f"cohorts/{cohort_id}/files.json"))
        files = [*document["reports"], *document["cases"]]
        assert len({file["path"] for file in files}) == len(files), "a file is listed twice"
        return {file["path"]: file["sha256"] for file in files}


def end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def open_workshop(tmp_path: Path) -> Iterator[Callable[..., Workshop]]:
    opened: list[Workshop] = []

    def open_one(url: str = "", *, expiry_s: float | None = None) -> Workshop:
        folder = tmp_path / f"workshop{len(opened)}"
        database = Database(database_url(url, folder=folder))
        store = open_store("", folder=folder / "store")
        cohorts = Cohorts(database, expiry_s=expiry_s)
        opened.append(Workshop(folder, database, cohorts, store))
        return opened[-1]

    yield open_one
    for workshop in opened:
        for process in workshop.workers:
            end(process)
        workshop.database.close()


@pytest.fixture
def workshop(open_workshop: Callable[..., Workshop]) -> Workshop:
    """On SQLite."""
    return open_workshop()


@pytest.fixture(scope="session")
def document() -> Callable[..., dict[str, object]]:
    """Makes specs whose cases are quick."""
    return tiny_document


@pytest.fixture
def order_with_models() -> Callable[[], NewCohort]:
    """Makes an order whose gate uses a model."""
    model = ModelRecord("segmenter_wt", "1", "sha256:" + "0" * 64)
    return lambda: replace(order(parse_spec(tiny_document(1))), models=(model,))


@pytest.fixture(scope="session")
def made_alone() -> Callable[[int], dict[str, str]]:
    """SHA-256 of every file of the tiny cohort as the library alone makes it, without jobs, stores or workers."""
    made: dict[int, dict[str, str]] = {}

    def digests(case_count: int) -> dict[str, str]:
        if case_count not in made:
            spec = parse_spec(tiny_document(case_count))
            anatomies = SpecAnatomies(spec)
            cases = [
                make_case(spec, number, anatomies=anatomies, segment=None, check=lambda: None)
                for number in range(case_count)
            ]
            files = {path: data for case in cases for path, data in case.files.items()}
            summaries = [CaseSummary.from_json(case.summary.to_json()) for case in cases]
            files |= finish_dataset(spec, summaries, read=files.__getitem__).files
            made[case_count] = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        return made[case_count]

    return digests


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL cluster on a socket of its own."""
    if not (POSTGRES / "initdb").exists():
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_postgres:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(*command: str) -> None:
        done = subprocess.run([*as_postgres, *command], cwd="/", capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    run(str(POSTGRES / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(str(POSTGRES / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://tester@/{{name}}?host={folder}"
    run(str(POSTGRES / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgres(postgres_url: str) -> Callable[[], str]:
    """Makes empty databases and returns their URLs."""

    def make() -> str:
        name = f"jobs{time.monotonic_ns()}"
        with psycopg.connect(postgres_url.format(name="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgres_url.format(name=name)

    return make


LEVELS = {
    "t1n": (0.3, 0.35, 0.4, 0.85, 0.62, 0.38, 0.15, 0.0),
    "t1c": (0.3, 0.35, 0.95, 0.85, 0.6, 0.38, 0.15, 0.0),
    "t2w": (0.8, 0.75, 0.6, 0.9, 0.45, 0.3, 0.15, 0.0),
    "t2f": (0.55, 0.85, 0.7, 0.75, 0.55, 0.38, 0.15, 0.0),
}
"""Unit intensities in which the tiny network paints NCR, ED, ET, the four bands and the background of each contrast."""

GENERATOR_CONFIG = """
name: "{name}"
backend: "onnxruntime"
max_batch_size: 8
input [ {{ name: "brain_maps" data_type: TYPE_UINT8 dims: [ {count}, -1, -1 ] }} ]
output [ {{ name: "contrasts" data_type: TYPE_FP32 dims: [ {count}, -1, -1 ] }} ]
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
{parameters}
"""


def tiny_generator(contrasts: tuple[str, ...]) -> onnx.ModelProto:
    """Returns a network: each channel of a brain map in its level, smoothed by 3 x 3 pixels, 0 in the background."""
    count = len(contrasts)
    constants = {
        "table": np.array([LEVELS[contrast] for contrast in contrasts], np.float32).ravel(),
        "rows": (8 * np.arange(count, dtype=np.int64)).reshape(1, count, 1, 1),
        "background": np.array(7, np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["brain_maps"], ["channels"], to=TensorProto.INT64),
        helper.make_node("Add", ["channels", "rows"], ["places"]),
        helper.make_node("Gather", ["table", "places"], ["levels"]),
        helper.make_node("AveragePool", ["levels"], ["smooth"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Less", ["channels", "background"], ["inside"]),
        helper.make_node("Cast", ["inside"], ["brain"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["smooth", "brain"], ["contrasts"]),
    ]
    shape = ["n", count, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "tiny_generator",
        [helper.make_tensor_value_info("brain_maps", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("contrasts", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def add_generator(
    root: Path, name: str = "augmentation_network", painted: tuple[str, ...] = tuple(LEVELS), **parameters: str
) -> Path:
    """Puts a tiny generator into a model repository, with other parameters in its config.pbtxt, and returns it."""
    folder = root / name
    (folder / "1").mkdir(parents=True)
    onnx.save(tiny_generator(painted), folder / "1" / "model.onnx")
    written = {"contrasts": ",".join(painted), "multiple": "16", "trained_on": "nothing at all", **parameters}
    entries = [f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}' for key, value in written.items()]
    text = GENERATOR_CONFIG.format(name=name, count=len(painted), parameters="\n".join(entries))
    (folder / "config.pbtxt").write_text(text)
    return root


@pytest.fixture(scope="session")
def new_generator() -> Callable[..., Path]:
    """Puts tiny generators into model repositories."""
    return add_generator


@pytest.fixture
def order_painted(workshop: Workshop) -> Callable[..., CohortRecord]:
    """Orders cohorts that the generator of a model repository paints, as the server would."""

    def create(case_count: int, models: Path, **settings: object) -> CohortRecord:
        spec = parse_spec(tiny_document(case_count, generator="augmentation_network"))
        pinned = generator_models(Settings(model_repository=models, **settings), spec)
        return workshop.cohorts.create(replace(order(spec), models=pinned))

    return create


LEASE_S = 3
"""Seconds without a sign after which a worker is taken for dead: short, so that the test need not wait."""

MOST_KILLS = 3
"""Kills in a round; the last worker may finish."""

STARTING_SHARE = 0.25
"""Kills that hit a worker before it has joined the queue."""

LONGEST_LIFE_S = 3.0
"""Most seconds for which a worker works before it is killed."""


def _kill_at_random_moments(workshop: Workshop, cohort_id: str, *, workers: int, seed: int) -> int:
    """Kills one worker after the other with SIGKILL, each with a new one in its place; returns how many."""
    rng = random.Random(seed)
    crew = [workshop.start_worker("--worker-lease-s", LEASE_S) for _ in range(workers)]
    for kill in range(MOST_KILLS):
        place = kill % workers
        starting = rng.random() < STARTING_SHARE
        while not starting and not workshop.is_working(crew[place]):
            assert crew[place].poll() is None, workshop.logs()
            time.sleep(0.02)
        time.sleep(rng.uniform(0.0, LONGEST_LIFE_S))
        if workshop.cohorts.get(cohort_id).ended_s is not None:
            return kill
        crew[place].send_signal(signal.SIGKILL)
        crew[place].wait()
        crew[place] = workshop.start_worker("--worker-lease-s", LEASE_S)
    workshop.wait_over(cohort_id, timeout_s=300)
    return MOST_KILLS


def _check_complete(workshop: Workshop, cohort_id: str, expected: dict[str, str]) -> None:
    """The data set is there, once, with exactly the bytes that the library alone makes."""
    cohort = workshop.cohorts.get(cohort_id)
    assert (cohort.state, cohort.cases_made, cohort.error_message) == (State.SUCCEEDED, cohort.case_count, "")
    assert workshop.listed(cohort_id) == expected
    assert workshop.digests(cohort_id) == expected
    assert cohort.file_count == len(expected)


@pytest.fixture
def survive_kills(made_alone: Callable[[int], dict[str, str]]) -> Callable[..., None]:
    """Orders a cohort, kills its workers at random moments, and checks that nothing was lost."""

    def survive(workshop: Workshop, *, case_count: int, workers: int, seed: int) -> None:
        expected = made_alone(case_count)
        cohort = workshop.order(case_count)
        assert _kill_at_random_moments(workshop, cohort.id, workers=workers, seed=seed) > 0
        _check_complete(workshop, cohort.id, expected)

    return survive
