"""Anatomies of a cohort: the library's, and label maps of the caller's own."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue, anatomy_names, load_anatomy
from gliosynth.cohort.anatomies import SpecAnatomies, anatomy_from_label_map
from gliosynth.cohort.anatomies.own import fit_midline, map_tissues
from gliosynth.cohort.case import make_case
from gliosynth.cohort.dataset import finish_dataset
from gliosynth.errors import InvalidLabelError, InvalidParameterError, InvalidVolumeError
from gliosynth.volume import Volume

if TYPE_CHECKING:
    from conftest import SmallSpec

TABLE = {100 + tissue: tissue for tissue in Tissue if tissue} | {
    100 + fluid: Tissue.OUTER_CSF for fluid in (Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE, Tissue.DURA)
}
"""A label table: other numbers than the tissues', all outer fluid one label, as in most label maps."""

NAMES = {str(value): tissue.name.lower().replace("_", "-") for value, tissue in TABLE.items()}


@pytest.fixture(scope="module")
def donor() -> Anatomy:
    """The head that the label maps of these tests are made from."""
    return load_anatomy("head_05")


@pytest.fixture(scope="module")
def values(donor: Anatomy) -> NDArray[np.int16]:
    """Its tissues as label values of `TABLE`, 0 outside."""
    return np.where(donor.tissues > 0, donor.tissues.astype(np.int16) + 100, np.int16(0))


def label_map(values: NDArray[np.int16], affine: NDArray[np.float64]) -> Volume[np.int16]:
    return Volume(values, affine, "mine")


def test_a_label_map_becomes_the_anatomy_it_was(donor: Anatomy, values: NDArray[np.int16]) -> None:
    """Brain mask, midline and tissues agree with those that were made when the library was built."""
    made = anatomy_from_label_map(label_map(values, donor.affine), TABLE, name="mine")
    assert made.name == "mine"
    assert made.brain_ml == pytest.approx(donor.brain_ml, rel=0.01)
    assert (made.brain == donor.brain).mean() > 0.999
    assert (made.tissues == donor.tissues)[donor.brain].mean() > 0.99
    assert made.brain_centre == pytest.approx(donor.brain_centre, abs=1.0)
    y, z = donor.brain_centre[1:]
    assert made.midline @ (1.0, y, z) == pytest.approx(donor.midline @ (1.0, y, z), abs=2.0)
    assert np.allclose(made.affine, donor.affine)


def test_orientation_and_voxel_size_do_not_matter(donor: Anatomy, values: NDArray[np.int16]) -> None:
    """The same head stored to the left, posterior and superior, or every second voxel of it, is the same head."""
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:2, 3] = np.array(values.shape[:2]) - 1.0
    turned = anatomy_from_label_map(label_map(values[::-1, ::-1], donor.affine @ flip), TABLE, name="mine")
    straight = anatomy_from_label_map(label_map(values, donor.affine), TABLE, name="mine")
    assert np.array_equal(turned.tissues, straight.tissues)
    assert np.allclose(turned.affine, straight.affine)
    coarse = anatomy_from_label_map(
        label_map(values[::2, ::2, ::2], donor.affine @ np.diag([2.0, 2.0, 2.0, 1.0])), TABLE, name="mine"
    )
    assert coarse.brain_ml == pytest.approx(straight.brain_ml, rel=0.05)
    assert coarse.midline @ (1.0, *coarse.brain_centre[1:]) == pytest.approx(coarse.brain_centre[0], abs=4.0)


def test_sulci_of_a_map_without_skull_are_filled(donor: Anatomy, values: NDArray[np.int16]) -> None:
    """Label maps of the brain alone leave the sulci as background; they become fluid inside a closed brain mask."""
    outside = (Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE, Tissue.OUTER_CSF, *range(Tissue.ARTERY, Tissue.OPTIC_NERVE + 1))
    bare = np.where(np.isin(donor.tissues, outside), np.int16(0), values)
    made = anatomy_from_label_map(label_map(bare, donor.affine), TABLE, name="mine")
    assert made.brain_ml == pytest.approx(donor.brain_ml, rel=0.02)
    assert (made.tissues == Tissue.SULCUS_EDGE).sum() > 0.8 * (donor.tissues == Tissue.SULCUS_EDGE).sum()


