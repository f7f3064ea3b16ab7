"""Normalisation: z-scores of the brain, clipped, zero outside."""

import numpy as np
import pytest

from gliosynth.errors import InvalidVolumeError
from gliosynth.preprocessing.intensity import normalise


def test_brain_has_zero_mean_and_unit_population_deviation() -> None:
    """Values 2, 4, 4, 6 have mean 4 and population deviation sqrt 2; what lies outside does not count."""
    image = np.array([2, 4, 4, 6, 900], dtype=np.int16).reshape(5, 1, 1)
    brain = np.array([1, 1, 1, 1, 0], dtype=np.bool_).reshape(5, 1, 1)
    scores = normalise(image, brain)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.ravel(), [-np.sqrt(2), 0, 0, np.sqrt(2), 0], rtol=1e-6)


def test_one_bright_vessel_is_clipped_at_five() -> None:
    """A voxel ten deviations out becomes 5, not 10."""
    image = np.zeros((101, 1, 1))
    image[0] = 1.0
    assert normalise(image, np.ones_like(image, dtype=np.bool_)).max() == 5.0


@pytest.mark.parametrize(("gain", "offset"), [(1e-3, 0.0), (250.0, -7.0)])
def test_result_does_not_depend_on_the_units(gain: float, offset: float) -> None:
    """A gain and an offset of the scanner leave the z-scores as they are."""
    rng = np.random.default_rng(0)
    image = rng.normal(100, 20, (6, 7, 8))
    brain = rng.random(image.shape) > 0.3
    np.testing.assert_allclose(normalise(image * gain + offset, brain), normalise(image, brain), atol=2e-5)


def test_empty_mask_and_constant_image_are_refused() -> None:
    """Neither can be scaled: each has its own reason."""
    image = np.full((2, 2, 2), 7.0)
    with pytest.raises(InvalidVolumeError) as empty:
        normalise(image, np.zeros(image.shape, dtype=np.bool_))
    with pytest.raises(InvalidVolumeError) as constant:
        normalise(image, np.ones(image.shape, dtype=np.bool_), name="t2f")
    assert (empty.value.reason, constant.value.reason) == ("EMPTY_BRAIN_MASK", "CONSTANT_IMAGE")
    assert constant.value.field == "t2f"
