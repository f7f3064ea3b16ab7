"""`make demo`, from the command line to the last file: real processes, real models, two real gliomas."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
CASES = ROOT / "examples" / "cases"
NATIVE = "TCGA-FG-6692"
LABELLED = "Brats18_TCIA02_370_1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the demo wrote, and what it printed."""
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "gliosynth.cli", "demo", "--out", str(out)]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def test_each_case_has_its_three_files_and_there_is_one_report(demo: tuple[Path, str]) -> None:
    """And nothing else: no temporary file stays."""
    names = {f"{case}{ending}" for case in (NATIVE, LABELLED) for ending in ("_seg.nii.gz", ".json", "_overlay.png")}
    assert {path.name for path in demo[0].iterdir()} == {*names, "report.html", "cohort"}


@pytest.mark.parametrize("case", [NATIVE, LABELLED])
def test_the_label_map_lies_on_the_native_grid_of_the_t1c(demo: tuple[Path, str], case: str) -> None:
    """Same shape and affine as the file that was sent, by another reader than ours; labels of BraTS 2023 only."""
    labels, t1c = nib.load(demo[0] / f"{case}_seg.nii.gz"), nib.load(CASES / case / f"{case}_t1ce.nii.gz")
    assert labels.shape == t1c.shape
    np.testing.assert_allclose(labels.affine, t1c.affine, atol=1e-4)
    assert set(np.unique(np.asarray(labels.dataobj)).tolist()) <= {0, 1, 2, 3}
    assert np.asarray(labels.dataobj).any()


@pytest.mark.parametrize("case", [NATIVE, LABELLED])
def test_the_volumes_in_the_json_are_those_of_the_label_map(demo: tuple[Path, str], case: str) -> None:
    """Counted here: voxels times the determinant of the affine."""
    image = nib.load(demo[0] / f"{case}_seg.nii.gz")
    labels, voxel_ml = np.asarray(image.dataobj), abs(np.linalg.det(image.affine[:3, :3])) / 1000
    regions = json.loads((demo[0] / f"{case}.json").read_text())["regions"]
    for region, members in {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}.items():
        assert regions[region]["volume_ml"] == pytest.approx(np.isin(labels, members).sum() * voxel_ml, rel=1e-4)


def test_the_native_tumour_lies_in_the_right_frontal_lobe(demo: tuple[Path, str]) -> None:
    """Where the collection says it is: right (x > 0) and in front of the middle of the head."""
    centre = json.loads((demo[0] / f"{NATIVE}.json").read_text())["regions"]["WT"]["centroid_mm"]
    head = nib.load(CASES / NATIVE / f"{NATIVE}_t1ce.nii.gz")
    data = np.asarray(head.dataobj)
    middle = head.affine @ [*np.argwhere(data > data.mean()).mean(axis=0), 1]
    assert centre[0] > middle[0]
    assert centre[1] > middle[1]


def test_each_model_is_named_with_its_digest(demo: tuple[Path, str]) -> None:
    """JSON and report say which file answered."""
    models = json.loads((demo[0] / f"{NATIVE}.json").read_text())["models"]
    page = (demo[0] / "report.html").read_text()
    assert models[0]["name"] == "skull_strip"
    assert {"segmenter_wt", "segmenter_tc", "segmenter_et"} <= {model["name"] for model in models}
    for model in models:
        assert len(model["digest"]) == len("sha256:") + 64
        assert model["digest"] in page


def test_the_table_shows_the_scores_beside_the_baseline(demo: tuple[Path, str]) -> None:
    """The labelled case is in the printed table, whole in 80 columns and with the baseline, and in the report."""
    assert LABELLED in demo[1]
    assert "…" not in demo[1]
    assert len(re.findall(r"0\.\d{3} \(0\.\d{3}\)", demo[1])) == 7  # case and mean of three regions, and ET > 5 ml
    assert "Against the expert" in (demo[0] / "report.html").read_text()


def test_the_pictures_show_the_outlines(demo: tuple[Path, str]) -> None:
    """Each overlay is a picture of some size with more than grey in it, above the legend."""
    for case in (NATIVE, LABELLED):
        picture = np.asarray(Image.open(demo[0] / f"{case}_overlay.png").convert("RGB"))[40:-62].astype(int)
        assert picture.shape[0] > 500
        assert (np.abs(picture[..., 0] - picture[..., 2]) > 80).sum() > 500


def test_the_cohort_is_whole_and_has_its_report(demo: tuple[Path, str]) -> None:
    """Three subjects with four contrasts and labels each, every file as its checksum says, pictures in the report."""
    cohort = demo[0] / "cohort"
    sums = dict(reversed(line.split("  ", 1)) for line in (cohort / "SHA256SUMS").read_text().splitlines())
    assert {hashlib.sha256((cohort / path).read_bytes()).hexdigest() == digest for path, digest in sums.items()} == {
        True
    }
    images = [path for path in sums if path.startswith("sub-") and path.endswith(".nii.gz")]
    assert len(images) == 3 * 4
    assert len([path for path in sums if path.endswith("desc-tumour_dseg.nii.gz")]) == 3
    assert "succeeded" in demo[1]
    assert (cohort / "report.html").read_text().count("data:image/") >= 3
