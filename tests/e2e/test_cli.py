"""The command and the SDK against the real services, the real models and real cases."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gliosynth.client import CasePayload, EmbeddedServer, GliosynthClient, Progress, VolumeFile, find_case
from gliosynth.errors import InvalidCaseError, ModelError
from gliosynth.geometry import grid_of
from gliosynth.labels import CONTRASTS, Contrast, Region
from gliosynth.nifti import read_label_map, read_mask, read_nifti
from gliosynth.volume import Volume

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "model_repository"
LABELLED = ROOT / "examples" / "cases" / "Brats18_TCIA02_370_1"
AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])

pytestmark = pytest.mark.timeout(1800)


def gliosynth(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Runs the command as a person does."""
    command = [sys.executable, "-m", "gliosynth.cli", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer.started(model_repository=MODELS) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[GliosynthClient]:
    with GliosynthClient(server.target, timeout_s=1500) as connected:
        yield connected


@pytest.mark.slow
def test_preprocess_writes_five_images_on_one_grid(server: EmbeddedServer, tmp_path: Path) -> None:
    """A stripped 1 mm case comes back z-scored in its brain, 0 outside, with the record of every step."""
    done = gliosynth("preprocess", LABELLED, "--out", tmp_path, "--server", server.target)
    assert done.returncode == 0, done.stderr
    images = {
        name.value: read_nifti((tmp_path / f"{LABELLED.name}_{name.value}.nii.gz").read_bytes(), name=name.value)
        for name in CONTRASTS
    }
    brain = read_mask((tmp_path / f"{LABELLED.name}_brain_mask.nii.gz").read_bytes(), name="brain")
    for image in images.values():
        assert grid_of(image).matches(grid_of(brain))
        inside = np.asarray(image.data)[brain.data]
        assert abs(float(inside.mean())) < 0.05
        assert abs(float(inside.std()) - 1) < 0.1
        assert not np.asarray(image.data)[~brain.data].any()
    document = json.loads((tmp_path / f"{LABELLED.name}_preprocessing.json").read_text())
    assert {"register", "normalise", "skull_strip"} <= {step["name"] for step in document["steps"]}
    assert 900 < document["brain_volume_ml"] < 2000


@pytest.mark.slow
def test_the_sdk_segments_with_progress_to_the_end(client: GliosynthClient) -> None:
    """Stages come in order up to the whole, and the answer lies on the t1c's own grid."""
    case = find_case(LABELLED)
    payload = CasePayload.from_files(case)
    events: list[Progress] = []
    result = client.segment(payload, on_progress=events.append)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert {"receive", "register", "infer"} <= {event.stage for event in events}
    t1c = read_nifti(payload.contrasts[Contrast.T1C].data, name="t1c")
    np.testing.assert_array_equal(result.labels.affine, t1c.affine)
    assert result.labels.shape == t1c.shape
    whole, core, enhancing = (region.volume_ml for region in result.regions)
    assert whole >= core >= enhancing > 0
    assert {model.name for model in result.models} >= {"segmenter_wt", "segmenter_tc", "segmenter_et"}
    assert all(model.digest.startswith("sha256:") for model in result.models)


def test_metrics_of_a_label_map_with_itself_are_perfect(server: EmbeddedServer) -> None:
    """Dice 1 and HD95 0 for each region, printed."""
    labels = LABELLED / f"{LABELLED.name}_seg.nii.gz"
    done = gliosynth("metrics", labels, labels, "--server", server.target)
    assert done.returncode == 0, done.stderr
    for region in ("WT", "TC", "ET"):
        row = next(line for line in done.stdout.splitlines() if f" {region} " in line)
        assert "1.000" in row
        assert " 0.0 " in row


def test_scores_are_those_worked_out_by_hand(client: GliosynthClient) -> None:
    """8 voxels against the 8 shifted by one: 4 shared, Dice 1/2; both without ET: Dice 1 and no sensitivity."""
    reference, prediction = np.zeros((10, 10, 10), np.uint8), np.zeros((10, 10, 10), np.uint8)
    reference[2:4, 2:4, 2:4] = 2
    prediction[3:5, 2:4, 2:4] = 2
    scores = client.score_segmentation(file_of(prediction), file_of(reference), tolerances_mm=(2.0,))
    whole, _, enhancing = scores
    assert [score.region for score in scores] == [Region.WT, Region.TC, Region.ET]
    assert whole.dice == pytest.approx(0.5)
    assert whole.sensitivity == pytest.approx(0.5)
    assert whole.hd95_mm == pytest.approx(1.0, abs=0.5)
    assert (whole.reference_volume_ml, whole.prediction_volume_ml) == (pytest.approx(0.008), pytest.approx(0.008))
    assert dict(whole.surface_dice) == {2.0: 1.0}
    assert (enhancing.dice, enhancing.hd95_mm, enhancing.sensitivity) == (1.0, 0.0, None)


def test_images_are_compared_by_the_service(client: GliosynthClient) -> None:
    """A difference of 1 everywhere at a range of 10: MSE 1, MAE 1, PSNR 20 dB."""
    ramp = np.arange(4096, dtype=np.float32).reshape(16, 16, 16) % 8
    answer = client.compare_images(file_of(ramp + 1), file_of(ramp), data_range=10.0)
    assert (answer.mse, answer.mae, answer.data_range) == (pytest.approx(1.0), pytest.approx(1.0), 10.0)
    assert answer.psnr_db == pytest.approx(20.0)


def test_grids_that_differ_are_refused_by_name(client: GliosynthClient) -> None:
    """The error of the service keeps its class through the wire."""
    first, second = np.ones((5, 5, 5), np.uint8), np.ones((6, 5, 5), np.uint8)
    with pytest.raises(InvalidCaseError, match="grid"):
        client.score_segmentation(file_of(first), file_of(second))


def test_doctor_finds_nothing_wrong_here(server: EmbeddedServer) -> None:
    """Packages, models with digests, and every service SERVING."""
    done = gliosynth("doctor", "--server", server.target)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("SERVING") == 5
    assert "sha256:" in done.stdout


def test_doctor_names_the_remedy_for_missing_models(tmp_path: Path) -> None:
    """An empty repository: exit code 1 and what to do, no traceback."""
    done = gliosynth("doctor", "--model-repository", tmp_path)
    assert done.returncode == 1
    assert "bad" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_embedded_server_says_why_it_does_not_start(tmp_path: Path) -> None:
    """The cause from its log is in the error, not only its exit code."""
    with (
        pytest.raises(ModelError, match="ended with code") as caught,
        EmbeddedServer.started(model_repository=tmp_path),
    ):
        pass
    assert caught.value.reason == "EMBEDDED_SERVER_FAILED"
    assert "Traceback" not in str(caught.value)


def test_the_embedded_server_ends_with_its_user() -> None:
    """After the block no process is left, and it served within it."""
    with EmbeddedServer.started(model_repository=MODELS) as running:
        os.kill(running.process_id, 0)
        with GliosynthClient(running.target) as client:
            assert client.health() == "SERVING"
    with pytest.raises(ProcessLookupError):
        os.kill(running.process_id, 0)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children hear Ctrl-C even where a shell runs the tests in the background, which ignores it and hands that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_command_stops_its_server(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    """An interrupted command leaves neither files nor processes behind."""
    command = [sys.executable, "-m", "gliosynth.cli", "segment", str(LABELLED), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        child = wait_for_busy_child(process.pid)
        process.send_signal(sent)
        assert process.wait(timeout=120) == code
    assert not (tmp_path / "out").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def wait_for_busy_child(process_id: int) -> int:
    """Returns the id of a process' child as soon as it runs threads of its own: then its parent knows it, too."""
    listing = Path(f"/proc/{process_id}/task/{process_id}/children")
    while True:
        for child in listing.read_text().split():
            if len(list(Path(f"/proc/{child}/task").iterdir())) > 1:
                return int(child)
        time.sleep(0.05)


def file_of(data: np.ndarray) -> VolumeFile:
    return VolumeFile.from_volume(Volume(data, AFFINE))


def test_labels_read_alike_on_both_sides(client: GliosynthClient) -> None:
    """A BraTS 2018 file with label 4 scores 1 against its own 2023 spelling."""
    legacy = (LABELLED / f"{LABELLED.name}_seg.nii.gz").read_bytes()
    modern = read_label_map(legacy, name="seg")
    scores = client.score_segmentation(
        VolumeFile.from_volume(modern), VolumeFile.from_path(LABELLED / f"{LABELLED.name}_seg.nii.gz")
    )
    assert [score.dice for score in scores] == [1.0, 1.0, 1.0]
