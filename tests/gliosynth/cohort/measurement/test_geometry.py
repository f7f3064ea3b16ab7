"""The common frame: no affine transform hides an anatomy in it, and no other anatomy looks like it."""

import numpy as np
import pytest
from scipy import ndimage

from gliosynth.anatomy import load_anatomy
from gliosynth.cohort.judgement.reference import load_donors
from gliosynth.cohort.measurement.geometry import fit_affine, geometry_of, load_frame, pack, unpack
from gliosynth.metrics.privacy import pairwise_dice


@pytest.fixture(scope="module")
def tissues() -> np.ndarray:
    """The first built-in anatomy."""
    return load_anatomy("head_01").tissues


def _dice_with_donors(tissues: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    found = geometry_of(tissues, load_frame(), spacing_mm=spacing_mm)
    assert found is not None
    return pairwise_dice(found[None], load_donors().maps)[0]


def test_an_affine_copy_is_recognised(tissues) -> None:
    """Turned by 8 degrees, sheared, stretched and moved, head 1 is nearest to itself, by far."""
    turn = np.deg2rad(8.0)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0.02], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.05, 1.1]])
    middle = np.array(tissues.shape) / 2
    copy = ndimage.affine_transform(tissues, matrix, offset=middle - matrix @ middle + [2.0, -3.0, 1.0], order=0)
    dice = _dice_with_donors(copy, (1.0, 1.0, 1.0))
    assert dice.argmax() == 0
    assert dice[0] > 0.9
    assert np.sort(dice)[-2] < 0.7


def test_the_grid_does_not_matter(tissues) -> None:
    """Every other voxel with twice the spacing is the same anatomy."""
    dice = _dice_with_donors(tissues[::2, ::2, ::2], (2.0, 2.0, 2.0))
    assert dice.argmax() == 0
    assert dice[0] > 0.8


def test_an_anatomy_is_its_own_donor(tissues) -> None:
    """The stored map is what measuring the anatomy gives."""
    assert _dice_with_donors(tissues, (1.0, 1.0, 1.0))[0] == pytest.approx(1.0)


def test_donors_are_apart() -> None:
    """No two of the built-in anatomies agree by more than 0.68: what a threshold of 0.8 rests on."""
    maps = load_donors().maps
    dice = pairwise_dice(maps, maps)
    np.fill_diagonal(dice, 0.0)
    assert dice.max() < 0.68


def test_a_map_without_landmarks_has_no_geometry() -> None:
    """White matter alone gives too few points."""
    tissues = np.zeros((20, 20, 20), np.uint8)
    tissues[5:15, 5:15, 5:15] = 1
    assert geometry_of(tissues, load_frame(), spacing_mm=(1.0, 1.0, 1.0)) is None


def test_the_affine_fit_finds_the_map_by_hand() -> None:
    """Twice as wide, moved by (1, 2, 3)."""
    source = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    found = fit_affine(source, source * [2.0, 1.0, 1.0] + [1.0, 2.0, 3.0])
    assert found == pytest.approx(np.array([[2.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 2, 3]]), abs=1e-12)


def test_packing_keeps_every_value() -> None:
    """Text and back."""
    values = np.random.default_rng(1).integers(0, 255, (3, 4, 5)).astype(np.uint8)
    assert np.array_equal(unpack(pack(values), (3, 4, 5)), values)
