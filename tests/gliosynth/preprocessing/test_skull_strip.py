"""Finding the brain: evidence of an earlier strip, the network's slices in and out, and the cleaning of its mask."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.errors import InvalidCaseError, ModelError
from gliosynth.geometry import Grid
from gliosynth.labels import CONTRASTS
from gliosynth.preprocessing.skull_strip import (
    BATCH_SIZE,
    ModelBrainExtractor,
    brain_probability,
    check_brain,
    clean_brain,
    data_support,
    nonzero_support,
    robust_scaled,
    stripped_evidence,
)


def images(phantom: Callable, grid: Grid, *, skull: bool) -> NDArray[np.float32]:
    head = phantom(skull=skull)
    return np.stack([head.volume(contrast, grid).data for contrast in CONTRASTS]).astype(np.float32)


def test_a_stripped_brain_is_recognised(phantom: Callable, square_grid: Grid) -> None:
    """Exact zeros around it, the size of a brain, no dark layer under its surface."""
    evidence = stripped_evidence(images(phantom, square_grid, skull=False), spacing_mm=(3.0, 3.0, 3.0))
    assert evidence.is_stripped
    assert evidence.foreground_ml == pytest.approx(4 / 3 * np.pi * 6.0 * 7.2 * 5.5, rel=0.01)
    assert evidence.dark_rim_fraction < 0.05


def test_a_head_is_no_stripped_brain(phantom: Callable, square_grid: Grid) -> None:
    """A head whose air was set to exact zero still has a skull."""
    head = images(phantom, square_grid, skull=True)
    head[:, head[0] < 10] = 0.0
    assert not stripped_evidence(head, spacing_mm=(3.0, 3.0, 3.0)).is_stripped


def test_noise_around_the_head_is_no_evidence(phantom: Callable, square_grid: Grid) -> None:
    """Without exact zeros nothing was stripped."""
    head = images(phantom, square_grid, skull=False) + 1.0
    assert not stripped_evidence(head, spacing_mm=(3.0, 3.0, 3.0)).is_stripped


def test_support_takes_what_any_contrast_shows() -> None:
    """The union of the contrasts, its largest component, holes filled."""
    stack = np.zeros((2, 9, 9, 9), dtype=np.float32)
    stack[0, 2:7, 2:7, 2:4] = 5.0
    stack[1, 2:7, 2:7, 4:7] = 5.0
    stack[:, 4, 4, 4] = 0.0
    stack[0, 0, 0, 0] = 1.0
    expected = np.zeros((9, 9, 9), dtype=np.bool_)
    expected[2:7, 2:7, 2:7] = True
    np.testing.assert_array_equal(nonzero_support(stack), expected)


def test_fluid_at_zero_is_data_and_a_cut_is_not() -> None:
    """A hole of zeros inside the head counts as seen; zeros that reach the border of the image do not."""
    image = np.ones((9, 9, 9), dtype=np.float32)
    image[4, 4, 4] = 0.0
    image[:, 7:, :] = 0.0
    support = data_support(image)
    assert support[4, 4, 4]
    assert not support[:, 7:].any()


def test_scaling_ignores_zeros_and_units() -> None:
    """Non-zero values 1 to 101 run from 0 to 1 between their percentiles 2 and 100; a gain changes nothing."""
    image = np.zeros((6, 6, 6), dtype=np.float32)
    image.ravel()[:101] = np.arange(1, 102)
    scaled = robust_scaled(image)
    assert scaled.ravel()[50] == pytest.approx(0.5)
    assert scaled.min() == 0.0
    assert not scaled.ravel()[101:].any()
    np.testing.assert_allclose(robust_scaled(image * 37), scaled, atol=1e-5)


def test_every_slice_reaches_the_network_once_in_padded_batches() -> None:
    """Slices (20, 33) are padded to (32, 48), at most 16 at a time, and the answers return to their voxels."""
    scaled = np.random.default_rng(0).uniform(0.1, 1.5, (20, 33, 19)).astype(np.float32)
    seen = []

    def predict(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(batch.shape)
        return np.log(batch + 1e-6)

    probability = brain_probability(scaled, predict)
    assert seen == [(BATCH_SIZE, 1, 32, 48), (3, 1, 32, 48)]
    np.testing.assert_allclose(probability, scaled / (1 + scaled), rtol=1e-4)


@pytest.mark.parametrize("answer", [np.zeros((1, 1, 8, 8), np.float32), np.full((5, 1, 16, 16), np.nan, np.float32)])
def test_a_network_that_breaks_its_contract_is_an_error(answer: NDArray[np.float32]) -> None:
    """Another shape or NaN is never taken for a mask."""
    with pytest.raises(ModelError):
        brain_probability(np.ones((16, 16, 5), np.float32), lambda _: answer)


def test_extractor_averages_over_contrasts_and_returns_to_the_grid(phantom: Callable, square_grid: Grid) -> None:
    """A network that calls bright pixels brain finds the ball, and not what only one contrast of four shows."""
    ball = phantom().brain(square_grid).data
    stack = np.tile(np.where(ball, 100.0, 1.0).astype(np.float32), (4, 1, 1, 1))
    stack[0, :20] = 100.0
    extractor = ModelBrainExtractor(lambda batch: 20 * (batch - 0.5))
    found = extractor(stack, square_grid)
    assert found.shape == square_grid.shape
    assert 2 * (found & ball).sum() / (found.sum() + ball.sum()) > 0.97
    assert not found[:6].any()


def test_cleaning_keeps_one_filled_closed_component() -> None:
    """A narrow sulcus is closed, a hole filled, a crumb dropped; nothing grows beyond the outline."""
    mask = np.zeros((40, 40, 40), dtype=np.bool_)
    mask[8:32, 8:32, 8:32] = True
    outline = mask.copy()
    mask[20, 20:32, 8:32] = False
    mask[12:15, 12:15, 12:15] = False
    mask[1:3, 1:3, 1:3] = True
    cleaned = clean_brain(mask, spacing_mm=1.0)
    assert cleaned[9:31, 9:31, 9:31].all()
    assert not cleaned[~outline].any()


def test_cleaning_at_the_border_of_the_image_takes_nothing_away() -> None:
    """Closing must not erode a brain that the field of view cuts."""
    mask = np.ones((12, 12, 12), dtype=np.bool_)
    np.testing.assert_array_equal(clean_brain(mask, spacing_mm=1.0), mask)


def test_a_mask_too_small_for_a_brain_is_refused() -> None:
    """299 ml are refused, an empty mask too; 343 ml pass and are returned."""
    mask = np.zeros((80, 80, 80), dtype=np.bool_)
    with pytest.raises(InvalidCaseError) as empty:
        check_brain(mask, spacing_mm=1.0, field="brain_mask")
    mask[:66, :66, :66] = True
    with pytest.raises(InvalidCaseError):
        check_brain(mask, spacing_mm=1.0, field="brain_mask")
    mask[:70, :70, :70] = True
    assert check_brain(mask, spacing_mm=1.0, field="brain_mask") == pytest.approx(343.0)
    assert (empty.value.reason, empty.value.field) == ("EMPTY_BRAIN_MASK", "brain_mask")
