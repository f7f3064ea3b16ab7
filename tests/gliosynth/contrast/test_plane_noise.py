"""White noise by quantiles, and the steps that work a plane at a time."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm

from gliosynth.contrast.plane_noise import QUANTILES, PlaneNoise, quantile_table
from gliosynth.contrast.plane_steps import PlaneBlur, blur_kernel, draw_field, exponential


def drawn(size: int, *key: int) -> np.ndarray:
    """Returns the first numbers of a stream."""
    values = np.empty(size, dtype=np.float32)
    PlaneNoise((1, 2, 3), *key).fill(values)
    return values


def test_quantiles_are_normal() -> None:
    """65536 values, symmetric, variance 1, reaching 4.33; their distribution function is normal to 2^-16."""
    table = quantile_table().astype(np.float64)
    assert table.size == QUANTILES
    np.testing.assert_allclose(table, -table[::-1], atol=1e-7)
    assert (table * table).mean() == pytest.approx(1.0, rel=1e-6)
    assert table[-1] == pytest.approx(4.33, abs=0.01)
    assert abs(norm.cdf(table) - (np.arange(QUANTILES) + 0.5) / QUANTILES).max() < 2.0**-16


def test_noise_is_normal_and_white() -> None:
    """A million numbers have the moments of the normal distribution and no correlation at lags 1 to 4."""
    values = drawn(1_000_000, 0, 0, 0).astype(np.float64)
    assert [(values**power).mean() for power in (1, 2, 3, 4)] == pytest.approx([0.0, 1.0, 0.0, 3.0], abs=0.02)
    for lag in (1, 2, 3, 4):
        assert abs((values[lag:] * values[:-lag]).mean()) < 0.005


def test_every_key_has_its_own_stream_that_goes_on() -> None:
    """Contrast, step and plane each change all numbers; a second fill continues; odd sizes are filled whole."""
    keys = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert len({drawn(64, *key).tobytes() for key in keys}) == 4
    assert drawn(64, 0, 0, 0).tobytes() == drawn(64, 0, 0, 0).tobytes()
    stream, first, second = PlaneNoise((1, 2, 3), 0, 0, 0), np.zeros(63, np.float32), np.zeros(63, np.float32)
    stream.fill(first)
    stream.fill(second)
    np.testing.assert_array_equal(first, drawn(64, 0, 0, 0)[:63])
    assert not np.isin(second, first).all()
    assert (second != 0).all()


def test_exponential_of_a_small_field() -> None:
    """Relative error 4e-6 up to 1 and 3e-4 up to 2.5."""
    for limit, error in ((1.0, 4e-6), (2.5, 3e-4)):
        field = np.linspace(-limit, limit, 1001, dtype=np.float32).reshape(7, 143)
        out = np.empty_like(field)
        true = np.exp(field.astype(np.float64))
        exponential(field, out)
        assert abs(out / true - 1.0).max() < error


def test_kernels_add_up_to_one() -> None:
    """Half kernels with their mirror; below a tenth of a voxel there is no blur."""
    for sigma in (0.3, 0.8, 2.2):
        half = blur_kernel(sigma).astype(np.float64)
        assert half.size == np.ceil(2.5 * sigma) + 1
        assert 2 * half.sum() - half[0] == pytest.approx(1.0, rel=1e-6)
    np.testing.assert_array_equal(blur_kernel(0.05), [1.0])


@pytest.mark.parametrize("slab", [range(0, 9), range(3, 5), range(8, 9)])
def test_blur_of_a_slab_is_that_of_the_volume(slab: range) -> None:
    """Planes of any slab, also where the kernel is wider than the volume, are those of scipy's filter."""
    volume = np.random.default_rng(0).standard_normal((9, 6, 7)).astype(np.float32)
    kernels = (blur_kernel(2.0), blur_kernel(0.7), blur_kernel(1.5))
    expected = volume.astype(np.float64)
    for axis, half in enumerate(kernels):
        expected = ndimage.correlate1d(expected, np.concatenate([half[:0:-1], half]), axis=axis, mode="nearest")

    def make(x: int, out: np.ndarray) -> None:
        out[:] = volume[x]

    found = {x: plane.copy() for x, plane in PlaneBlur((9, 6, 7), kernels).planes(make, slab)}
    assert list(found) == list(slab)
    for x, plane in found.items():
        np.testing.assert_allclose(plane, expected[x], atol=1e-6)


def test_field_has_its_amount_and_is_smooth() -> None:
    """Over 40 draws: deviation .3; neighbours differ by .035 rms (.3 over 6 sqrt 2), at most five times."""
    values = []
    for seed in range(40):
        field = draw_field((8, 20, 20), spacing_mm=(2, 1, 1), sigma_mm=6.0, amount=0.3, rng=np.random.default_rng(seed))
        plane = np.empty((20, 20))
        field.plane(4, plane)
        values.append(plane)
        assert abs(np.diff(plane, axis=0)).max() < 0.18
    assert np.std(values) == pytest.approx(0.3, rel=0.15)
