"""Folders of tiny made-up cases in every layout, for tests of what reads folders."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nibabel
import numpy as np
from numpy.typing import NDArray

from gliosynth.cohort.dataset.bids import PIPELINE, SUFFIXES
from gliosynth.labels import CONTRASTS, LEGACY_ET, Contrast, Label
from gliosynth.nifti import write_nifti
from gliosynth.volume import Affine, Volume

SHAPE: Final = (92, 100, 90)
"""Voxels of a case of 1 mm."""

RADII_MM: Final = (41.0, 45.0, 40.0)
"""Radii of the brain: hardly more than the least that is believed (300 ml), so that tests are quick."""

OLD_NAMES: Final = {Contrast.T1N: "t1", Contrast.T1C: "t1ce", Contrast.T2W: "t2", Contrast.T2F: "flair"}
"""File names of BraTS 2018 to 2021."""

TASK_TABLE: Final = {
    "name": "BRATS",
    "tensorImageSize": "4D",
    "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
    "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
}
"""What dataset.json of Task01_BrainTumour says."""

TASK_CHANNELS: Final = (Contrast.T2F, Contrast.T1N, Contrast.T1C, Contrast.T2W)
"""The same as contrasts."""

TASK_VALUES: Final = {Label.ED: 1, Label.NCR: 2, Label.ET: 3}
"""The same as labels."""


@dataclass(frozen=True, eq=False)
class FakeCase:
    """A ball of brain with a tumour in shells, as an expert would hand it over.

    Attributes:
        images: Contrast by contrast ``(X, Y, Z)`` int16, exactly 0 outside the brain.
        labels: ``(X, Y, Z)`` uint8, 0 to 3.
        brain: ``(X, Y, Z)``.
        affine: Axes to the left, posterior and superior, as BraTS stores them.
    """

    images: Mapping[Contrast, NDArray[np.int16]]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]
    affine: Affine


def fake_case(seed: int, *, spacing_mm: float = 1.0) -> FakeCase:
    """Returns a case: NCR in ET in ED, off the middle of the brain; T1 shows NCR, T1c ET, T2 and FLAIR all of it.

    Args:
        seed: Decides where the tumour is, and the noise.
        spacing_mm: Voxel edge; the brain has the same size in mm.
    """
    rng = np.random.default_rng(seed)
    shape = [round(size / spacing_mm) for size in SHAPE]
    axes = np.stack(np.meshgrid(*(spacing_mm * (np.arange(n) - (n - 1) / 2) for n in shape), indexing="ij"))
    brain = ((axes / np.reshape(RADII_MM, (3, 1, 1, 1))) ** 2).sum(axis=0) < 1
    centre = rng.uniform([10, 8, -12], [18, 16, -6]).reshape(3, 1, 1, 1)
    far = np.sqrt(((axes - centre) ** 2).sum(axis=0))
    labels = np.select([far < 6, far < 10, far < 16], [Label.NCR, Label.ET, Label.ED]).astype(np.uint8)
    shown = (labels == Label.NCR, labels == Label.ET, labels > 0, labels > 0)
    images = {
        contrast: (brain * (500 + 400 * part + rng.normal(0, 60, brain.shape))).clip(0).astype(np.int16)
        for contrast, part in zip(CONTRASTS, shown, strict=True)
    }
    affine = np.diag([-spacing_mm, -spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = (52.0, 38.0, -50.0)
    return FakeCase(images, labels, brain, affine)


def write_volume(path: Path, data: NDArray[np.generic], affine: Affine) -> None:
    """Writes a NIfTI file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_nifti(Volume(data, affine), compress=path.suffix == ".gz"))


def write_brats(
    folder: Path, name: str, case: FakeCase, *, new_names: bool = False, contrasts: Sequence[Contrast] = CONTRASTS
) -> None:
    """Writes a case as BraTS does: ``_t1ce`` and ET as 4, or as in 2023 ``-t1c`` and ET as 3.

    Args:
        folder: Folder of the case.
        name: What its files begin with.
        case: The case.
        new_names: Whether the year is 2023.
        contrasts: Those that the case has.
    """
    for contrast in contrasts:
        ending = f"-{contrast.value}" if new_names else f"_{OLD_NAMES[contrast]}"
        write_volume(folder / f"{name}{ending}.nii.gz", case.images[contrast], case.affine)
    labels = case.labels if new_names else np.where(case.labels == Label.ET, np.uint8(LEGACY_ET), case.labels)
    write_volume(folder / f"{name}{'-' if new_names else '_'}seg.nii.gz", labels, case.affine)


def write_decathlon(folder: Path, cases: Mapping[str, FakeCase]) -> None:
    """Writes cases as Task01_BrainTumour: one 4D file each, and labels in its own numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(TASK_TABLE))
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(exist_ok=True)
    for name, case in cases.items():
        stack = np.stack([case.images[contrast] for contrast in TASK_CHANNELS], axis=-1)
        nibabel.Nifti1Image(stack, case.affine).to_filename(folder / "imagesTr" / f"{name}.nii.gz")  # type: ignore[no-untyped-call]
        labels = np.zeros_like(case.labels)
        for label, value in TASK_VALUES.items():
            labels[case.labels == label] = value
        write_volume(folder / "labelsTr" / f"{name}.nii.gz", labels, case.affine)


def write_bids(folder: Path, subject: str, case: FakeCase, *, session: str = "") -> None:
    """Writes a case into a BIDS data set, its labels and brain mask into the derivatives.

    Args:
        folder: Of the data set.
        subject: ``"sub-0001"``.
        case: The case.
        session: ``"ses-1"``, or "" for a subject without sessions.
    """
    name = "_".join(filter(None, (subject, session)))
    place = Path(subject, session, "anat")
    for contrast in CONTRASTS:
        write_volume(folder / place / f"{name}_{SUFFIXES[contrast]}.nii.gz", case.images[contrast], case.affine)
    derived = folder / PIPELINE / place
    write_volume(derived / f"{name}_desc-tumour_dseg.nii.gz", case.labels, case.affine)
    write_volume(derived / f"{name}_desc-tissue_dseg.nii.gz", case.brain.astype(np.uint8) * 7, case.affine)
    write_volume(derived / f"{name}_desc-brain_mask.nii.gz", case.brain, case.affine)
