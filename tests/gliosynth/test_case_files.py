"""Cases are found in any BraTS naming, and doubts are loud."""

from pathlib import Path

import pytest

from gliosynth.case_files import find_case, find_case_folders, has_labels
from gliosynth.errors import InvalidCaseError
from gliosynth.labels import Contrast

NAMINGS = {
    "2018": ("Brats18_TCIA02_370_1", ("_t1", "_t1ce", "_t2", "_flair", "_seg"), ".nii.gz"),
    "2021": ("BraTS2021_00006", ("_t1", "_t1ce", "_t2", "_flair", "_seg"), ".nii.gz"),
    "2023": ("BraTS-GLI-00001-000", ("-t1n", "-t1c", "-t2w", "-t2f", "-seg"), ".nii.gz"),
    "uncompressed": ("case_7", ("_t1n", "_t1c", "_t2w", "_t2f", "_seg"), ".nii"),
    "capitals": ("A-1", ("_T1", "_T1CE", "_T2", "_FLAIR", "_SEG"), ".nii.gz"),
}


def fill(folder: Path, case_id: str, endings: tuple[str, ...], extension: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for ending in endings:
        (folder / f"{case_id}{ending}{extension}").write_bytes(b"")


@pytest.mark.parametrize("naming", NAMINGS)
def test_each_years_naming_is_found(tmp_path: Path, naming: str) -> None:
    """Contrast, labels and id come out of the names alone."""
    case_id, endings, extension = NAMINGS[naming]
    fill(tmp_path, case_id, endings, extension)
    case = find_case(tmp_path)
    assert case.case_id == case_id
    assert [case.contrasts[contrast].name for contrast in (Contrast.T1N, Contrast.T1C, Contrast.T2W, Contrast.T2F)] == [
        f"{case_id}{ending}{extension}" for ending in endings[:4]
    ]
    assert case.labels == tmp_path / f"{case_id}{endings[4]}{extension}"


def test_a_case_without_labels_is_a_case(tmp_path: Path) -> None:
    """Labels are optional, and other files do not matter."""
    fill(tmp_path, "a", ("_t1", "_t1ce", "_t2", "_flair", "_notes"), ".nii.gz")
    (tmp_path / "a_t1.json").write_text("{}")
    assert find_case(tmp_path).labels is None
    assert not has_labels(tmp_path)


def test_a_missing_contrast_is_named(tmp_path: Path) -> None:
    """The error says which contrast and which endings would do."""
    fill(tmp_path, "a", ("_t1", "_t2", "_flair"), ".nii.gz")
    with pytest.raises(InvalidCaseError, match=r"no t1c was found .*_t1ce") as caught:
        find_case(tmp_path)
    assert (caught.value.reason, caught.value.field) == ("CONTRAST_MISSING", "t1c")


@pytest.mark.parametrize(("second", "field"), [("a_t1gd.nii.gz", "t1c"), ("a_seg.nii", "labels")])
def test_a_contrast_given_twice_is_refused(tmp_path: Path, second: str, field: str) -> None:
    """Two files for one thing are never chosen between."""
    fill(tmp_path, "a", ("_t1", "_t1ce", "_t2", "_flair", "_seg"), ".nii.gz")
    (tmp_path / second).write_bytes(b"")
    with pytest.raises(InvalidCaseError, match="found 2 times") as caught:
        find_case(tmp_path)
    assert (caught.value.reason, caught.value.field) == ("CONTRAST_DUPLICATE", field)


def test_files_of_two_cases_are_refused(tmp_path: Path) -> None:
    """Contrasts of two subjects in one folder are not mixed."""
    fill(tmp_path, "a", ("_t1", "_t1ce"), ".nii.gz")
    fill(tmp_path, "b", ("_t2", "_flair"), ".nii.gz")
    with pytest.raises(InvalidCaseError, match="2 cases") as caught:
        find_case(tmp_path)
    assert caught.value.reason == "SEVERAL_CASES"


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A mistyped path is not an empty case."""
    with pytest.raises(InvalidCaseError, match="no such folder"):
        find_case(tmp_path / "nowhere")
    with pytest.raises(InvalidCaseError, match="no such folder"):
        find_case_folders(tmp_path / "nowhere")


def test_case_folders_are_found_at_any_depth(tmp_path: Path) -> None:
    """One folder a case, grouped by data set or not."""
    fill(tmp_path / "set" / "b", "b", ("_t1",), ".nii.gz")
    fill(tmp_path / "a", "a", ("-t1n", "-seg"), ".nii")
    (tmp_path / "notes").mkdir()
    assert find_case_folders(tmp_path) == (tmp_path / "a", tmp_path / "set" / "b")
    assert has_labels(tmp_path / "a")
    assert not has_labels(tmp_path / "set" / "b")
