"""Image similarity: by hand, and against Wang's definition written out."""

import numpy as np
import pytest
from scipy.signal import convolve2d

from gliosynth.errors import InvalidInputError, InvalidVolumeError
from gliosynth.metrics import SsimWindow, mae, mse, psnr_db, score_image, ssim


def random_pair(shape: tuple[int, ...], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A float32 image and a noisy copy, in [0, 1]."""
    rng = np.random.default_rng(seed)
    image = rng.random(shape, dtype=np.float32)
    noisy = np.clip(image + 0.2 * rng.standard_normal(shape), 0, 1).astype(np.float32)
    return image, noisy


def plain_ssim_map(reference: np.ndarray, prediction: np.ndarray, data_range: float, window: SsimWindow) -> np.ndarray:
    """Wang et al. 2004, equation 13, in float64 with full windows: five convolutions of one slice."""
    if window is SsimWindow.GAUSSIAN_11:
        offset = np.arange(11) - 5
        kernel = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
        kernel, unbiased = kernel / kernel.sum(), 1.0
    else:
        kernel, unbiased = np.full((7, 7), 1 / 49), 49 / 48

    def mean(image: np.ndarray) -> np.ndarray:
        return convolve2d(image, kernel, mode="valid")

    a, b = reference.astype(np.float64), prediction.astype(np.float64)
    mu_a, mu_b = mean(a), mean(b)
    var_a, var_b = unbiased * (mean(a * a) - mu_a**2), unbiased * (mean(b * b) - mu_b**2)
    cov = unbiased * (mean(a * b) - mu_a * mu_b)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    return (2 * mu_a * mu_b + c1) * (2 * cov + c2) / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))


def test_errors_by_hand() -> None:
    """Differences 0, 1, -3 and 2: MAE 6/4, MSE 14/4, PSNR of range 7 is 10 log10(49 / 3.5)."""
    reference = np.array([[1, 2], [3, 4]], dtype=np.float32)
    prediction = np.array([[1, 3], [0, 6]], dtype=np.float32)
    assert mae(reference, prediction) == 1.5
    assert mse(reference, prediction) == 3.5
    assert psnr_db(reference, prediction, data_range=7.0) == pytest.approx(11.4612804)


def test_mask_limits_the_errors_to_its_voxels() -> None:
    """Of the same differences only 1 and 2 count: MAE 1.5, MSE 2.5."""
    reference = np.array([[1, 2], [3, 4]], dtype=np.float32)
    prediction = np.array([[1, 3], [0, 6]], dtype=np.float32)
    mask = np.array([[False, True], [False, True]])
    assert mae(reference, prediction, mask=mask) == pytest.approx(1.5)
    assert mse(reference, prediction, mask=mask) == pytest.approx(2.5)


@pytest.mark.parametrize("window", list(SsimWindow))
@pytest.mark.parametrize("data_range", [1.0, 0.1])
def test_ssim_equals_the_definition_written_out(window: SsimWindow, data_range: float) -> None:
    """The sum and difference trick in float32 agrees with five float64 convolutions to 1e-6."""
    reference, prediction = random_pair((40, 37))
    expected = plain_ssim_map(reference, prediction, data_range, window).mean()
    assert ssim(reference, prediction, data_range=data_range, window=window) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("window", list(SsimWindow))
def test_ssim_of_constant_images_by_hand(window: SsimWindow) -> None:
    """Without variance the luminance term remains: (2 * 0.5 * 1 + 1e-4) / (0.25 + 1 + 1e-4)."""
    half, one = np.full((12, 12), 0.5, dtype=np.float32), np.ones((12, 12), dtype=np.float32)
    assert ssim(half, one, data_range=1.0, window=window) == pytest.approx(1.0001 / 1.2501, abs=1e-5)


def test_volume_is_scored_on_axial_slices_in_any_memory_order() -> None:
    """The last axis counts the slices, more than one block of them; Fortran order changes nothing."""
    reference, prediction = random_pair((20, 18, 35))
    maps = [plain_ssim_map(reference[:, :, z], prediction[:, :, z], 1.0, SsimWindow.GAUSSIAN_11) for z in range(35)]
    scores = score_image(reference, prediction, data_range=1.0)
    assert scores.ssim == pytest.approx(np.mean(maps), abs=1e-6)
    assert scores.mse == pytest.approx(np.mean((reference.astype(np.float64) - prediction) ** 2), rel=1e-6)
    assert score_image(np.asfortranarray(reference), np.asfortranarray(prediction), data_range=1.0) == scores


def test_mask_limits_ssim_to_its_voxels_with_a_whole_window() -> None:
    """The mean is taken over the masked part of the map; masked voxels near the border have no window."""
    reference, prediction = random_pair((30, 28, 4))
    mask = np.zeros(reference.shape, dtype=np.bool_)
    mask[:12, 8:20, 1:3] = True
    maps = [plain_ssim_map(reference[:, :, z], prediction[:, :, z], 1.0, SsimWindow.UNIFORM_7) for z in (1, 2)]
    expected = np.mean([part[: 12 - 3, 8 - 3 : 20 - 3] for part in maps])
    scores = score_image(reference, prediction, data_range=1.0, window=SsimWindow.UNIFORM_7, mask=mask)
    assert scores.ssim == pytest.approx(expected, abs=1e-6)
    assert scores.mae == pytest.approx(np.abs(reference - prediction)[mask].mean(), rel=1e-5)


def test_equal_images_are_perfect() -> None:
    """Errors 0, PSNR infinite, SSIM 1."""
    image, _ = random_pair((16, 16, 3))
    scores = score_image(image, image, data_range=1.0)
    assert (scores.mse, scores.mae, scores.psnr_db) == (0.0, 0.0, float("inf"))
    assert scores.ssim == pytest.approx(1.0, abs=1e-7)


def test_single_metrics_equal_the_one_pass() -> None:
    """`score_image` and the single functions return the same numbers, with and without a mask."""
    reference, prediction = random_pair((20, 20, 20))
    for mask in (None, reference > 0.3):
        scores = score_image(reference, prediction, data_range=2.0, mask=mask)
        assert mse(reference, prediction, mask=mask) == pytest.approx(scores.mse, rel=1e-12)
        assert mae(reference, prediction, mask=mask) == pytest.approx(scores.mae, rel=1e-12)
        assert psnr_db(reference, prediction, data_range=2.0, mask=mask) == pytest.approx(scores.psnr_db)
        assert ssim(reference, prediction, data_range=2.0, mask=mask) == scores.ssim


@pytest.mark.parametrize("data_range", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_data_range_is_refused(data_range: float) -> None:
    """A range must be positive and finite."""
    image, other = random_pair((12, 12))
    with pytest.raises(InvalidInputError, match="data_range"):
        score_image(image, other, data_range=data_range)


def test_data_range_must_be_given() -> None:
    """No default is guessed from the image."""
    image, other = random_pair((12, 12))
    with pytest.raises(TypeError, match="data_range"):
        psnr_db(image, other)
    with pytest.raises(TypeError, match="data_range"):
        ssim(image, other)


@pytest.mark.parametrize(
    ("reference", "prediction", "mask", "reason"),
    [
        (np.zeros((12, 12)), np.zeros((12, 13)), None, "SHAPE_MISMATCH"),
        (np.zeros((4, 12, 12, 2)), np.zeros((4, 12, 12, 2)), None, "SHAPE_MISMATCH"),
        (np.zeros((12, 12)), np.zeros((12, 12)), np.zeros((12, 12), dtype=np.bool_), "EMPTY_MASK"),
        (np.zeros((12, 12)), np.zeros((12, 12)), np.eye(12, dtype=np.int64), "EMPTY_MASK"),
        (np.zeros((12, 12)), np.zeros((12, 12)), np.arange(144).reshape(12, 12) == 0, "EMPTY_MASK"),
        (np.zeros((12, 12)), np.full((12, 12), np.nan), None, "NOT_FINITE"),
        (np.zeros((10, 12)), np.zeros((10, 12)), None, "SMALLER_THAN_WINDOW"),
    ],
    ids=["shapes", "four-axes", "empty-mask", "integer-mask", "mask-without-window", "nan", "small"],
)
def test_bad_images_are_refused_with_their_reason(
    reference: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None, reason: str
) -> None:
    """Nothing is scored that cannot be."""
    with pytest.raises(InvalidVolumeError) as caught:
        score_image(reference.astype(np.float32), prediction.astype(np.float32), data_range=1.0, mask=mask)
    assert caught.value.reason == reason
