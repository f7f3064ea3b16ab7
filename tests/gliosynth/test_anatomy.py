"""The anatomies that ship with the library."""

import numpy as np
import pytest

from gliosynth.anatomy import BRAIN_CSF, PARENCHYMA, Tissue, anatomy_names, load_anatomies, load_anatomy
from gliosynth.errors import InvalidParameterError
from gliosynth.volume import spacing_of


def test_twenty_heads_hold_every_tissue() -> None:
    """All 20 heads have all tissues, and a brain of plausible size whose mask holds all parenchyma but stray voxels."""
    anatomies = load_anatomies()
    assert [anatomy.name for anatomy in anatomies] == [f"head_{number:02d}" for number in range(1, 21)]
    for anatomy in anatomies:
        counts = np.bincount(anatomy.tissues.ravel(), minlength=len(Tissue))
        assert (counts[list(Tissue)] > 0).all(), anatomy.name
        assert counts.size == len(Tissue)
        assert 1000 < anatomy.brain_ml < 1700
        parenchyma = np.isin(anatomy.tissues, PARENCHYMA)
        assert (parenchyma & anatomy.brain).sum() > 0.999 * parenchyma.sum()


def test_axes_point_right_anterior_superior() -> None:
    """Eyes lie before the cerebellum, ventricles above the brain-stem; voxels are 1 mm."""
    anatomy = load_anatomy("head_03")

    def centre(tissue: Tissue) -> np.ndarray:
        return np.argwhere(anatomy.tissues == tissue).mean(axis=0)

    assert centre(Tissue.EYE)[1] > centre(Tissue.CEREBELLAR_GREY)[1] + 80
    assert centre(Tissue.VENTRICLE)[2] > centre(Tissue.BRAINSTEM)[2] + 20
    assert spacing_of(anatomy.affine) == pytest.approx((1.0, 1.0, 1.0))
    assert np.linalg.det(anatomy.affine[:3, :3]) == pytest.approx(1.0)


def test_the_midline_halves_the_brain() -> None:
    """White matter left and right of the midline differs by less than 6 %."""
    anatomy = load_anatomy("head_07")
    x, y, z = np.nonzero(anatomy.tissues == Tissue.WHITE_MATTER)
    right = (x > anatomy.midline[0] + anatomy.midline[1] * y + anatomy.midline[2] * z).mean()
    assert right == pytest.approx(0.5, abs=0.03)


def test_brain_mask_holds_narrow_sulci_only() -> None:
    """CSF inside the mask is classed as ventricle, sulcus or sulcus edge; outer CSF and bone stay outside."""
    anatomy = load_anatomy("head_03")
    outside = np.isin(anatomy.tissues, (Tissue.OUTER_CSF, Tissue.DURA, Tissue.CORTICAL_BONE, Tissue.SKIN))
    assert not (outside & anatomy.brain).any()
    sulci = np.isin(anatomy.tissues, BRAIN_CSF[1:])
    assert (sulci & anatomy.brain).sum() == sulci.sum()


def test_unknown_anatomy_is_refused_with_the_names_that_exist() -> None:
    """A wrong name raises InvalidParameterError that lists the right ones."""
    with pytest.raises(InvalidParameterError, match="head_20") as caught:
        load_anatomy("head_21")
    assert caught.value.field == "anatomy"
    assert caught.value.got == "head_21"


def test_anatomies_are_shared_and_cannot_be_changed() -> None:
    """Two loads give the same read-only arrays."""
    anatomy = load_anatomy(anatomy_names()[0])
    assert load_anatomy(anatomy_names()[0]) is anatomy
    with pytest.raises(ValueError, match="read-only"):
        anatomy.tissues[0, 0, 0] = 1
