"""Elementary functions with the same bits everywhere."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import DTypeLike

from gliosynth.elementary import cos, exp, log, power, sin

ARGUMENTS = np.random.default_rng(0).uniform(-30.0, 30.0, 40_001)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_and_log_err_by_at_most_three_units_in_the_last_place(dtype: DTypeLike) -> None:
    """Against the C library in extended precision, over more than one block."""
    x = ARGUMENTS.astype(dtype)
    for ours, true in ((exp(x), np.exp(x.astype(np.longdouble))), (log(abs(x)), np.log(abs(x).astype(np.longdouble)))):
        assert ours.dtype == dtype
        assert (abs(ours - true) / np.spacing(abs(true).astype(dtype))).max() < 3.0


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-6), (np.float64, 4e-15)])
def test_power_and_waves_are_numpy_s_up_to_rounding(dtype: DTypeLike, tolerance: float) -> None:
    """Powers relative to their size, sine and cosine relative to 1."""
    x = ARGUMENTS.astype(dtype)
    true = abs(x.astype(np.longdouble)) ** np.longdouble(1.3)
    assert (abs(power(abs(x), 1.3) / true - 1)).max() < tolerance
    assert abs(sin(x) - np.sin(x.astype(np.longdouble))).max() < tolerance
    assert abs(cos(x) - np.cos(x.astype(np.longdouble))).max() < tolerance


def test_known_values() -> None:
    """Floats come back as floats: e, ln 2, 2 = cube root of 8, 0 to any power, quarter turns."""
    assert exp(1.0) == pytest.approx(math.e, rel=1e-15)
    assert log(2.0) == pytest.approx(math.log(2.0), rel=1e-15)
    assert power(8.0, 1.0 / 3.0) == pytest.approx(2.0, rel=1e-15)
    assert power(0.0, 1.2) == 0.0
    assert [round(sin(k * math.pi / 2), 12) for k in range(4)] == [0.0, 1.0, 0.0, -1.0]
    assert [round(cos(k * math.pi / 2), 12) for k in range(4)] == [1.0, 0.0, -1.0, 0.0]
    assert isinstance(exp(1.0), float)


def test_exp_saturates() -> None:
    """Far arguments give the ends of the range, finite and without a warning."""
    far = exp(np.array([-1e30, 1e30], dtype=np.float32))
    assert 0.0 < far[0] < 1e-37
    assert 1e37 < far[1] < np.inf


def test_shape_and_layout_do_not_matter() -> None:
    """Transposed, empty and single arrays give the values of the plain one in their own shape."""
    x = ARGUMENTS[:24].reshape(2, 3, 4)
    np.testing.assert_array_equal(exp(x.T), exp(x).T)
    assert exp(np.zeros((0, 3))).shape == (0, 3)
    assert exp(np.float64(0.0)) == 1.0


def test_other_libraries_take_their_own_function() -> None:
    """A tensor stays a tensor with the values of NumPy up to rounding."""
    x = torch.linspace(0.1, 3.0, 20)
    for function in (exp, log, sin, cos):
        np.testing.assert_allclose(function(x).numpy(), function(x.numpy()), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(power(x, 0.7).numpy(), power(x.numpy(), 0.7), rtol=1e-5)
