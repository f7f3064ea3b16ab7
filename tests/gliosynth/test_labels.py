"""Labels, regions and the reading of every BraTS year's values."""

import numpy as np
import pytest

from gliosynth.errors import InvalidLabelError
from gliosynth.labels import CONTRASTS, Label, Region, canonical_labels, labels_from_regions, region_mask

ALL_LABELS = np.array([[[0, 1, 2, 3]]], dtype=np.uint8)


def test_contrasts_keep_the_channel_order_of_the_papers() -> None:
    """Every network and file depends on this order."""
    assert CONTRASTS == ("t1n", "t1c", "t2w", "t2f")


@pytest.mark.parametrize(
    ("region", "expected"),
    [(Region.WT, [0, 1, 1, 1]), (Region.TC, [0, 1, 0, 1]), (Region.ET, [0, 0, 0, 1])],
)
def test_region_is_a_set_of_labels(region: Region, expected: list[int]) -> None:
    """WT = {1, 2, 3}, TC = {1, 3}, ET = {3}."""
    np.testing.assert_array_equal(region_mask(ALL_LABELS, region), np.array([[expected]], dtype=bool))


def test_labels_from_regions_inverts_region_masks() -> None:
    """Taking the regions apart and putting them together changes nothing."""
    masks = [region_mask(ALL_LABELS, region) for region in (Region.WT, Region.TC, Region.ET)]
    np.testing.assert_array_equal(labels_from_regions(*masks), ALL_LABELS)


def test_labels_from_regions_enforces_the_hierarchy() -> None:
    """ET outside TC and TC outside WT vanish; ET outside TC does not turn the tumour into something else."""
    whole = np.array([[[True, True, False, True]]])
    core = np.array([[[True, False, True, False]]])
    enhancing = np.array([[[False, True, True, False]]])
    expected = np.array([[[Label.NCR, Label.ED, Label.BACKGROUND, Label.ED]]])
    np.testing.assert_array_equal(labels_from_regions(whole, core, enhancing), expected)


def test_no_enhancement_leaves_core_and_oedema_apart() -> None:
    """Without ET the code of paper 002 called all tumour ET; here TC becomes NCR and the rest ED."""
    whole = np.array([[[True, True, False]]])
    core = np.array([[[True, False, False]]])
    labels = labels_from_regions(whole, core, np.zeros_like(whole))
    np.testing.assert_array_equal(labels, [[[Label.NCR, Label.ED, Label.BACKGROUND]]])


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.uint8])
def test_legacy_four_is_read_as_enhancing(dtype: type[np.generic]) -> None:
    """BraTS 2012 to 2021 write ET as 4."""
    values = np.array([[[0, 1, 2, 4]]], dtype=dtype)
    canonical = canonical_labels(values, source="seg")
    assert canonical.dtype == np.uint8
    np.testing.assert_array_equal(canonical, ALL_LABELS)


@pytest.mark.parametrize("values", [[0, 5], [-1, 0], [0.5, 1.0], [np.nan, 1.0]])
def test_unknown_label_values_are_refused(values: list[float]) -> None:
    """The message names the file and the value."""
    with pytest.raises(InvalidLabelError, match=r"seg\.nii: label values") as caught:
        canonical_labels(np.array([[values]]), source="seg.nii")
    assert caught.value.field == "seg.nii"


def test_three_and_four_together_are_refused() -> None:
    """A file that uses both would silently merge two meanings."""
    with pytest.raises(InvalidLabelError, match="both 3 and 4"):
        canonical_labels(np.array([[[3, 4]]]), source="seg")
