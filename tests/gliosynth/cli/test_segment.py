"""``gliosynth segment``: three files or none, and one sentence when something is wrong."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gliosynth.cli.exit_codes import ExitCode
from gliosynth.client.fake import FakeServer
from gliosynth.errors import (
    BudgetExceededError,
    DeadlineExceededError,
    GliosynthError,
    InvalidVolumeError,
    ModelError,
    UnknownModelError,
)
from gliosynth.nifti import read_label_map

CASE = "BraTS-GLI-00001-000"


def test_three_files_are_written(run, server: FakeServer, case_folder: Path, tmp_path: Path, capsys) -> None:
    """Label map on the t1c's grid, JSON with the volumes, and a picture; 27 voxels of 2 mm3 are 0.054 ml."""
    out = tmp_path / "out"
    assert run("segment", case_folder, "--out", out, "--server", server.target) == ExitCode.OK
    assert sorted(path.name for path in out.iterdir()) == [f"{CASE}.json", f"{CASE}_overlay.png", f"{CASE}_seg.nii.gz"]
    labels = read_label_map((out / f"{CASE}_seg.nii.gz").read_bytes(), name="seg")
    assert np.argwhere(labels.data == 3).min(axis=0).tolist() == [8, 9, 5]
    assert int((labels.data == 3).sum()) == 27
    document = json.loads((out / f"{CASE}.json").read_text())
    assert document["regions"]["ET"]["volume_ml"] == pytest.approx(0.054)
    assert document["flags"][0]["id"] == "FAKE_MODEL"
    assert document["models"][0]["digest"] == "sha256:" + "0" * 64
    assert document["steps"] == [{"name": "threshold", "parameters": {"share": 0.75}, "volume": "t1c"}]
    assert Image.open(io.BytesIO((out / f"{CASE}_overlay.png").read_bytes())).format == "PNG"
    printed = capsys.readouterr()
    assert "Enhancing tumour" in printed.out
    assert "0.05" in printed.out
    assert "A threshold took the place of the models" in printed.err


def test_four_files_are_as_good_as_a_folder(run, server: FakeServer, case_folder: Path, tmp_path: Path) -> None:
    """Files named one by one, with an id for the results."""
    files = [
        item for name in ("t1n", "t1c", "t2w", "t2f") for item in (f"--{name}", case_folder / f"{CASE}-{name}.nii.gz")
    ]
    assert (
        run("segment", *files, "--case-id", "mine", "--out", tmp_path / "o", "--server", server.target) == ExitCode.OK
    )
    assert (tmp_path / "o" / "mine_seg.nii.gz").exists()
    assert server.segmentation.received_names == ("t1n", "t1c", "t2w", "t2f")


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (InvalidVolumeError("t2f: the file is not NIfTI; send NIfTI", field="t2f"), ExitCode.INVALID_INPUT),
        (BudgetExceededError("t2f: too many voxels; crop it", field="t2f"), ExitCode.INVALID_INPUT),
        (BudgetExceededError("two requests run; try again in 5 s", reason="TOO_MANY_REQUESTS"), ExitCode.SERVER_FAILED),
        (UnknownModelError("there is no model 'x'; see `gliosynth models`"), ExitCode.INVALID_INPUT),
        (ModelError("the model answered NaN; report it"), ExitCode.SERVER_FAILED),
        (DeadlineExceededError("the deadline passed; allow more"), ExitCode.DEADLINE_EXCEEDED),
    ],
)
def test_an_error_leaves_one_sentence_and_no_file(
    run, server: FakeServer, case_folder: Path, tmp_path: Path, capsys, failure: GliosynthError, code: ExitCode
) -> None:
    """The message on standard error, its exit code, nothing written, no traceback."""
    server.segmentation.failure = failure
    assert run("segment", case_folder, "--out", tmp_path / "out", "--server", server.target) == code
    printed = capsys.readouterr()
    assert str(failure) in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert not (tmp_path / "out").exists()


def test_an_error_names_the_file_it_is_about(
    run, server: FakeServer, case_folder: Path, tmp_path: Path, capsys
) -> None:
    """The server knows the contrast only; the person needs the path."""
    server.segmentation.failure = InvalidVolumeError("t2f: truncated; copy it again", field="t2f.data")
    run("segment", case_folder, "--out", tmp_path / "out", "--server", server.target)
    assert f"(file: {case_folder / f'{CASE}-t2f.nii.gz'})" in capsys.readouterr().err


def test_an_incomplete_case_is_not_sent(run, server: FakeServer, case_folder: Path, capsys) -> None:
    """A missing contrast ends before a server is asked."""
    (case_folder / f"{CASE}-t2w.nii.gz").unlink()
    assert run("segment", case_folder, "--server", server.target) == ExitCode.INVALID_INPUT
    assert "no t2w was found" in capsys.readouterr().err
    assert server.segmentation.received_names == ()


@pytest.mark.parametrize("extra", [(), ("--t1c", "a.nii.gz", "--t2w", "b.nii.gz")])
def test_half_a_command_line_is_explained(run, capsys, extra: tuple[str, ...]) -> None:
    """Without a folder all four files are needed; the first missing one is named."""
    assert run("segment", *extra) == ExitCode.INVALID_INPUT
    assert "--t1n" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_named(run, case_folder: Path, capsys) -> None:
    """The address is in the message."""
    assert run("segment", case_folder, "--server", "127.0.0.1:1") == ExitCode.SERVER_FAILED
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_models_of_the_embedded_server_do_not_go_with_another(run, case_folder: Path, tmp_path: Path, capsys) -> None:
    """Two options that contradict each other are not chosen between."""
    code = run("segment", case_folder, "--server", "127.0.0.1:1", "--model-repository", tmp_path)
    assert code == ExitCode.INVALID_INPUT
    assert "--model-repository" in capsys.readouterr().err


def test_models_are_listed(run, server: FakeServer, capsys) -> None:
    """Every page of them, with the digest's beginning."""
    assert run("models", "--server", server.target) == ExitCode.OK
    printed = capsys.readouterr().out
    assert printed.count("fake_wt") == 2
    assert "sha256:000000000000" in printed


def test_every_command_documents_its_exit_codes(run, capsys) -> None:
    """The help of a command is where a script's author looks."""
    for command in ("segment", "preprocess", "metrics", "models", "evaluate", "doctor", "demo"):
        assert run(command, "--help") == ExitCode.OK
        assert "Exit codes" in capsys.readouterr().out
