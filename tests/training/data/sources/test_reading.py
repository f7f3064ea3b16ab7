"""Tests of training.data.sources.reading: files become what networks see, and bad cases are told."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import GliosynthError
from gliosynth.labels import CONTRASTS, Contrast, Label
from gliosynth.preprocessing import pipeline
from gliosynth.preprocessing.case import Case
from gliosynth.preprocessing.registration import Registration
from gliosynth.volume import Volume
from training.data.sources.fakes import FakeCase, fake_case, write_bids, write_brats, write_decathlon, write_volume
from training.data.sources.layouts import find_cases, layout_named
from training.data.sources.reading import RealVolume, read_case

ML = 1 / 1000.0


@pytest.fixture(scope="module")
def case() -> FakeCase:
    """A case of 1 mm."""
    return fake_case(0)


def only(folder: Path) -> RealVolume:
    """Returns the one case of a folder, read."""
    (found,) = find_cases(folder)
    return read_case(found)


def overlap(volume: RealVolume, channel: int, label: Label) -> float:
    """Returns the mean z-score of a contrast in a label minus that in the brain's rest."""
    scores, labels = volume.contrasts[channel], volume.labels
    return float(scores[labels == label].mean() - scores[volume.brain & (labels == 0)].mean())


def found_in_place(*_: object, **__: object) -> Registration:
    """Stands in for the search: it takes a minute, and training cases are co-registered before they come."""
    return Registration(np.eye(4), 0.0, 2.0, 2.0, 1.0, 9.0)


def test_a_case_is_what_the_service_makes_of_it(
    case: FakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """z-scores and brain equal those of the preprocessing service, voxel by voxel."""
    monkeypatch.setattr(pipeline, "register", found_in_place)
    write_brats(tmp_path, "case", case)
    ours = only(tmp_path)
    given = Case(*(Volume(case.images[contrast], case.affine) for contrast in CONTRASTS))
    theirs = pipeline.preprocess_case(given)
    assert ours.contrasts[:, ours.brain].tobytes() == theirs.contrasts[:, theirs.brain].tobytes()
    assert not ours.contrasts[:, ~ours.brain].any()
    assert ours.present == CONTRASTS


def test_labels_and_images_are_turned_to_ras_together(case: FakeCase, tmp_path: Path) -> None:
    """A file of axes to the left and posterior is flipped along both; ET is 3 whatever the year writes."""
    write_brats(tmp_path, "case", case)
    volume = only(tmp_path)
    x, y, z = (slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(case.brain[::-1, ::-1]))
    i, j, k = (slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(volume.brain))
    assert np.array_equal(volume.labels[i, j, k], case.labels[::-1, ::-1][x, y, z])
    assert overlap(volume, 1, Label.ET) > 1
    assert abs(overlap(volume, 1, Label.NCR)) < 0.2


@pytest.mark.parametrize("layout", ["brats 2023", "msd", "bids", "bids with sessions"])
def test_every_layout_gives_the_same_case(case: FakeCase, tmp_path: Path, layout: str) -> None:
    """However labels are numbered and contrasts are ordered, networks see the same bytes."""
    write_brats(tmp_path / "reference", "case", case)
    write: dict[str, Callable[[Path], None]] = {
        "brats 2023": lambda folder: write_brats(folder, "case", case, new_names=True),
        "msd": lambda folder: write_decathlon(folder, {"BRATS_001": case}),
        "bids": lambda folder: write_bids(folder, "sub-0001", case),
        "bids with sessions": lambda folder: write_bids(folder, "sub-0001", case, session="ses-1"),
    }
    write[layout](tmp_path / "other")
    expected, found = only(tmp_path / "reference"), only(tmp_path / "other")
    assert found.contrasts.tobytes() == expected.contrasts.tobytes()
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.brain, expected.brain)


def test_a_missing_contrast_is_zero_and_said_so(case: FakeCase, tmp_path: Path) -> None:
    """It is blanked as channel dropout blanks one; the others are untouched."""
    write_brats(tmp_path, "case", case, contrasts=(Contrast.T1C, Contrast.T2F))
    volume = only(tmp_path)
    assert volume.present == (Contrast.T1C, Contrast.T2F)
    assert not volume.contrasts[[0, 2]].any()
    assert volume.contrasts[1].any()
    assert volume.contrasts[3].any()


