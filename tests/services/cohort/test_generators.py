"""Cohorts that networks paint: ordered, refused, made by real workers on real engines, and pinned to their model."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gliosynth.brain_map import BrainChannel
from gliosynth.cohort.anatomies import SpecAnatomies
from gliosynth.cohort.case import make_case
from gliosynth.cohort.dataset import finish_dataset
from gliosynth.cohort.spec import Generator, parse_spec
from gliosynth.generation import paint
from gliosynth.v1 import cohort_pb2, cohort_pb2_grpc
from services.cohort.build import build
from services.cohort.jobs.tables import State
from services.cohort.making.painters import Painters
from services.runtime.settings import Settings

CONTRASTS = ("t1n", "t1c", "t2w", "t2f")


@pytest.fixture
def models(tmp_path: Path, new_generator: Callable[..., Path]) -> Path:
    """A model repository with a joint generator of four contrasts."""
    return new_generator(tmp_path / "models")


@pytest.fixture
def stub_of(start_server, connect, tmp_path: Path) -> Callable[..., cohort_pb2_grpc.CohortServiceStub]:
    """Opens servers without workers and without a gate over a model repository."""

    def open_one(models: Path, **settings: object) -> cohort_pb2_grpc.CohortServiceStub:
        fixed = {"cohort_folder": tmp_path / "cohorts", "cohort_workers": 0, "cohort_segmenter": ""}
        return cohort_pb2_grpc.CohortServiceStub(
            connect(start_server(build, model_repository=models, **fixed, **settings))
        )

    return open_one


def ask(stub: cohort_pb2_grpc.CohortServiceStub, *, validate_only: bool = False, **changes: object):
    document = {"name": "painted", "case_count": 2, "generator": "augmentation_network", **changes}
    request = cohort_pb2.CreateCohortRequest(spec=json.dumps(document).encode(), validate_only=validate_only)
    operation, cohort = stub.CreateCohort(request, timeout=20), cohort_pb2.Cohort()
    assert (operation.response if operation.done else operation.metadata).Unpack(cohort)
    return cohort


def refused(stub: cohort_pb2_grpc.CohortServiceStub, **options: object) -> tuple[grpc.RpcError, str]:
    """What a refused order is told, and the reason; nothing is stored."""
    with pytest.raises(grpc.RpcError) as caught:
        ask(stub, **options)
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in rpc_status.from_call(caught.value).details)
    assert not stub.ListCohorts(cohort_pb2.ListCohortsRequest(), timeout=20).cohorts
    return caught.value, info.reason


@pytest.mark.parametrize("validate_only", [False, True])
def test_a_generator_that_the_repository_lacks_is_refused(stub_of, models: Path, validate_only: bool) -> None:
    """At creation and when only asked: the sentence names the generator and what is there."""
    error, reason = refused(stub_of(models), generator="spade", validate_only=validate_only)
    assert (error.code(), reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL")
    assert "spade" in error.details()
    assert "it has augmentation_network" in error.details()


def test_a_cohort_pins_its_network_with_engine_and_digest(stub_of, models: Path) -> None:
    """What would paint is named in the order and in the cohort; movements are written out with their defaults."""
    stub = stub_of(models)
    asked, made = ask(stub, validate_only=True), ask(stub)
    for cohort in (asked, made):
        (model,) = cohort.models
        assert (model.name, model.version, model.engine, model.precision) == (
            "augmentation_network",
            "1",
            "onnxruntime",
            "fp32",
        )
        assert model.digest.startswith("sha256:")
        assert cohort.generator_version.startswith("augmentation_network/")
        assert json.loads(cohort.spec)["manipulation"]["rotation_deg"] == 80.0


def test_the_price_knows_the_network(stub_of, models: Path) -> None:
    """A painted cohort takes longer than a simulated one, and as many bytes."""
    stub = stub_of(models)
    painted, simulated = ask(stub, validate_only=True), ask(stub, generator="simulator", validate_only=True)
    assert painted.price.seconds > simulated.price.seconds
    assert painted.price.size_bytes == simulated.price.size_bytes


def test_four_networks_of_one_contrast_are_a_generator(
    stub_of, tmp_path: Path, new_generator: Callable[..., Path]
) -> None:
    """All four are pinned; three are refused."""
    root = tmp_path / "single"
    for contrast in CONTRASTS[:3]:
        new_generator(root, f"spade_{contrast}", (contrast,))
    error, reason = refused(stub_of(root), generator="spade")
    assert (reason, "spade_t2f" in error.details()) == ("UNKNOWN_MODEL", True)
    new_generator(root, "spade_t2f", ("t2f",))
    cohort = ask(stub_of(root), generator="spade")
    assert [model.name for model in cohort.models] == [f"spade_{contrast}" for contrast in CONTRASTS]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"contrasts": "t1n,t1c"}, "must name 4 contrasts"),
        ({"contrasts": "t1n,t1c,t2w,pet"}, "must be some of t1n, t1c, t2w, t2f"),
        ({"contrasts": "t1n,t1c,t2w,t2w"}, "not every contrast once"),
        ({"multiple": "0"}, "parameter multiple"),
        ({"spacing_mm": "thin"}, "spacing_mm must be a number"),
    ],
)
def test_a_model_that_is_no_generator_is_refused(
    stub_of, tmp_path: Path, new_generator: Callable[..., Path], parameters: dict[str, str], words: str
) -> None:
    """Its configuration says what is wrong, before anything starts."""
    root = new_generator(tmp_path / "broken", **parameters)
    error, reason = refused(stub_of(root))
    assert reason == "BAD_CONFIG"
    assert words in error.details()


def test_a_grid_that_the_network_was_not_trained_at_is_refused(
    stub_of, tmp_path: Path, new_generator: Callable[..., Path]
) -> None:
    """Of 1 mm: 4 mm is refused with its field, 1 mm in the slice is not, whatever the slices' distance."""
    stub = stub_of(new_generator(tmp_path / "fine", spacing_mm="1"))
    error, _ = refused(stub, grid={"shape": [40, 48, 40], "spacing_mm": [4, 4, 4]})
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "grid.spacing_mm must be near 1 mm" in error.details()
    assert ask(stub, grid={"shape": [160, 192, 32], "spacing_mm": [1, 1, 5]}, validate_only=True).case_count == 2


