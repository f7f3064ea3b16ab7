"""Edits of the seven real tumours: inside the brain, exact in volume, on whatever shape patients bring."""

import os
from pathlib import Path

import numpy as np
import pytest

from gliosynth.labels import Region
from gliosynth.nifti import read_label_map, read_nifti
from gliosynth.tumour_map import Surroundings, edit_tumour_map
from gliosynth.tumour_map.describe import describe_tumour_map
from gliosynth.tumour_map.edits import AddSatellite, Deform, Mirror, RandomEdit, Relocate, Resize, Rotate, Scale
from gliosynth.tumour_map.places import Lobe, Side
from gliosynth.volume import Volume

DATA = Path(os.environ.get("GLIOSYNTH_DATA", Path(__file__).parents[4] / "shared" / "data"))

CASES = (
    "glioma-brats2021/BraTS2021_00006",
    "glioma-brats2021/BraTS2021_01476",
    "glioma-brats2021/BraTS2021_01479",
    "glioma-tcga/Brats18_TCIA01_378_1",
    "glioma-tcga/Brats18_TCIA01_425_1",
    "glioma-tcga/Brats18_TCIA02_370_1",
    "glioma-tcga/Brats18_TCIA10_628_1",
)

pytestmark = pytest.mark.data


def load(case: str) -> tuple[Volume[np.uint8], Surroundings]:
    folder = DATA / case
    if not folder.is_dir():
        pytest.skip("set GLIOSYNTH_DATA to the folder that holds glioma-tcga and glioma-brats2021")
    tumour = read_label_map((folder / f"{folder.name}_seg.nii.gz").read_bytes(), name="seg")
    image = read_nifti((folder / f"{folder.name}_t1ce.nii.gz").read_bytes(), name="t1c")
    return tumour, Surroundings.of_image(image)


@pytest.mark.parametrize("case", CASES)
def test_a_real_tumour_is_moved_whole_and_stays_inside(case: str) -> None:
    """Moved, bent, mirrored: the volume after and what was cut off are the volume before, to a voxel a region."""
    tumour, around = load(case)
    edits = [Rotate(25, 1, 2, 3), Deform(2, 1, 12), Mirror()]
    edited = edit_tumour_map(tumour, edits, around=around)
    assert not edited.labels.data[~around.brain].any()
    assert edited.after[0].volume_ml + edited.clipped_ml == pytest.approx(edited.before[0].volume_ml, abs=0.0011)
    for before, after in zip(edited.before, edited.after, strict=True):
        assert after.volume_ml <= before.volume_ml + 0.0011


@pytest.mark.parametrize("case", CASES[::3])
def test_a_real_tumour_is_sent_regrown_and_drawn(case: str) -> None:
    """A recipe of everything that draws or searches; the description finds it where it was sent."""
    tumour, around = load(case)
    sent = edit_tumour_map(tumour, [Scale(0.5), Relocate(Lobe.OCCIPITAL, Side.RIGHT)], around=around)
    found = describe_tumour_map(sent.labels, around=around)
    assert (found.lobes[0].lobe, found.lobes[0].side) == (Lobe.OCCIPITAL, Side.RIGHT)
    et_ml = sent.after[2].volume_ml * 1.5
    changed = edit_tumour_map(sent.labels, [Resize(Region.ET, et_ml), AddSatellite(0.4), RandomEdit(1)], around=around)
    assert changed.steps[0].after[2].volume_ml == pytest.approx(et_ml, abs=0.0011)
    assert changed.steps[1].after[2].volume_ml == pytest.approx(et_ml + 0.2, abs=0.0011)
    assert not changed.labels.data[~around.brain].any()
