"""Overlap: four counts and what is made of them."""

import numpy as np
import pytest

from gliosynth.errors import InvalidLabelError
from gliosynth.metrics import (
    Box,
    count_overlap,
    dice,
    relative_volume_error,
    sensitivity,
    specificity,
    volume_error_ml,
)


def line(*voxels: int, length: int = 10) -> np.ndarray:
    """Mask of a row of voxels along X."""
    mask = np.zeros((length, 1, 1), dtype=np.bool_)
    mask[list(voxels)] = True
    return mask


EMPTY = line()


def test_scores_follow_from_counts_done_by_hand() -> None:
    """Reference 0-3, prediction 2-4 of 10 voxels: TP 2, FN 2, FP 1, TN 5."""
    reference, prediction = line(0, 1, 2, 3), line(2, 3, 4)
    counts = count_overlap(reference, prediction)
    assert (counts.true_positive, counts.reference, counts.prediction, counts.total) == (2, 4, 3, 10)
    assert dice(reference, prediction) == pytest.approx(4 / 7)
    assert sensitivity(reference, prediction) == pytest.approx(2 / 4)
    assert specificity(reference, prediction) == pytest.approx(5 / 6)


def test_box_changes_what_is_counted() -> None:
    """Inside voxels 0 to 4 there is one true negative less of five: TN 0 of 1."""
    box = Box((0, 0, 0), (5, 1, 1))
    assert specificity(line(0, 1, 2, 3), line(2, 3, 4), box=box) == 0.0
    assert sensitivity(line(0, 9), line(0), box=box) == 1.0


def test_volume_error_is_signed_and_in_millilitres() -> None:
    """Three voxels too few of 2 x 3 x 4 mm are -0.072 ml, which is -3/4 of the reference."""
    reference, prediction = line(0, 1, 2, 3), line(7)
    assert volume_error_ml(reference, prediction, spacing_mm=(2.0, 3.0, 4.0)) == pytest.approx(-0.072)
    assert relative_volume_error(reference, prediction) == pytest.approx(-0.75)


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        (EMPTY, EMPTY, (1.0, 1.0, 1.0, 0.0)),
        (EMPTY, line(1), (0.0, 0.0, 0.9, float("inf"))),
        (line(1), EMPTY, (0.0, 0.0, 1.0, -1.0)),
        (line(1), line(1), (1.0, 1.0, 1.0, 0.0)),
    ],
    ids=["both-empty", "reference-empty", "prediction-empty", "identical"],
)
def test_empty_masks_have_stated_values(
    reference: np.ndarray, prediction: np.ndarray, expected: tuple[float, float, float, float]
) -> None:
    """Dice, sensitivity, specificity and relative volume error as the docstrings state them."""
    scores = (
        dice(reference, prediction),
        sensitivity(reference, prediction),
        specificity(reference, prediction),
        relative_volume_error(reference, prediction),
    )
    assert scores == pytest.approx(expected)


def test_reference_that_fills_the_box_leaves_perfect_specificity() -> None:
    """Where nothing is negative nothing can be found wrongly."""
    full = np.ones((2, 2, 2), dtype=np.bool_)
    assert specificity(full, full) == 1.0


def test_dice_is_symmetric() -> None:
    """Exchanging the masks leaves Dice as it is."""
    assert dice(line(0, 1, 2), line(2, 3)) == dice(line(2, 3), line(0, 1, 2))


def test_masks_of_different_grids_are_refused() -> None:
    """The message names both shapes."""
    with pytest.raises(InvalidLabelError, match=r"\(10, 1, 1\).*\(9, 1, 1\)"):
        dice(line(1), line(1, length=9))


def test_labels_are_not_taken_for_a_mask() -> None:
    """Integers are refused, so that label 2 is never counted twice."""
    with pytest.raises(InvalidLabelError, match="region_mask"):
        dice(line(1), line(1).astype(np.uint8))