def test_a_value_without_a_tissue_is_named_with_its_voxels(donor: Anatomy, values: NDArray[np.int16]) -> None:
    """The message lists the values that the table forgot, and how many voxels each has."""
    table = {value: tissue for value, tissue in TABLE.items() if tissue not in (Tissue.CAUDATE, Tissue.SKIN)}
    counts = [int((donor.tissues == tissue).sum()) for tissue in (Tissue.CAUDATE, Tissue.SKIN)]
    with pytest.raises(InvalidLabelError) as caught:
        anatomy_from_label_map(label_map(values, donor.affine), table, name="mine")
    assert caught.value.reason == "UNMAPPED_LABELS"
    assert caught.value.field == "anatomies.own.mine.labels"
    assert f"103 ({counts[0]} voxels), 123 ({counts[1]} voxels)" in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (np.full((3, 3, 3), 0.5), "NOT_WHOLE_NUMBERS"),
        (np.full((3, 3, 3), -7), "UNMAPPED_LABELS"),
        (np.full((3, 3, 3), 101), "BRAIN_VOLUME"),
        (np.full((3, 3, 3), 102), "NO_WHITE_MATTER"),
        (np.zeros((3, 3, 3)), "NO_WHITE_MATTER"),
    ],
)
def test_a_map_that_is_no_head_is_refused(broken: NDArray[np.generic], reason: str) -> None:
    """Fractions, foreign values, an empty map and a brain of a few voxels."""
    with pytest.raises(InvalidLabelError) as caught:
        anatomy_from_label_map(Volume(broken, np.eye(4), "mine"), TABLE, name="mine")
    assert caught.value.reason == reason


def test_a_map_with_infinity_or_of_unbelievable_size_is_refused() -> None:
    """Neither a NaN nor a head of half a metre is mapped."""
    with pytest.raises(InvalidVolumeError, match="NaN"):
        map_tissues(np.array([[[np.nan]]]), TABLE, name="mine")
    wide = Volume(np.full((30, 30, 30), 101), np.diag([20.0, 20.0, 20.0, 1.0]), "mine")
    with pytest.raises(InvalidVolumeError, match="at most 400 mm") as caught:
        anatomy_from_label_map(wide, TABLE, name="mine")
    assert caught.value.reason == "LARGE_EXTENT"


def test_the_midline_of_a_tilted_box_is_its_plane() -> None:
    """Rows whose middle lies on x = 20 + y / 4 - z / 8 give that plane, whatever their widths."""
    tissues = np.zeros((60, 16, 16), dtype=np.uint8)
    for y in range(0, 16, 4):
        for z in range(0, 16, 8):
            middle, half = 20 + y // 4 - z // 8, 3 + (y + z) % 5
            tissues[middle - half : middle + half + 1, y, z] = Tissue.WHITE_MATTER
    assert fit_midline(tissues) == pytest.approx([20.0, 0.25, -0.125])


def test_a_spec_without_anatomies_takes_all_and_one_with_own_maps_those_alone(small_spec: "SmallSpec") -> None:
    """Own maps replace the library's anatomies unless the spec names some of them as well."""
    own = [{"id": "mine", "labels": NAMES}]
    assert SpecAnatomies(small_spec(anatomies={})).names() == anatomy_names()
    assert SpecAnatomies(small_spec(anatomies={"own": own})).names() == ("mine",)
    both = small_spec(anatomies={"own": own, "built_in": ["head_02"]})
    assert SpecAnatomies(both).names() == ("head_02", "mine")


def test_an_anatomy_that_is_not_there_is_a_clear_error(small_spec: "SmallSpec") -> None:
    """A name outside the spec, and a label map that nobody uploaded."""
    spec = small_spec(anatomies={"own": [{"id": "mine", "labels": NAMES}]})
    with pytest.raises(InvalidParameterError, match="names no anatomy 'head_01', only mine"):
        SpecAnatomies(spec).load("head_01")
    with pytest.raises(InvalidParameterError, match="'mine' is not at hand; upload it"):
        SpecAnatomies(spec).load("mine")


def test_a_cohort_on_own_maps_names_them_as_donors(
    small_spec: "SmallSpec", donor: Anatomy, values: NDArray[np.int16]
) -> None:
    """The whole way: uploaded map, case, data set; donor and notice name the map, the library's licence stays away."""
    spec = small_spec(case_count=1, anatomies={"own": [{"id": "mine", "labels": NAMES}]})
    reads: list[str] = []

    def read(name: str) -> Volume[np.int16]:
        reads.append(name)
        return label_map(values, donor.affine)

    anatomies = SpecAnatomies(spec, read)
    case = make_case(spec, 0, anatomies=anatomies, segment=None, check=lambda: None)
    assert anatomies.load("mine") is anatomies.load("mine")
    assert reads == ["mine"]
    assert case.summary.facts.donor == "mine"
    assert case.summary.donor_geometry is not None
    made = finish_dataset(spec, [case.summary], read=case.files.__getitem__)
    assert "LICENSE" not in made.files
    assert b"(mine)" in made.files["NOTICE"]
    assert b"Apache" not in made.files["dataset_description.json"]