def test_the_simulator_moves_no_tumour(stub_of, models: Path) -> None:
    """A manipulation beside it is a mistake, and named."""
    error, reason = refused(stub_of(models), generator="simulator", manipulation={"shift_mm": 5.0})
    assert reason == "INVALID_SPEC"
    assert "leave out manipulation" in error.details()


def painted_alone(models: Path, spec: bytes) -> dict[str, str]:
    """SHA-256 of every file of a cohort as the library makes it with the repository's network, without workers."""
    read, painters = parse_spec(spec), Painters(Settings(model_repository=models, threads=1))
    networks = painters.networks(Generator.AUGMENTATION_NETWORK)
    cases = [
        make_case(read, n, anatomies=SpecAnatomies(read), segment=None, check=lambda: None, networks=networks)
        for n in range(read.case_count)
    ]
    painters.close()
    files = {path: data for case in cases for path, data in case.files.items()}
    files |= finish_dataset(read, [case.summary for case in cases], read=files.__getitem__).files
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def test_workers_paint_what_the_library_does(workshop, order_painted: Callable, models: Path) -> None:
    """One is killed at its first case: another takes over, and every byte is that of an undisturbed run."""
    cohort = order_painted(3, models)
    first = workshop.start_worker("--model-repository", models, "--worker-lease-s", 3)
    workshop.wait(cohort.id, until=lambda now: now.cases_made >= 1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    workshop.start_worker("--model-repository", models, "--worker-lease-s", 3)
    ended = workshop.wait_over(cohort.id)
    assert (ended.state, ended.cases_made, ended.error_message) == (State.SUCCEEDED, 3, "")
    assert workshop.digests(cohort.id) == painted_alone(models, cohort.spec.encode())


def test_the_data_set_names_its_network(workshop, order_painted: Callable, models: Path) -> None:
    """In manifests, sidecars, data card and report, with its digest, its engine and what it was trained on."""
    cohort = order_painted(1, models)
    workshop.start_worker("--model-repository", models)
    assert workshop.wait_over(cohort.id).state is State.SUCCEEDED
    read = {path: workshop.store.get(f"cohorts/{cohort.id}/data/{path}") for path in workshop.digests(cohort.id)}
    digest = cohort.models[0].digest
    (manifest,) = [json.loads(data) for path, data in read.items() if path.endswith("_manifest.json")]
    assert manifest["parameters"]["generation"]["networks"][0]["digest"] == digest
    assert manifest["networks"].startswith(f"augmentation_network/1@{digest} (onnxruntime ")
    sidecar = json.loads(read["sub-0001/anat/sub-0001_FLAIR.json"])
    assert sidecar["GliosynthNetwork"] == manifest["networks"]
    assert "RepetitionTime" not in sidecar
    for name in ("DATACARD.md", "README.md", "report.html"):
        text = read[name].decode()
        assert "nothing at all" in text, name
        assert "No voxel of a patient" not in text
        assert "no patient&#39;s image" not in text


def test_a_worker_with_another_network_paints_nothing(workshop, order_painted: Callable, models: Path) -> None:
    """Another version under the same name: the cohort fails with the reason."""
    cohort = order_painted(1, models)
    (models / "augmentation_network" / "1" / "note.txt").write_text("a new export")
    workshop.start_worker("--model-repository", models)
    failed = workshop.wait_over(cohort.id)
    assert (failed.state, failed.error_reason, failed.cases_made) == (State.FAILED, "MODELS_DIFFER", 0)
    assert "augmentation_network" in failed.error_message


def test_another_engine_is_another_network(order_painted: Callable, models: Path) -> None:
    """A worker's OpenVINO is not the onnxruntime that a cohort was created with; the simulator has no network."""
    cohort = order_painted(1, models)
    for engine, same in (("onnxruntime", True), ("openvino", False)):
        painters = Painters(Settings(model_repository=models, threads=1, cohort_generator_engine=engine))
        assert (painters.models(Generator.AUGMENTATION_NETWORK) == cohort.models) is same
        assert painters.models(Generator.SIMULATOR) == ()
        painters.close()


@pytest.fixture
def triton(models: Path, tmp_path: Path, serve_models: Callable) -> Iterator[str]:
    """A real tritonserver over the same models; yields its address."""
    with serve_models(models, tmp_path / "triton.log") as ports:
        yield f"127.0.0.1:{ports['grpc_port']}"


@pytest.mark.triton
def test_triton_paints_what_the_embedded_engine_does(
    workshop, order_painted: Callable, models: Path, triton: str
) -> None:
    """The same maps give the same images to the last bits; a worker on Triton makes a cohort and names it."""
    maps = np.random.default_rng(0).integers(0, 8, (4, 20, 24, 9), dtype=np.uint8)
    maps[:, 5:15, 5:19, 4] = BrainChannel.BAND_2
    remote = {"cohort_generator_engine": "triton", "triton_url": triton}
    images = []
    for settings in ({}, remote):
        painters = Painters(Settings(model_repository=models, threads=1, **settings))
        images.append(paint(maps, painters.networks(Generator.AUGMENTATION_NETWORK)))
        painters.close()
    np.testing.assert_allclose(images[0], images[1], atol=1e-6)
    assert images[0].max() > 0.5
    cohort = order_painted(1, models, **remote)
    workshop.start_worker("--model-repository", models, "--cohort-generator-engine", "triton", "--triton-url", triton)
    ended = workshop.wait_over(cohort.id)
    assert (ended.state, ended.error_message) == (State.SUCCEEDED, "")
    (path,) = [path for path in workshop.digests(cohort.id) if path.endswith("_manifest.json")]
    manifest = json.loads(workshop.store.get(f"cohorts/{cohort.id}/data/{path}"))
    assert "(triton 2." in manifest["networks"]
