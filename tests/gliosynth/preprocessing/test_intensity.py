"""Normalisation: z-scores and unit intensities of the brain, clipped, zero outside."""

import numpy as np
import pytest

from gliosynth.errors import InvalidVolumeError
from gliosynth.preprocessing.intensity import from_units, measure_unit_scale, normalise, unit_intensities


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


def test_percentiles_of_the_brain_become_zero_and_one() -> None:
    """Of 0, 1, ..., 200 the percentiles are 1 and 199: 100 is in the middle, what lies beyond is clipped."""
    image = np.append(np.arange(201.0), 5000.0).reshape(-1, 1, 1)
    brain = np.ones(image.shape, dtype=np.bool_)
    brain[-1] = False
    units = unit_intensities(image, brain).ravel()
    assert units.dtype == np.float32
    np.testing.assert_allclose(units[[0, 1, 100, 199, 200, 201]], [0, 0, 0.5, 1, 1, 0], atol=1e-7)


@pytest.mark.parametrize(("gain", "offset"), [(1e-3, 0.0), (250.0, -7.0)])
def test_unit_intensities_do_not_depend_on_the_units(gain: float, offset: float) -> None:
    """Raw volumes and their z-scores, whose gain and offset differ, give the same unit intensities."""
    rng = np.random.default_rng(0)
    image = rng.normal(100, 20, (6, 7, 8))
    brain = rng.random(image.shape) > 0.3
    expected = unit_intensities(image, brain)
    np.testing.assert_allclose(unit_intensities(image * gain + offset, brain), expected, atol=1e-6)


def test_unit_intensities_need_a_brain_with_contrast() -> None:
    """An empty mask and an image of one value, but for a single voxel, have no two percentiles."""
    image = np.full((10, 10, 10), 7.0)
    image[0, 0, 0] = 8.0
    with pytest.raises(InvalidVolumeError) as empty:
        unit_intensities(image, np.zeros(image.shape, dtype=np.bool_))
    with pytest.raises(InvalidVolumeError) as constant:
        unit_intensities(image, np.ones(image.shape, dtype=np.bool_), name="t2f")
    assert (empty.value.reason, constant.value.reason) == ("EMPTY_BRAIN_MASK", "CONSTANT_IMAGE")
    assert constant.value.field == "t2f"


def test_unit_intensities_come_back_between_the_ends_of_the_scale() -> None:
    """Of 0, 1, ..., 200 the ends are 1 and 199: all between come back, both beyond are at the ends, 0 outside."""
    image = np.append(np.arange(201.0), 5000.0).reshape(-1, 1, 1)
    brain = np.ones(image.shape, dtype=np.bool_)
    brain[-1] = False
    scale = measure_unit_scale(image, brain)
    again = from_units(unit_intensities(image, brain), brain, scale=scale).ravel()
    assert (scale.low, scale.high) == (1.0, 199.0)
    np.testing.assert_allclose(again, [1, *range(1, 200), 199, 0], atol=1e-4)
