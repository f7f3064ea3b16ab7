"""The encoder's features mean what their names say."""

import numpy as np
import pytest

from gliosynth.errors import InvalidVolumeError
from gliosynth.metrics.fidelity.radiomics import SLICES_PER_CASE, encode_case, feature_names

SHAPE = (40, 44, 24)
SPACING_MM = (1.0, 1.0, 1.0)
BRAIN = np.zeros(SHAPE, np.bool_)
BRAIN[4:36, 4:40, 2:22] = True


def _encode(contrasts: np.ndarray) -> dict[str, float]:
    """Mean of each feature over the slices, by name."""
    features = encode_case(contrasts.astype(np.float32), BRAIN, spacing_mm=SPACING_MM)
    assert features.shape == (SLICES_PER_CASE, len(feature_names()))
    return dict(zip(feature_names(), features.mean(axis=0), strict=True))


def _white(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((4, *SHAPE)) + 10.0


def test_white_noise_by_hand() -> None:
    """Independent normal voxels: mean 0, sd 1, no skewness, percentiles -1.645 and 1.645, no memory."""
    found = _encode(_white(1))
    for contrast in ("t1n", "t2f"):
        assert found[f"{contrast}_mean"] == pytest.approx(0.0, abs=0.03)
        assert found[f"{contrast}_sd"] == pytest.approx(1.0, abs=0.03)
        assert found[f"{contrast}_skewness"] == pytest.approx(0.0, abs=0.05)
        assert found[f"{contrast}_p05"] == pytest.approx(-1.645, abs=0.07)
        assert found[f"{contrast}_p95"] == pytest.approx(1.645, abs=0.07)
        assert found[f"{contrast}_autocorrelation_2_mm"] == pytest.approx(0.0, abs=0.04)
    assert found["t1n_t2w_correlation"] == pytest.approx(0.0, abs=0.03)


def test_the_slope_of_a_ramp_by_hand() -> None:
    """A ramp along X over 32 voxels has sd sqrt((32² - 1) / 12), so its z-score rises by one over that in each mm."""
    ramp = np.broadcast_to(np.arange(40.0).reshape(40, 1, 1) + 5, (4, *SHAPE))
    found = _encode(ramp)
    assert found["t2w_slope"] == pytest.approx(1 / np.sqrt((32**2 - 1) / 12), rel=1e-4)
    assert found["t2w_autocorrelation_1_mm"] > 0.9


def test_contrasts_that_go_together_and_apart() -> None:
    """T2 equal to T1 correlates by 1 with it, FLAIR equal to its negative by -1."""
    images = _white(2)
    images[2], images[3] = images[0], 20 - images[0]
    found = _encode(images)
    assert found["t1n_t2w_correlation"] == pytest.approx(1.0)
    assert found["t1n_t2f_correlation"] == pytest.approx(-1.0)


def test_stripes_are_seen_at_their_distance() -> None:
    """Stripes of 4 mm that are bright and dark in turn: alike after 8 mm, opposite after 4 mm, along X."""
    stripes = np.where((np.arange(40) // 4) % 2 == 0, 1.0, 3.0).reshape(40, 1, 1)
    found = _encode(np.broadcast_to(stripes, (4, *SHAPE)) + 0.01 * _white(3))
    # Along Y nothing changes, so the mean over both axes is that of 1 and the correlation along X.
    assert found["t1c_autocorrelation_8_mm"] > 0.8
    assert found["t1c_autocorrelation_4_mm"] < 0.2


def test_what_lies_outside_the_brain_does_not_count() -> None:
    """Any value outside the mask leaves every feature as it is."""
    images = _white(4)
    other = np.where(BRAIN, images, 1e4)
    assert _encode(other) == pytest.approx(_encode(images), rel=1e-4, abs=1e-4)


def test_finer_noise_has_its_energy_in_finer_bands() -> None:
    """White noise has most energy in the finest band; averaged over 3 x 3 voxels it loses most of it there."""
    white = _white(5)
    coarse = np.mean([np.roll(white, (x, y), axis=(1, 2)) for x in (-1, 0, 1) for y in (-1, 0, 1)], axis=0)
    fine, blurred = _encode(white), _encode(coarse)
    assert fine["t1n_band_0.7_1.4_mm"] > fine["t1n_band_2.8_5.6_mm"]
    shift = [blurred[f"t1n_band_{band}_mm"] - fine[f"t1n_band_{band}_mm"] for band in ("0.7_1.4", "2.8_5.6")]
    assert shift[0] < shift[1]


def test_no_brain_is_refused() -> None:
    """Nothing cannot be encoded."""
    with pytest.raises(InvalidVolumeError) as caught:
        encode_case(_white(1).astype(np.float32), np.zeros(SHAPE, np.bool_), spacing_mm=SPACING_MM)
    assert caught.value.reason == "EMPTY_BRAIN_MASK"
