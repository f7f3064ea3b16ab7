"""Tests of training.data.sources.layouts and the layouts: what is found by file names alone."""

import json
from pathlib import Path

import pytest

from gliosynth.errors import InvalidInputError, InvalidParameterError
from gliosynth.labels import CONTRASTS, Contrast, Label
from training.data.sources.brats import patient_of
from training.data.sources.fakes import TASK_CHANNELS, TASK_TABLE
from training.data.sources.found import FoundCase
from training.data.sources.layouts import find_cases, layout_named, layout_of

OLD = ("t1.nii.gz", "t1ce.nii.gz", "t2.nii.gz", "flair.nii.gz", "seg.nii.gz")
NEW = ("t1n.nii.gz", "t1c.nii.gz", "t2w.nii.gz", "t2f.nii.gz", "seg.nii.gz")


def touch(folder: Path, *names: str) -> None:
    """Makes empty files: finding opens none."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def contrasts_of(case: FoundCase) -> list[Contrast]:
    """Returns the contrasts of a case in channel order."""
    return sorted((image.contrast for image in case.images), key=CONTRASTS.index)


def test_brats_2018_is_found_below_its_grades(tmp_path: Path) -> None:
    """HGG and LGG are folders between the data set and its cases; the scans of a patient are one patient's."""
    for place in ("HGG/Brats18_TCIA01_378_1", "HGG/Brats18_TCIA01_378_2", "LGG/Brats18_2013_0_1"):
        touch(tmp_path, *(f"{place}/{Path(place).name}_{ending}" for ending in OLD))
    cases = find_cases(tmp_path)
    assert [case.name for case in cases] == ["Brats18_2013_0_1", "Brats18_TCIA01_378_1", "Brats18_TCIA01_378_2"]
    assert [case.patient for case in cases] == ["Brats18_2013_0", "Brats18_TCIA01_378", "Brats18_TCIA01_378"]
    assert all(contrasts_of(case) == list(CONTRASTS) and len(case.labels) == 1 for case in cases)


def test_brats_2021_and_2023_names_are_found(tmp_path: Path) -> None:
    """t1ce and t1c are the same contrast; files may be compressed or not; other files are none of ours."""
    touch(tmp_path, *(f"BraTS2021_00000/BraTS2021_00000_{ending}" for ending in OLD))
    touch(tmp_path, *(f"BraTS-GLI-00005-101/BraTS-GLI-00005-101-{ending.removesuffix('.gz')}" for ending in NEW))
    touch(tmp_path, "BraTS2021_00000/notes.txt", "BraTS2021_00000/BraTS2021_00000_adc.nii.gz")
    cases = find_cases(tmp_path)
    assert [case.name for case in cases] == ["BraTS-GLI-00005-101", "BraTS2021_00000"]
    assert all(contrasts_of(case) == list(CONTRASTS) for case in cases)


def test_cases_in_one_folder_are_told_apart_by_their_names(tmp_path: Path) -> None:
    """Some copies of BraTS have no folder per case."""
    touch(tmp_path, *(f"{case}_{ending}" for case in ("one", "two") for ending in OLD))
    assert [case.name for case in find_cases(tmp_path)] == ["one", "two"]


def test_cases_of_one_name_keep_apart_by_their_folder(tmp_path: Path) -> None:
    """Two years in one folder may use a number twice."""
    touch(tmp_path, "a/case_t1.nii.gz", "b/case_t1.nii.gz")
    assert [case.name for case in find_cases(tmp_path)] == ["a/case", "b/case"]


def test_missing_and_doubled_files_are_found_as_they_are(tmp_path: Path) -> None:
    """What is wrong with a case is said when it is read; finding it must not stop the others."""
    touch(tmp_path, "a/a_t1ce.nii.gz", "a/a_t1gd.nii.gz", "b/b_seg.nii.gz")
    first, second = find_cases(tmp_path)
    assert contrasts_of(first) == [Contrast.T1C, Contrast.T1C]
    assert (second.images, len(second.labels)) == ((), 1)


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("BraTS-GLI-00005-101", "BraTS-GLI-00005"),
        ("Brats17_TCIA_141_1", "Brats17_TCIA_141"),
        ("BraTS19_TCIA10_639_1", "BraTS19_TCIA10_639"),
        ("BraTS20_Training_001", "BraTS20_Training_001"),
        ("BraTS2021_00000", "BraTS2021_00000"),
        ("TCGA-FG-6692", "TCGA-FG-6692"),
    ],
)
def test_patients_follow_from_the_names_of_each_year(name: str, patient: str) -> None:
    """The last number counts scans in 2017 to 2019 and 2023; in 2020 and 2021 it is the patient."""
    assert patient_of(name) == patient


