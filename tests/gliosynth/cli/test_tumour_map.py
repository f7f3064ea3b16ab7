"""``gliosynth tumour-map``: what is refused before any server is asked."""

from pathlib import Path

import numpy as np
import pytest

from gliosynth.cli.exit_codes import ExitCode
from gliosynth.nifti import write_nifti
from gliosynth.volume import Volume


@pytest.fixture
def tumour(tmp_path: Path) -> Path:
    """A cube of ET on a grid of its own."""
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[4:8, 4:8, 4:8] = 3
    path = tmp_path / "case_seg.nii.gz"
    path.write_bytes(write_nifti(Volume(labels, np.eye(4))))
    return path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--edit", "grwo ET 2"], "choose one of translate"),
        (["--edit", "scale 9"], "outside 0.1 to 5"),
        ([], "give the edits with --edit"),
        (["--edit", "mirror", "--edits", "edits.yaml"], "give the edits with --edit"),
        (["--edits", "nowhere.yaml"], "nowhere.yaml: the file cannot be read"),
        (["--edit", "mirror", "--healed-out", "h.nii.gz"], "needs --label-map"),
        (["--edit", "mirror", "--brain-mask", "a.nii", "--image", "b.nii"], "at most one of"),
        (["--edit", "mirror", "--brain-mask", "a.nii"], "a.nii: the file cannot be read"),
        (["--edit", "mirror", "--head-mask", "noequals"], "must be NAME=FILE"),
        (["--edit", "mirror", "--brain-labels", "2,x"], "are no label values"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(run, tumour: Path, capsys, arguments: list[str], text: str) -> None:
    """Exit code 3, no traceback, nothing written; the address is never asked."""
    out = tumour.with_name("out.nii.gz")
    code = run("tumour-map", "edit", tumour, *arguments, "--out", out, "--server", "127.0.0.1:1")
    printed = capsys.readouterr()
    assert code == ExitCode.INVALID_INPUT
    assert text in printed.err
    assert "Traceback" not in printed.err
    assert not out.exists()


def test_a_case_without_labels_says_so(run, case_folder: Path, capsys) -> None:
    """A folder needs a label map."""
    code = run("tumour-map", "describe", case_folder, "--server", "127.0.0.1:1")
    assert code == ExitCode.INVALID_INPUT
    assert "no label map" in capsys.readouterr().err


def test_the_help_teaches_every_edit(run, capsys) -> None:
    """A line for each, as it is typed."""
    run("tumour-map", "edit", "--help")
    printed = capsys.readouterr().out
    for name in (
        "translate", "rotate", "scale", "mirror", "deform", "grow", "shrink", "resize", "thicken_rim",
        "add_satellite", "relocate", "transplant", "random",
    ):  # fmt: skip
        assert f"\n {name} " in printed
