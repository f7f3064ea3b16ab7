"""Tests of the threshold baseline."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.labels import Label, LabelMap, Region, canonical_labels, region_mask
from gliosynth.preprocessing.intensity import normalise
from gliosynth.segmentation import segment_by_threshold

DATA = Path(os.environ.get("GLIOSYNTH_DATA", Path(__file__).parents[4] / "shared" / "data"))


def test_bright_flair_is_whole_tumour_and_bright_t1c_in_it_enhances() -> None:
    """A FLAIR block with a ring of enhancement: ED outside, ET on the ring, NCR inside; a smaller block is left."""
    brain = np.ones((40, 40, 20), dtype=np.bool_)
    contrasts = np.zeros((4, 40, 40, 20), dtype=np.float32)
    contrasts[3, 8:28, 8:28, 4:16] = 4.0
    contrasts[3, 32:36, 32:36, 8:12] = 4.0
    contrasts[1, 12:24, 12:24, 6:14] = 2.0
    contrasts[1, 14:22, 14:22, 8:12] = 0.0
    labels = segment_by_threshold(contrasts, brain)
    assert labels[10, 10, 10] == Label.ED
    assert labels[13, 18, 10] == Label.ET
    assert labels[18, 18, 10] == Label.NCR
    assert labels[34, 34, 10] == Label.BACKGROUND
    assert (labels == Label.ET).sum() == 12 * 12 * 8 - 8 * 8 * 4
    assert (labels == Label.NCR).sum() == 8 * 8 * 4


def test_case_without_enhancement_has_no_core() -> None:
    """No T1c above T1: all of the tumour is ED."""
    brain = np.ones((20, 20, 20), dtype=np.bool_)
    contrasts = np.zeros((4, 20, 20, 20), dtype=np.float32)
    contrasts[3, 5:12, 5:12, 5:12] = 4.0
    assert set(np.unique(segment_by_threshold(contrasts, brain))) == {Label.BACKGROUND, Label.ED}


def dice(prediction: LabelMap, reference: LabelMap, region: Region) -> float:
    """Returns the Dice of one region, neither mask empty."""
    a, b = region_mask(prediction, region), region_mask(reference, region)
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def real_case(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_], LabelMap]:
    """Returns the normalised contrasts, the brain and the expert labels of a skull-stripped BraTS case."""

    def values(kind: str) -> NDArray[np.generic]:
        return np.asarray(nibabel.load(folder / f"{folder.name}_{kind}.nii.gz").dataobj)

    raw = [values(kind) for kind in ("t1", "t1ce", "t2", "flair")]
    brain = np.any([image > 0 for image in raw], axis=0)
    contrasts = np.stack([normalise(image, brain) for image in raw])
    return contrasts, brain, canonical_labels(values("seg"), source="seg")


@pytest.mark.data
@pytest.mark.slow
def test_baseline_reaches_the_published_figures_on_the_seven_real_cases() -> None:
    """Mean WT Dice 0.66 and ET near 0.46 (docs/METHODS.md 0.4; ET's smoothing is not published, ours gives 0.50)."""
    if not DATA.is_dir():
        pytest.skip("set GLIOSYNTH_DATA to the folder that holds glioma-tcga and glioma-brats2021")
    folders = sorted([*DATA.glob("glioma-tcga/Brats18_*"), *DATA.glob("glioma-brats2021/BraTS2021_*")])
    scores = []
    for folder in folders:
        contrasts, brain, reference = real_case(folder)
        prediction = segment_by_threshold(contrasts, brain)
        scores.append([dice(prediction, reference, region) for region in (Region.WT, Region.ET)])
    assert len(scores) == 7
    whole_tumour, enhancing = np.mean(scores, axis=0)
    assert whole_tumour == pytest.approx(0.66, abs=0.02)
    assert enhancing == pytest.approx(0.46, abs=0.06)
