"""Lesion-wise scores: hand-made cases, and the rules of the BraTS 2023 evaluation written out plainly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, generate_binary_structure, label

from gliosynth.metrics import (
    BRATS_2023_GLI,
    BRATS_2023_MEN,
    BRATS_2023_MET,
    HD95Definition,
    LesionwiseRule,
    LesionwiseScores,
    dice,
    hausdorff95,
    lesionwise_scores,
)

UNIT = (1.0, 1.0, 1.0)
SHAPE = (40, 20, 20)


def blocks(*starts: int, size: int = 4) -> np.ndarray:
    """Mask of cubes of 4 voxels an edge (64 mm³, more than the 50 that count) at the given X."""
    mask = np.zeros(SHAPE, dtype=np.bool_)
    for start in starts:
        mask[start : start + size, 8 : 8 + size, 8 : 8 + size] = True
    return mask


def counts(scores: LesionwiseScores) -> tuple[int, int, int]:
    """True positives, false positives, false negatives."""
    return scores.true_positive_count, scores.false_positive_count, scores.false_negative_count


def test_every_lesion_found_exactly_is_perfect() -> None:
    """Two lesions, two hits: Dice 1, 0 mm."""
    scores = lesionwise_scores(blocks(2, 25), blocks(2, 25), spacing_mm=UNIT)
    assert (scores.dice, scores.hd95_mm, counts(scores)) == (1.0, 0.0, (2, 0, 0))


def test_missed_lesion_counts_as_zero_and_worst_distance() -> None:
    """One of two found: mean of 1 and 0, and of 0 and 374 mm."""
    scores = lesionwise_scores(blocks(2, 25), blocks(2), spacing_mm=UNIT)
    assert (scores.dice, scores.hd95_mm, counts(scores)) == (0.5, 187.0, (1, 0, 1))
    assert [lesion.found for lesion in scores.lesions] == [True, False]


def test_one_stray_voxel_halves_the_score() -> None:
    """False positives are not filtered by volume: a single voxel is a lesion of Dice 0 and 374 mm."""
    prediction = blocks(2)
    prediction[35, 15, 15] = True
    scores = lesionwise_scores(blocks(2), prediction, spacing_mm=UNIT)
    assert (scores.dice, scores.hd95_mm, counts(scores)) == (0.5, 187.0, (1, 1, 0))


def test_lesions_that_meet_when_dilated_are_one() -> None:
    """Cubes with a gap of six voxels meet after three dilations on both sides, but not after one."""
    reference, prediction = blocks(2, 12), blocks(2)
    merged = lesionwise_scores(reference, prediction, spacing_mm=UNIT, rule=BRATS_2023_GLI)
    assert (len(merged.lesions), counts(merged)) == (1, (1, 0, 0))
    assert merged.dice == pytest.approx(2 * 64 / (128 + 64))
    apart = lesionwise_scores(reference, prediction, spacing_mm=UNIT, rule=BRATS_2023_MEN)
    assert (apart.dice, counts(apart)) == (0.5, (1, 0, 1))


def test_lesions_too_far_to_meet_stay_apart() -> None:
    """With a gap of seven voxels one background voxel remains between the dilated cubes."""
    scores = lesionwise_scores(blocks(2, 13), blocks(2), spacing_mm=UNIT)
    assert (len(scores.lesions), counts(scores)) == (2, (1, 0, 1))


def test_small_lesion_is_dropped_found_or_not() -> None:
    """27 mm³ count nowhere: missed it costs nothing, found it is neither hit nor false positive."""
    reference = blocks(2) | blocks(25, size=3)
    missed = lesionwise_scores(reference, blocks(2), spacing_mm=UNIT)
    found = lesionwise_scores(reference, reference, spacing_mm=UNIT)
    assert (missed.dice, counts(missed)) == (found.dice, counts(found)) == (1.0, (1, 0, 0))
    assert [lesion.kept for lesion in missed.lesions] == [True, False]
    assert lesionwise_scores(reference, blocks(2), spacing_mm=UNIT, rule=BRATS_2023_MET).dice == 0.5


def test_volume_on_the_threshold_is_dropped() -> None:
    """Exactly 50 mm³ is "50 or less"."""
    reference = np.zeros(SHAPE, dtype=np.bool_)
    reference[5:10, 5:10, 5:7] = True
    assert not lesionwise_scores(reference, reference, spacing_mm=UNIT).lesions[0].kept
    assert lesionwise_scores(reference, reference, spacing_mm=(1.0, 1.0, 1.1)).lesions[0].kept


def test_prediction_beside_the_lesion_is_a_hit() -> None:
    """Within the dilated lesion a component is matched, although it does not overlap the lesion itself."""
    scores = lesionwise_scores(blocks(2), blocks(8), spacing_mm=UNIT)
    assert counts(scores) == (1, 0, 0)
    assert scores.dice == 0.0
    assert scores.hd95_mm < 374.0


def test_one_component_may_serve_two_lesions() -> None:
    """A bridge over two lesions is scored whole against each: 2 x 64 / (64 + 27 x 16) = 0.258."""
    bridge = np.zeros(SHAPE, dtype=np.bool_)
    bridge[2:29, 8:12, 8:12] = True
    scores = lesionwise_scores(blocks(2, 25), bridge, spacing_mm=UNIT)
    assert counts(scores) == (2, 0, 0)
    assert scores.dice == pytest.approx(128 / (64 + 432))


def test_components_in_one_lesion_are_united() -> None:
    """A lesion predicted in two pieces is one hit, scored with both pieces."""
    pieces = blocks(2)
    pieces[3:5] = False
    scores = lesionwise_scores(blocks(2), pieces, spacing_mm=UNIT)
    assert counts(scores) == (1, 0, 0)
    assert scores.dice == pytest.approx(2 * 32 / (64 + 32))


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        (blocks(), blocks(), (1.0, 0.0, (0, 0, 0))),
        (blocks(), blocks(2), (0.0, 374.0, (0, 1, 0))),
        (blocks(2), blocks(), (0.0, 374.0, (0, 0, 1))),
        (blocks(2, size=3), blocks(), (1.0, 0.0, (0, 0, 0))),
    ],
    ids=["both-empty", "reference-empty", "prediction-empty", "only-a-dropped-lesion"],
)
def test_empty_masks_have_stated_values(
    reference: np.ndarray, prediction: np.ndarray, expected: tuple[float, float, tuple[int, int, int]]
) -> None:
    """Nothing kept and nothing invented is perfect, as the challenge decides it."""
    scores = lesionwise_scores(reference, prediction, spacing_mm=UNIT)
    assert (scores.dice, scores.hd95_mm, counts(scores)) == expected


def test_worst_distance_is_a_parameter() -> None:
    """Older tables write the diagonal, 373.13 mm."""
    rule = LesionwiseRule(worst_hd95_mm=373.13)
    assert lesionwise_scores(blocks(2), blocks(), spacing_mm=UNIT, rule=rule).hd95_mm == 373.13


def plain_scores(
    reference: np.ndarray, prediction: np.ndarray, spacing_mm: tuple[float, float, float], rule: LesionwiseRule
) -> tuple[float, float, tuple[int, int, int]]:
    """The evaluation's rules on whole arrays, lesion by lesion, each dilated again."""
    by_edge, by_corner = generate_binary_structure(3, 2), generate_binary_structure(3, 3)
    lesions, lesion_count = label(binary_dilation(reference, by_edge, iterations=rule.dilation_voxels), by_corner)
    parts, part_count = label(prediction, by_corner)
    hits: set[int] = set()
    dices, distances, found_kept = [], [], 0
    for lesion_id in range(1, lesion_count + 1):
        lesion = reference & (lesions == lesion_id)
        around = binary_dilation(lesion, by_edge, iterations=rule.dilation_voxels)
        touching = set(np.unique(parts[around])) - {0}
        hits |= touching
        if lesion.sum() * np.prod(spacing_mm) <= rule.smallest_lesion_mm3:
            continue
        united = np.isin(parts, list(touching))
        dices.append(dice(lesion, united))
        distances.append(hausdorff95(lesion, united, spacing_mm=spacing_mm, definition=HD95Definition.SURFEL_MAX))
        found_kept += bool(touching)
    invented = part_count - len(hits)
    total = len(dices) + invented
    if not total:
        return 1.0, 0.0, (0, 0, 0)
    mean_mm = (sum(distances) + 374.0 * invented) / total
    return sum(dices) / total, mean_mm, (found_kept, invented, len(dices) - found_kept)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rule=st.sampled_from([BRATS_2023_GLI, BRATS_2023_MEN, BRATS_2023_MET, LesionwiseRule(2, 9.0)]),
    spacing_mm=st.sampled_from([UNIT, (0.9, 0.9, 3.0)]),
)
def test_equals_the_rules_written_out(seed: int, rule: LesionwiseRule, spacing_mm: tuple[float, float, float]) -> None:
    """On many small lesions, some moved, some missed, some invented, some at the border of the volume."""
    rng = np.random.default_rng(seed)
    reference, prediction = np.zeros((2, 22, 18, 14), dtype=np.bool_)
    for mask in (reference, prediction):
        for _ in range(rng.integers(0, 7)):
            low = rng.integers(0, mask.shape)
            high = low + rng.integers(1, 6, size=3)
            mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    if rng.random() < 0.8:
        prediction |= np.roll(reference, tuple(rng.integers(-2, 3, size=3)), axis=(0, 1, 2))
    scores = lesionwise_scores(reference, prediction, spacing_mm=spacing_mm, rule=rule)
    expected = plain_scores(reference, prediction, spacing_mm, rule)
    assert (scores.dice, scores.hd95_mm) == pytest.approx(expected[:2], abs=1e-9)
    assert counts(scores) == expected[2]
