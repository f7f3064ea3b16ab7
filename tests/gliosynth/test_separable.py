"""Separable operators on volumes."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from gliosynth.separable import (
    acquisition_matrix,
    apply_separable,
    field_matrix,
    gaussian_matrix,
    linear_matrix,
    noise_gain,
    random_field,
    smooth,
)


def test_apply_separable_equals_the_triple_sum() -> None:
    """Three small matrices act as the sum over all three indices, written out."""
    rng = np.random.default_rng(0)
    volume = rng.standard_normal((3, 4, 5)).astype(np.float32)
    x, y, z = (rng.standard_normal((n + 1, n)).astype(np.float32) for n in (3, 4, 5))
    expected = np.einsum("ai,bj,ck,ijk->abc", x, y, z, volume)
    np.testing.assert_allclose(apply_separable(volume, x, y, z), expected, rtol=1e-4, atol=1e-4)


def test_smooth_agrees_with_scipy_away_from_the_border() -> None:
    """The matrix product and scipy's filter give the same smoothed volume."""
    volume = np.random.default_rng(1).standard_normal((24, 24, 24)).astype(np.float32)
    ours = smooth(volume, 2.0, (1.0, 2.0, 1.0))
    theirs = ndimage.gaussian_filter(volume, (2.0, 1.0, 2.0), truncate=6)
    np.testing.assert_allclose(ours[10:14, 6:18, 10:14], theirs[10:14, 6:18, 10:14], atol=1e-3)


def test_smooth_keeps_a_constant() -> None:
    """Rows of the smoothing matrix sum to 1, at the border, too."""
    np.testing.assert_allclose(smooth(np.full((5, 6, 7), 3.0, np.float32), 2.0, (1, 1, 2)), 3.0, rtol=1e-6)
    np.testing.assert_array_equal(gaussian_matrix(4, 0.0), np.eye(4))


def test_linear_matrix_interpolates_by_hand() -> None:
    """Half-way is the mean, outside the end is held."""
    matrix = linear_matrix(np.array([-1.0, 0.5, 3.0, 9.0]), np.array([0.0, 2.0, 4.0]))
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]])


def test_acquisition_without_effects_is_the_identity() -> None:
    """No point spread, own slices and no shift leave the volume as it is."""
    np.testing.assert_array_equal(acquisition_matrix(6, 1.0, psf_mm=0.0, slice_mm=1.0, shift_mm=0.0), np.eye(6))


def test_acquisition_shifts_content_upwards() -> None:
    """A shift of 2 mm moves an impulse two voxels of 1 mm."""
    impulse = np.eye(9, dtype=np.float32)[4]
    moved = acquisition_matrix(9, 1.0, psf_mm=0.0, slice_mm=1.0, shift_mm=2.0) @ impulse
    assert moved.argmax() == 6


def test_thick_slices_blur_by_their_thickness() -> None:
    """Six-mm slices spread an impulse over one to two slices and keep its mean position."""
    impulse = np.eye(61, dtype=np.float32)[30]
    profile = acquisition_matrix(61, 1.0, psf_mm=0.0, slice_mm=6.0, shift_mm=0.0) @ impulse
    positions = np.arange(61)
    assert (positions * profile).sum() / profile.sum() == pytest.approx(30.0, abs=0.5)
    assert 6 <= (profile > profile.max() / 2).sum() <= 13


def test_noise_gain_is_the_standard_deviation_of_filtered_noise() -> None:
    """The factor by which a smoothing matrix shrinks white noise is predicted."""
    matrix = gaussian_matrix(400, 1.5)
    filtered = matrix @ np.random.default_rng(2).standard_normal((400, 500)).astype(np.float32)
    assert filtered.std() == pytest.approx(noise_gain(matrix), rel=0.05)


def test_random_field_has_unit_variance_and_gaussian_autocorrelation() -> None:
    """A field of sigma 2 mm correlates as exp(-d^2 / 16): .78 at 2 mm and .37 at 4 mm."""
    rng = np.random.default_rng(3)
    field = random_field(rng, (96, 96, 48), spacing_mm=(1, 1, 2), sigma_mm=2.0, xp=np)
    assert field.mean() == pytest.approx(0.0, abs=0.05)
    assert field.var() == pytest.approx(1.0, abs=0.07)
    for lag, expected in ((2, 0.7788), (4, 0.3679), (8, 0.0183)):
        found = (field[lag:] * field[:-lag]).mean() / field.var()
        assert found == pytest.approx(expected, abs=0.06)
    assert (field[:, :, 1:] * field[:, :, :-1]).mean() == pytest.approx(0.7788, abs=0.06)


def test_field_matrix_rows_have_unit_norm() -> None:
    """White noise on the nodes becomes variance 1 at every voxel, at the border, too."""
    np.testing.assert_allclose(np.linalg.norm(field_matrix(50, 1.0, 7.0), axis=1), 1.0, rtol=1e-6)


def test_numpy_and_torch_agree() -> None:
    """The same seed gives the same field in both libraries, and smoothing it the same volume."""
    ours = random_field(np.random.default_rng(4), (20, 24, 12), spacing_mm=(1, 1, 2), sigma_mm=2.5, xp=np)
    theirs = random_field(np.random.default_rng(4), (20, 24, 12), spacing_mm=(1, 1, 2), sigma_mm=2.5, xp=torch)
    assert isinstance(theirs, torch.Tensor)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)
    smoothed = smooth(theirs, 1.5, (1, 1, 2))
    np.testing.assert_allclose(smooth(ours, 1.5, (1, 1, 2)), smoothed.numpy(), atol=1e-5)
