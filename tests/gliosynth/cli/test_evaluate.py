"""``gliosynth evaluate``: which cases are scored, and what the JSON says."""

import json
from pathlib import Path

import numpy as np
import pytest

from gliosynth.cli.evaluate import evaluation_document, labelled_cases
from gliosynth.cli.evaluation import EvaluatedCase, threshold_baseline
from gliosynth.cli.exit_codes import ExitCode
from gliosynth.cli.segment import SegmentedCase
from gliosynth.client import CaseFiles, CasePayload, ModelIdentity, PreprocessingResult, SegmentationResult
from gliosynth.errors import InvalidCaseError
from gliosynth.geometry import Grid
from gliosynth.labels import CONTRASTS, Contrast, LabelMap
from gliosynth.metrics import score_case
from gliosynth.nifti import write_nifti
from gliosynth.segmentation import segment_by_threshold
from gliosynth.volume import Volume

SHAPE = (30, 30, 30)


def box(side: int, label: int) -> LabelMap:
    """A cube of one label from voxel 2 on."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2 : 2 + side, 2 : 2 + side, 2 : 2 + side] = label
    return labels


def evaluated(case_id: str, *, reference: LabelMap, prediction: LabelMap, baseline: LabelMap) -> EvaluatedCase:
    volume = Volume(prediction, np.eye(4))
    model = ModelIdentity("segmenter_wt", "1", "sha256:ab", "onnxruntime", "fp32")
    result = SegmentationResult(volume, b"", (), (), (model,), (), (), 1400.0)
    done = SegmentedCase(CaseFiles(case_id, {}), CasePayload({}), result, 2.0)
    return EvaluatedCase(
        done,
        Volume(reference, np.eye(4)),
        baseline,
        score_case(reference, prediction, spacing_mm=(1, 1, 1)),
        score_case(reference, baseline, spacing_mm=(1, 1, 1)),
    )


def two_cases() -> list[EvaluatedCase]:
    """A large ET found whole, the baseline half; and a small ET (1 ml) that was missed."""
    large, half = box(20, 3), box(20, 3)
    half[12:] = 0
    return [
        evaluated("a", reference=large, prediction=large, baseline=half),
        evaluated("b", reference=box(10, 3), prediction=box(10, 2), baseline=box(10, 2)),
    ]


def test_the_json_has_the_agreed_shape() -> None:
    """Keys and nesting as scripts read them; 10 of 20 layers are a Dice of 2 x 4000 / 12000."""
    document = json.loads(json.dumps(evaluation_document(two_cases())))
    first, second = document["cases"]
    assert first["id"] == "a"
    assert first["dice"] == {"WT": 1.0, "TC": 1.0, "ET": 1.0}
    assert first["hd95"] == {"WT": 0.0, "TC": 0.0, "ET": 0.0}
    assert first["baseline_dice"]["ET"] == pytest.approx(2 / 3)
    assert first["seconds"] == 2.0
    assert second["dice"] == {"WT": 1.0, "TC": 0.0, "ET": 0.0}
    assert second["hd95"]["ET"] == 374.0
    assert document["models"] == [{"name": "segmenter_wt", "version": "1", "digest": "sha256:ab"}]


def test_means_are_over_cases_and_et_over_large_ones_apart() -> None:
    """(1 + 0) / 2 over all; only the 8 ml tumour counts among those above 5 ml."""
    mean = evaluation_document(two_cases())["mean"]
    assert mean["dice"] == {"WT": 1.0, "TC": 0.5, "ET": 0.5}
    assert mean["baseline_dice"]["ET"] == pytest.approx(1 / 3)
    assert mean["hd95"]["ET"] == 187.0
    assert mean["et_over_5_ml"]["case_count"] == 1
    assert mean["et_over_5_ml"]["dice"] == 1.0


def test_without_a_large_et_there_is_no_figure_for_it() -> None:
    """None, not 0: nothing was measured."""
    mean = evaluation_document(two_cases()[1:])["mean"]
    assert mean["et_over_5_ml"] == {"case_count": 0, "dice": None, "baseline_dice": None}


def fill(folder: Path, *suffixes: str) -> None:
    folder.mkdir(parents=True)
    for suffix in suffixes:
        (folder / f"{folder.name}_{suffix}.nii.gz").write_bytes(b"")


def test_unlabelled_cases_are_passed_over_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the labelled case is scored, and the other is named."""
    fill(tmp_path / "a", "t1", "t1ce", "t2", "flair", "seg")
    fill(tmp_path / "b", "t1", "t1ce", "t2", "flair")
    assert [case.case_id for case in labelled_cases(tmp_path)] == ["a"]
    assert str(tmp_path / "b") in capsys.readouterr().err.replace("\n", "")


def test_a_labelled_case_that_is_incomplete_stops_everything(tmp_path: Path) -> None:
    """Before anything is computed: a mean over fewer cases than asked for would lie."""
    fill(tmp_path / "a", "t1", "t1ce", "t2", "flair", "seg")
    fill(tmp_path / "b", "t1", "t1ce", "t2", "seg")
    with pytest.raises(InvalidCaseError, match="no t2f"):
        labelled_cases(tmp_path)


def test_a_folder_without_labelled_cases_is_an_error(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code and sentence, and no JSON."""
    fill(tmp_path / "cases" / "b", "t1", "t1ce", "t2", "flair")
    target = tmp_path / "scores.json"
    assert run("evaluate", tmp_path / "cases", "--json", target) == ExitCode.INVALID_INPUT
    assert "no labelled case was found" in capsys.readouterr().err
    assert not target.exists()


def test_the_baseline_comes_back_on_the_grid_of_the_labels() -> None:
    """The 1 mm case is in RAS, the labels in LPS with an offset: voxel (x, y, z) lies at (20 - x, 25 - y, z)."""
    generator = np.random.default_rng(7)
    data = {contrast: generator.normal(0, 0.1, SHAPE).astype(np.float32) for contrast in CONTRASTS}
    data[Contrast.T2F][4:12, 5:14, 6:16] = 4.0
    brain = Volume(np.ones(SHAPE, np.uint8), np.eye(4))
    volumes = {contrast: Volume(image, np.eye(4)) for contrast, image in data.items()}
    prepared = PreprocessingResult(volumes, brain, {}, (), (), (), 27.0, None)
    affine = np.array([[-1.0, 0, 0, 20], [0, -1, 0, 25], [0, 0, 1, 0], [0, 0, 0, 1]])
    baseline = threshold_baseline(prepared, Grid.of((21, 26, 30), affine))
    direct = segment_by_threshold(np.stack([data[contrast] for contrast in CONTRASTS]), brain.data > 0)
    assert direct.any()
    np.testing.assert_array_equal(baseline, direct[20::-1, 25::-1, :])


def test_labels_on_another_grid_are_refused(run, server, case_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A label map that does not fit its t1c is never scored."""
    labels = Volume(np.ones((5, 5, 5), np.uint8), np.eye(4))
    (case_folder / f"{case_folder.name}-seg.nii.gz").write_bytes(write_nifti(labels))
    assert run("evaluate", case_folder.parent, "--server", server.target) == ExitCode.INVALID_INPUT
    assert "another grid" in capsys.readouterr().err
