"""Agreement of label maps, by hand."""

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from gliosynth.metrics.privacy import closest_by_dice, pairwise_dice


def _map(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def test_mean_dice_by_hand() -> None:
    """Label 1: 2 x 1 / (2 + 1) = 2/3; label 2: 2 x 1 / (1 + 2) = 2/3; label 3: only one has it, 0. Mean 4/9."""
    first, second = _map(1, 1, 2, 0, 3), _map(1, 2, 2, 0, 0)
    assert pairwise_dice(first[None], second[None])[0, 0] == pytest.approx(4 / 9)


def test_labels_that_neither_has_do_not_count() -> None:
    """A third map's label 7 does not lower the score of two equal maps."""
    maps = np.stack([_map(1, 2, 0), _map(1, 2, 0), _map(7, 7, 7)])
    assert pairwise_dice(maps, maps)[0, 1] == 1.0


def test_it_is_symmetric_and_one_for_itself() -> None:
    """The order of the maps does not matter."""
    maps = np.random.default_rng(1).integers(0, 4, (300, 3, 4, 2)).astype(np.uint8)
    dice = pairwise_dice(maps, maps)
    assert np.allclose(dice, dice.T)
    assert np.allclose(np.diag(dice), 1.0)


def test_empty_maps_agree() -> None:
    """Two empty maps have Dice 1, an empty and a filled one 0."""
    maps = np.stack([_map(0, 0), _map(0, 0), _map(1, 0)])
    assert pairwise_dice(maps, maps)[0].tolist() == [1.0, 1.0, 0.0]


def test_no_maps_have_no_pairs() -> None:
    """An empty set of maps is compared with nothing."""
    maps = np.ones((3, 2, 2, 2), np.uint8)
    assert pairwise_dice(maps[:0], maps).shape == (0, 3)


def test_the_closest_map_is_found_also_mirrored() -> None:
    """The mirror image of the second record is nearest to the second record, with Dice 1."""
    records = np.random.default_rng(2).integers(0, 4, (5, 6, 4, 3)).astype(np.uint8)
    found = closest_by_dice(records[[1]][:, ::-1], records)
    assert (found.index.tolist(), found.similarity.tolist()) == ([1], [1.0])


def test_blocks_change_nothing() -> None:
    """Six hundred maps in two blocks: the same as the largest off the diagonal of the whole table."""
    maps = np.random.default_rng(3).integers(0, 3, (600, 3, 2, 2)).astype(np.uint8)
    table = np.maximum(pairwise_dice(maps, maps), pairwise_dice(maps, maps[:, ::-1]))
    np.fill_diagonal(table, -1.0)
    found = closest_by_dice(maps, maps, same_set=True)
    assert np.array_equal(found.similarity, table.max(axis=1))
    assert np.array_equal(found.index, table.argmax(axis=1))


def test_grids_must_agree() -> None:
    """Maps of other grids are refused."""
    with pytest.raises(InvalidParameterError):
        pairwise_dice(np.zeros((1, 2, 2, 2), np.uint8), np.zeros((1, 2, 2, 3), np.uint8))
