"""A whole case in one call equals its metrics one by one."""

import numpy as np
import pytest

from gliosynth.errors import InvalidInputError, InvalidLabelError
from gliosynth.labels import REGIONS, Region, region_mask
from gliosynth.metrics import (
    HD95Definition,
    bounding_box,
    dice,
    hausdorff95,
    lesionwise_scores,
    relative_volume_error,
    score_case,
    sensitivity,
    specificity,
    surface_dice,
    volume_error_ml,
)

SPACING_MM = (1.0, 0.9, 2.5)


def tumour(centre: tuple[int, int, int], radii: tuple[float, float, float]) -> np.ndarray:
    """Label map of nested balls: NCR in ET in ED."""
    grid = np.indices((30, 28, 26)).astype(np.float64)
    distance = np.sqrt(sum((grid[axis] - centre[axis]) ** 2 for axis in range(3)))
    labels = np.zeros(distance.shape, dtype=np.uint8)
    for radius, label in zip(radii, (2, 3, 1), strict=True):
        labels[distance <= radius] = label
    return labels


REFERENCE = tumour((14, 13, 12), (9.5, 6.0, 3.0))
PREDICTION = tumour((15, 12, 12), (9.0, 6.5, 2.0))
BRAIN = tumour((14, 14, 13), (12.0, 0.0, 0.0)) > 0


@pytest.mark.parametrize("definition", list(HD95Definition))
def test_case_equals_single_metrics(definition: HD95Definition) -> None:
    """Working in one box changes no number, under any definition."""
    scores = score_case(REFERENCE, PREDICTION, spacing_mm=SPACING_MM, definition=definition, brain=BRAIN)
    brain_box = bounding_box(BRAIN)
    for region in REGIONS:
        pair = region_mask(REFERENCE, region), region_mask(PREDICTION, region)
        found = scores.of(region)
        assert found.dice == dice(*pair)
        assert found.sensitivity == sensitivity(*pair, box=brain_box)
        assert found.specificity == specificity(*pair, box=brain_box)
        assert found.volume_error_ml == pytest.approx(volume_error_ml(*pair, spacing_mm=SPACING_MM))
        assert found.relative_volume_error == pytest.approx(relative_volume_error(*pair))
        assert found.hd95_mm == hausdorff95(*pair, spacing_mm=SPACING_MM, definition=definition)
        assert [score.tolerance_mm for score in found.surface_dice] == [1.0, 2.0]
        for score in found.surface_dice:
            expected = surface_dice(
                *pair, spacing_mm=SPACING_MM, tolerance_mm=score.tolerance_mm, definition=definition.surface
            )
            assert score.value == expected
        assert found.lesionwise == lesionwise_scores(*pair, spacing_mm=SPACING_MM)


def test_brain_box_ignores_what_lies_outside() -> None:
    """A tumour outside the brain's box counts for Dice and volume, not for sensitivity and specificity."""
    reference, prediction = np.zeros((2, 20, 6, 6), dtype=np.uint8)
    brain = np.zeros((20, 6, 6), dtype=np.bool_)
    brain[:10, :5, :4] = True
    reference[2, 2, 2], prediction[15:17, 2, 2] = 3, 3
    scores = score_case(reference, prediction, spacing_mm=SPACING_MM, brain=brain).of(Region.ET)
    assert (scores.dice, scores.sensitivity, scores.specificity) == (0.0, 0.0, 1.0)
    assert scores.prediction_ml == pytest.approx(2 * 2.25e-3)


def test_fortran_order_changes_nothing() -> None:
    """Label maps come from files in Fortran order."""
    scores = score_case(np.asfortranarray(REFERENCE), PREDICTION[::1], spacing_mm=SPACING_MM)
    assert scores == score_case(REFERENCE, PREDICTION, spacing_mm=SPACING_MM)


def test_identical_maps_are_perfect() -> None:
    """Every score of every region is at its best value."""
    for found in score_case(REFERENCE, REFERENCE, spacing_mm=SPACING_MM).regions:
        assert (found.dice, found.sensitivity, found.specificity, found.hd95_mm) == (1.0, 1.0, 1.0, 0.0)
        assert [score.value for score in found.surface_dice] == [1.0, 1.0]
        assert found.lesionwise is not None
        assert (found.lesionwise.dice, found.lesionwise.hd95_mm) == (1.0, 0.0)


def test_two_empty_maps_are_perfect() -> None:
    """No tumour, none found."""
    empty = np.zeros_like(REFERENCE)
    for found in score_case(empty, empty, spacing_mm=SPACING_MM).regions:
        assert (found.dice, found.sensitivity, found.specificity, found.hd95_mm) == (1.0, 1.0, 1.0, 0.0)
        assert (found.volume_error_ml, found.relative_volume_error) == (0.0, 0.0)


def test_missing_region_takes_the_asked_distance() -> None:
    """ET missing in the prediction: 374 mm, or what one_empty_mm says; the other regions keep theirs."""
    prediction = np.where(PREDICTION == 3, 1, PREDICTION).astype(np.uint8)
    assert score_case(REFERENCE, prediction, spacing_mm=SPACING_MM).of(Region.ET).hd95_mm == 374.0
    found = score_case(REFERENCE, prediction, spacing_mm=SPACING_MM, one_empty_mm=float("inf"), lesionwise=None)
    assert found.of(Region.ET).hd95_mm == float("inf")
    assert found.of(Region.WT).hd95_mm < 10.0
    assert found.of(Region.WT).lesionwise is None


def test_only_the_asked_regions_come_back_in_their_order() -> None:
    """The caller chooses; another region is a KeyError."""
    scores = score_case(REFERENCE, PREDICTION, spacing_mm=SPACING_MM, regions=(Region.ET, Region.WT))
    assert [found.region for found in scores.regions] == [Region.ET, Region.WT]
    with pytest.raises(KeyError):
        scores.of(Region.TC)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prediction": PREDICTION[1:]}, "SHAPE_MISMATCH"),
        ({"reference": REFERENCE.astype(np.int16)}, "NOT_A_LABEL_MAP"),
        ({"brain": np.zeros_like(BRAIN)}, "EMPTY_BRAIN"),
        ({"spacing_mm": (1.0, 1.0, 0.0)}, "SPACING"),
        ({"tolerances_mm": (-1.0,)}, "TOLERANCE"),
    ],
)
def test_bad_input_is_refused_with_its_reason(change: dict[str, object], reason: str) -> None:
    """Nothing is scored that cannot be."""
    given = {"reference": REFERENCE, "prediction": PREDICTION, "spacing_mm": SPACING_MM} | change
    with pytest.raises(InvalidInputError) as caught:
        score_case(given.pop("reference"), given.pop("prediction"), **given)
    assert caught.value.reason == reason


def test_brain_of_another_grid_is_refused() -> None:
    """The brain mask lies on the grid of the labels."""
    with pytest.raises(InvalidLabelError, match="different shapes"):
        score_case(REFERENCE, PREDICTION, spacing_mm=SPACING_MM, brain=BRAIN[1:])
