"""Products that do not round, so that their order does not matter."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth import exact_product
from gliosynth.exact_product import apply_exactly, multiply_exactly
from gliosynth.separable import field_matrix, gaussian_matrix

SHAPE = (40, 37, 50)


def operators(sigma: float) -> tuple[NDArray[np.float32], ...]:
    """Returns three smoothing matrices."""
    return tuple(gaussian_matrix(size, sigma) for size in SHAPE)


def volume(seed: int) -> NDArray[np.float32]:
    """Returns white noise."""
    return np.random.default_rng(seed).standard_normal(SHAPE, dtype=np.float32)


@pytest.mark.parametrize("sigma", [0.05, 0.6, 9.0])
def test_equals_the_plain_product_in_float64(sigma: float) -> None:
    """The promised error: 2^-21 of the largest value, for narrow, wide and identical operators."""
    x, y, z = operators(sigma)
    noise = volume(0)
    plain = np.einsum("ai,bj,ck,ijk->abc", x, y, z, noise.astype(np.float64), optimize=True)
    assert abs(apply_exactly(noise, x, y, z) - plain).max() < abs(noise).max() * 2.0**-21


def test_growing_operators_keep_their_precision() -> None:
    """The rows of a field's matrix have norm 1 and larger sums; the field is right to 2^-19 of the nodes' largest."""
    x, y, z = (field_matrix(size, 1.0, 3.0) for size in SHAPE)
    nodes = np.random.default_rng(1).standard_normal((x.shape[1], y.shape[1], z.shape[1]), dtype=np.float32)
    plain = np.einsum("ai,bj,ck,ijk->abc", x, y, z, nodes.astype(np.float64), optimize=True)
    assert abs(apply_exactly(nodes, x, y, z) - plain).max() < abs(nodes).max() * 2.0**-19


def test_order_of_summation_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reversed axes, other blocks and other slabs add in another order and give the same bits."""
    x, y, z = operators(1.7)
    noise = volume(2)
    first = apply_exactly(noise, x, y, z)
    backwards = apply_exactly(np.ascontiguousarray(noise[::-1, ::-1, ::-1]), *(m[::-1, ::-1].copy() for m in (x, y, z)))
    assert backwards[::-1, ::-1, ::-1].tobytes() == first.tobytes()
    monkeypatch.setattr(exact_product, "BLOCK_ROWS", 7)
    monkeypatch.setattr(exact_product, "SLAB_VOXELS", 3000)
    assert apply_exactly(noise, x, y, z).tobytes() == first.tobytes()


def test_scale_is_exact() -> None:
    """Values of any magnitude are treated alike: a power of two passes through, zeros stay zeros."""
    x, y, z = operators(2.0)
    noise = volume(3)
    np.testing.assert_array_equal(apply_exactly(noise * 2.0**40, x, y, z), apply_exactly(noise, x, y, z) * 2.0**40)
    assert not apply_exactly(np.zeros(SHAPE, np.float32), x, y, z).any()


def test_product_by_hand() -> None:
    """Two by two, and a row of zeros."""
    first = np.array([[1.0, 2.0], [0.0, 0.0]], dtype=np.float32)
    second = np.array([[0.5, -1.0], [0.25, 4.0]], dtype=np.float32)
    np.testing.assert_array_equal(multiply_exactly(first, second), [[1.0, 7.0], [0.0, 0.0]])