def test_coarse_voxels_are_resampled_to_a_millimetre(tmp_path: Path) -> None:
    """Volumes in ml survive from 2 mm: brain and tumour within 3 %, and the contrast stays where the labels are."""
    coarse = fake_case(0, spacing_mm=2.0)
    write_brats(tmp_path, "case", coarse)
    volume = only(tmp_path)
    assert volume.spacing_mm == (2.0, 2.0, 2.0)
    assert volume.brain.sum() * ML == pytest.approx(coarse.brain.sum() * 8 * ML, rel=0.12)
    assert (volume.labels > 0).sum() == pytest.approx((coarse.labels > 0).sum() * 8, rel=0.03)
    assert overlap(volume, 3, Label.ED) > 1


def test_labels_outside_the_brain_are_dropped_and_counted(case: FakeCase, tmp_path: Path) -> None:
    """A few stray voxels in the air are no reason to lose a case."""
    labels = case.labels.copy()
    labels[:2, :5, :5] = Label.ED
    write_brats(tmp_path, "case", replace(case, labels=labels))
    volume = only(tmp_path)
    assert volume.outside_ml == pytest.approx(0.05)
    assert (volume.labels > 0).sum() == (case.labels > 0).sum()


def test_a_case_without_labels_is_tumour_free_only_where_the_user_says_so(case: FakeCase, tmp_path: Path) -> None:
    """Forgotten labels must never teach a network that a tumour is healthy."""
    write_brats(tmp_path, "case", case)
    (tmp_path / "case_seg.nii.gz").unlink()
    (found,) = find_cases(tmp_path)
    with pytest.raises(GliosynthError, match="free of tumour") as caught:
        read_case(found)
    assert caught.value.reason == "NO_LABELS"
    assert not read_case(found, tumour_free=True).labels.any()


def break_shape(folder: Path, case: FakeCase) -> None:
    """Cuts the FLAIR's last slice off."""
    write_volume(folder / "case_flair.nii.gz", case.images[Contrast.T2F][..., :-1], case.affine)


def break_place(folder: Path, case: FakeCase) -> None:
    """Moves the labels by a voxel."""
    moved = case.affine.copy()
    moved[0, 3] += 1
    write_volume(folder / "case_seg.nii.gz", case.labels, moved)


def break_values(folder: Path, case: FakeCase) -> None:
    """Writes a label that means nothing."""
    write_volume(folder / "case_seg.nii.gz", np.where(case.labels == 2, 9, case.labels).astype(np.uint8), case.affine)


def break_file(folder: Path, case: FakeCase) -> None:
    """Cuts a file in half."""
    path = folder / "case_t2.nii.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def break_labels_file(folder: Path, case: FakeCase) -> None:
    """Writes text where labels should be."""
    (folder / "case_seg.nii.gz").write_text("no labels today")


def break_flip(folder: Path, case: FakeCase) -> None:
    """Moves the tumour into a corner of the air."""
    moved = np.roll(case.labels, (32, 38, 40), axis=(0, 1, 2))
    write_volume(folder / "case_seg.nii.gz", moved, case.affine)


def break_skull(folder: Path, case: FakeCase) -> None:
    """Fills the air with noise, as in a head that was not stripped."""
    rng = np.random.default_rng(0)
    for ending in ("t1", "t1ce", "t2", "flair"):
        noise = rng.integers(1, 500, case.brain.shape).astype(np.int16)
        write_volume(folder / f"case_{ending}.nii.gz", noise, case.affine)


def break_brain(folder: Path, case: FakeCase) -> None:
    """Leaves 8 ml of brain."""
    small = np.zeros_like(case.brain)
    small[40:60, 40:60, 40:60] = True
    for contrast, ending in zip(CONTRASTS, ("t1", "t1ce", "t2", "flair"), strict=True):
        write_volume(folder / f"case_{ending}.nii.gz", case.images[contrast] * small, case.affine)