def write_task(folder: Path, table: object) -> None:
    """Writes a task with one case of empty files."""
    touch(folder, "imagesTr/BRATS_001.nii.gz", "imagesTr/._BRATS_001.nii.gz", "labelsTr/BRATS_001.nii.gz")
    (folder / "dataset.json").write_text(json.dumps(table))


def test_the_decathlon_s_table_says_what_channels_and_values_are(tmp_path: Path) -> None:
    """FLAIR comes first and 1 is oedema: nothing is taken from BraTS's own order."""
    write_task(tmp_path, TASK_TABLE)
    (case,) = find_cases(tmp_path)
    assert tuple(image.contrast for image in case.images) == TASK_CHANNELS
    assert [image.channel for image in case.images] == [0, 1, 2, 3]
    assert case.values == {0: Label.BACKGROUND, 1: Label.ED, 2: Label.NCR, 3: Label.ET}
    assert case.paths == (tmp_path / "imagesTr/BRATS_001.nii.gz", tmp_path / "labelsTr/BRATS_001.nii.gz")


@pytest.mark.parametrize(
    "table",
    [
        {**TASK_TABLE, "modality": {"0": "CT"}},
        {**TASK_TABLE, "labels": {"0": "background", "1": "liver"}},
        {"labels": TASK_TABLE["labels"]},
        [],
    ],
)
def test_another_task_of_the_decathlon_is_refused(tmp_path: Path, table: object) -> None:
    """A liver is not read as a brain; the message lists the names that are known."""
    write_task(tmp_path, table)
    with pytest.raises(InvalidInputError, match="enhancing tumour"):
        find_cases(tmp_path)


def test_bids_finds_images_labels_and_brains(tmp_path: Path) -> None:
    """T1 with contrast agent is t1c; the tumour's dseg is taken and the tissues' is not; sessions are cases."""
    touch(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz")
    touch(tmp_path, "sub-01/anat/sub-01_FLAIR.nii.gz", "sub-01/anat/sub-01_ce-gadolinium_T2w.nii.gz")
    derived = "derivatives/gliosynth/sub-01/anat/sub-01_desc"
    touch(tmp_path, f"{derived}-tumour_dseg.nii.gz", f"{derived}-tissue_dseg.nii.gz", f"{derived}-brain_mask.nii.gz")
    for session in ("ses-1", "ses-2"):
        touch(tmp_path, f"sub-02/{session}/anat/sub-02_{session}_acq-3d_run-1_T2w.nii.gz")
        touch(tmp_path, f"derivatives/lesions/sub-02/{session}/anat/sub-02_{session}_label-lesion_mask.nii.gz")
    first, second, third = find_cases(tmp_path)
    assert contrasts_of(first) == [Contrast.T1N, Contrast.T1C, Contrast.T2F]
    assert [path.name for path in (*first.labels, *first.brain)] == [
        "sub-01_desc-tumour_dseg.nii.gz", "sub-01_desc-brain_mask.nii.gz",
    ]  # fmt: skip
    assert [case.name for case in (second, third)] == ["sub-02_ses-1", "sub-02_ses-2"]
    assert {second.patient, third.patient} == {"sub-02"}
    assert all(contrasts_of(case) == [Contrast.T2W] and len(case.labels) == 1 for case in (second, third))


def test_layouts_are_told_apart(tmp_path: Path) -> None:
    """Each folder has one layout, although T1w files also end like BraTS's."""
    touch(tmp_path / "bids", "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_FLAIR.nii.gz")
    touch(tmp_path / "brats", *(f"case/case_{ending}" for ending in OLD))
    write_task(tmp_path / "msd", TASK_TABLE)
    assert [layout_of(tmp_path / name).name for name in ("bids", "brats", "msd")] == ["bids", "brats", "msd"]


def test_a_folder_without_cases_names_what_was_looked_for(tmp_path: Path) -> None:
    """The message helps to find out which file names are wrong."""
    touch(tmp_path, "readme.nii.gz")
    with pytest.raises(InvalidInputError, match=r"_t1ce.*") as caught:
        find_cases(tmp_path)
    assert all(name in str(caught.value) for name in ("dataset.json", "sub-*/anat", "-t1n"))
    with pytest.raises(InvalidInputError, match="no such folder"):
        find_cases(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="no case was found as bids"):
        find_cases(tmp_path, layout_named("bids"))


def test_an_unknown_layout_is_refused() -> None:
    """The message lists those there are."""
    with pytest.raises(InvalidParameterError, match="msd, bids, brats"):
        layout_named("nnunet")
