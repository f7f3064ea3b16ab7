"""Rigid registration finds a known pose, gives the same answer twice, and says when it has failed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gliosynth.errors import InvalidCaseError
from gliosynth.geometry import Grid, apply_affine
from gliosynth.labels import Contrast
from gliosynth.preprocessing.registration import RegistrationOptions, register
from gliosynth.preprocessing.similarity import normalised_mutual_information, prepared, score
from gliosynth.volume import Affine, Volume

OPTIONS = RegistrationOptions()


def error_mm(found: Affine, true: Affine, grid: Grid) -> float:
    """Returns the mean distance in mm between where two transforms put the voxels of a 6 cm ball."""
    points = apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1)).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) < 60]
    return float(np.linalg.norm(apply_affine(found, points) - apply_affine(true, points), axis=1).mean())


@pytest.mark.parametrize("skull", [True, False])
def test_a_known_pose_is_found(
    phantom: Callable, square_grid: Grid, oblique_grid: Grid, small_pose: Affine, skull: bool
) -> None:
    """T2 in 5.5 mm slices, turned by up to 8 degrees, comes within half a slice of the T1c, with and without skull."""
    head = phantom(skull=skull)
    reference = head.volume(Contrast.T1C, square_grid)
    moving = head.volume(Contrast.T2W, oblique_grid, pose=small_pose)
    found = register(reference, moving, options=OPTIONS)
    truth = np.linalg.inv(small_pose)
    assert error_mm(np.eye(4), truth, square_grid) > 5
    assert error_mm(found.transform, truth, square_grid) < 1.0
    assert found.similarity_after > found.similarity_before
    assert found.distinctness > OPTIONS.smallest_distinctness
    assert found.overlap_after > 0.95


def test_registered_images_are_found_in_place(phantom: Callable, square_grid: Grid) -> None:
    """Images that are aligned already are moved by less than the limit for leaving them alone."""
    head = phantom()
    reference, moving = head.volume(Contrast.T1C, square_grid), head.volume(Contrast.T2F, square_grid)
    assert register(reference, moving, options=OPTIONS).displacement_mm < OPTIONS.still_mm


def test_another_scanner_frame_is_bridged(phantom: Callable, square_grid: Grid) -> None:
    """A volume whose origin lies 30 cm away is found by its centre."""
    head = phantom()
    far = np.eye(4)
    far[:3, 3] = (300.0, -200.0, 100.0)
    moving = head.volume(Contrast.T1N, square_grid)
    moving = Volume(moving.data, far @ moving.affine, "t1n")
    found = register(head.volume(Contrast.T1C, square_grid), moving, options=OPTIONS)
    assert error_mm(found.transform, far, square_grid) < 1.0
    assert found.similarity_before == 1.0


def test_same_images_give_the_same_transform(phantom: Callable, square_grid: Grid, small_pose: Affine) -> None:
    """The seed is part of the options: two runs agree bit by bit."""
    head = phantom(skull=True)
    reference = head.volume(Contrast.T1C, square_grid)
    moving = head.volume(Contrast.T1N, square_grid, pose=small_pose)
    first, second = (register(reference, moving, options=OPTIONS) for _ in range(2))
    np.testing.assert_array_equal(first.transform, second.transform)


def test_noise_is_no_brain_of_this_subject(phantom: Callable, square_grid: Grid) -> None:
    """An image that has nothing in common with the reference is refused, whatever the optimiser found."""
    reference = phantom(skull=True).volume(Contrast.T1C, square_grid)
    noise = np.random.default_rng(0).integers(100, 900, square_grid.shape)
    blank = np.where(reference.data > 10, noise, 5)
    with pytest.raises(InvalidCaseError) as caught:
        register(reference, Volume(blank, square_grid.affine, "t2w"), options=OPTIONS)
    assert caught.value.reason == "DIFFERENT_SUBJECTS"
    assert caught.value.field == "t2w"


def test_a_result_below_the_limit_is_refused(phantom: Callable, square_grid: Grid) -> None:
    """The limits are options: a demand that nothing meets refuses everything."""
    head = phantom(skull=True)
    strict = replace(OPTIONS, smallest_distinctness=1000.0)
    with pytest.raises(InvalidCaseError, match="same subject"):
        register(head.volume(Contrast.T1C, square_grid), head.volume(Contrast.T2W, square_grid), options=strict)


def test_another_head_is_refused(phantom: Callable, square_grid: Grid) -> None:
    """Heads of the same shape with other brains share no more in place than 1 cm apart."""
    reference, other = phantom(seed=0, skull=True), phantom(seed=1, skull=True)
    with pytest.raises(InvalidCaseError) as caught:
        register(reference.volume(Contrast.T1C, square_grid), other.volume(Contrast.T2F, square_grid), options=OPTIONS)
    assert caught.value.reason == "DIFFERENT_SUBJECTS"


def test_mutual_information_of_hand_made_pairs() -> None:
    """Equal images: 2. Independent halves: 1. A permuted image determines the other: 2."""
    a = np.tile(np.array([0.0, 1.0], dtype=np.float32), 500)
    b = np.repeat(np.array([0.0, 1.0], dtype=np.float32), 500)
    assert normalised_mutual_information(a, a) == pytest.approx(2.0)
    assert normalised_mutual_information(a, b) == pytest.approx(1.0)
    assert normalised_mutual_information(a, 5 - 3 * a) == pytest.approx(2.0)


def test_score_falls_as_images_are_moved_apart(phantom: Callable, square_grid: Grid) -> None:
    """0, 4, 10 mm apart: less and less in common; 40 cm apart: nothing."""
    head = phantom()
    fixed, moving = (prepared(head.volume(contrast, square_grid)) for contrast in (Contrast.T1C, Contrast.T2W))
    scores = []
    for shift_mm in (0.0, 4.0, 10.0):
        transform = np.eye(4)
        transform[1, 3] = shift_mm
        scores.append(score(fixed, moving, transform)[0])
    assert scores[0] > scores[1] > scores[2] > 1.0
    transform[1, 3] = 400.0
    assert score(fixed, moving, transform) == (1.0, 0.0)