def break_twice(folder: Path, case: FakeCase) -> None:
    """Adds the T1c under its other name."""
    os.link(folder / "case_t1ce.nii.gz", folder / "case_t1gd.nii.gz")


@pytest.mark.parametrize(
    ("wrong", "reason", "says"),
    [
        (break_shape, "SEVERAL_GRIDS", "case_flair.nii.gz"),
        (break_place, "SEVERAL_GRIDS", "case_seg.nii.gz"),
        (break_values, "INVALID_LABEL", "9.0"),
        (break_file, "TRUNCATED", "case_t2.nii.gz"),
        (break_labels_file, "NOT_NIFTI", "case_seg.nii.gz"),
        (break_flip, "LABELS_OUTSIDE_BRAIN", "orientation"),
        (break_skull, "SKULL", "brain mask"),
        (break_brain, "EMPTY_BRAIN_MASK", "8 ml"),
        (break_twice, "DUPLICATE_FILE", "case_t1gd.nii.gz"),
    ],
)
def test_a_bad_case_says_what_is_wrong(
    case: FakeCase, tmp_path: Path, wrong: Callable[[Path, FakeCase], None], reason: str, says: str
) -> None:
    """Each fault has its own reason and names the file or the remedy."""
    write_brats(tmp_path, "case", case)
    wrong(tmp_path, case)
    with pytest.raises(GliosynthError, match=says) as caught:
        only(tmp_path)
    assert caught.value.reason == reason


def test_labels_alone_are_no_case(tmp_path: Path) -> None:
    """As where a download broke off."""
    (tmp_path / "case_seg.nii.gz").touch()
    (found,) = find_cases(tmp_path, layout_named("brats"))
    with pytest.raises(GliosynthError, match="add the contrasts") as caught:
        read_case(found)
    assert caught.value.reason == "NO_CONTRAST"


def test_a_value_that_the_decathlon_s_table_lacks_is_refused(case: FakeCase, tmp_path: Path) -> None:
    """4 is ET in BraTS, and nothing here."""
    write_decathlon(tmp_path, {"BRATS_001": case})
    write_volume(tmp_path / "labelsTr" / "BRATS_001.nii.gz", np.where(case.labels, 4, 0).astype(np.uint8), case.affine)
    with pytest.raises(GliosynthError, match=r"\[4.0\].*1 \(ED\), 2 \(NCR\), 3 \(ET\)"):
        only(tmp_path)


def test_a_brain_mask_stands_in_for_a_stripped_skull(case: FakeCase, tmp_path: Path) -> None:
    """With a mask of their own, images may show the whole head: nothing outside the mask is seen."""
    rng = np.random.default_rng(1)
    head = {
        contrast: np.where(case.brain, image, rng.integers(1, 900, image.shape)).astype(np.int16)
        for contrast, image in case.images.items()
    }
    write_bids(tmp_path, "sub-01", replace(case, images=head))
    volume = only(tmp_path)
    assert volume.brain.sum() == case.brain.sum()
    assert not volume.contrasts[:, ~volume.brain].any()
    assert overlap(volume, 3, Label.ED) > 1


@pytest.mark.data
@pytest.mark.parametrize("folder", ["glioma-tcga", "glioma-brats2021"])
def test_real_cases_are_read(real_data: Path, folder: str) -> None:
    """A case of BraTS 2018 and one of 2021, as they are: z-scores, all of the tumour, a brain of human size."""
    cases = find_cases(real_data / folder)
    assert len(cases) == {"glioma-tcga": 4, "glioma-brats2021": 3}[folder]
    volume = read_case(cases[0])
    assert 1000 < volume.brain.sum() * ML < 1900
    assert set(np.unique(volume.labels)) == {0, 1, 2, 3}
    assert np.abs(volume.contrasts[:, volume.brain].mean(axis=1)).max() < 0.1
    assert volume.outside_ml < 0.1


@pytest.mark.data
def test_scans_as_they_leave_the_scanner_are_refused(real_data: Path) -> None:
    """Four contrasts of a head on four grids: the message says what makes a case of them."""
    (found,) = find_cases(real_data / "glioma-tcga-native")
    with pytest.raises(GliosynthError, match="gliosynth preprocess"):
        read_case(found, tumour_free=True)
