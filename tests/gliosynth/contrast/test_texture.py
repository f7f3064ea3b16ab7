"""Texture of normal tissue."""

import numpy as np
import pytest

from gliosynth.contrast.texture import add_texture
from gliosynth.errors import InvalidParameterError

SHAPE = (40, 44, 30)
SPACING_MM = (1.0, 1.0, 1.5)


def textured(weights: tuple[float, ...], *, strength: float = 1.0) -> list[np.ndarray]:
    """Returns images of ones with texture."""
    images = [np.ones(SHAPE, np.float32) for _ in weights]
    rng = np.random.default_rng(3)
    return add_texture(images, strength=strength, weights=weights, spacing_mm=SPACING_MM, rng=rng)


def test_each_contrast_has_its_weight() -> None:
    """The deviation of a contrast grows in proportion to its weight; weight 0 leaves it flat."""
    plain, weighted = textured((1.0, 1.0, 1.0)), textured((0.5, 2.0, 0.0))
    for image, other, weight in zip(plain, weighted, (0.5, 2.0, 0.0), strict=True):
        np.testing.assert_allclose(other - 1.0, weight * (image - 1.0), atol=2e-6)


def test_contrasts_share_the_structure() -> None:
    """The textures of five contrasts span three dimensions: all are mixtures of the same three fields."""
    deviations = np.stack([image.ravel() - 1.0 for image in textured((1.0,) * 5)])
    spectrum = np.linalg.svd(deviations @ deviations.T, compute_uv=False)
    assert spectrum[2] > 1e-4 * spectrum[0]
    assert spectrum[3] < 1e-6 * spectrum[0]


def test_texture_multiplies_the_signal() -> None:
    """Twice the signal has twice the texture; strength scales it as the weights do."""
    rng = np.random.default_rng(3)
    twice = add_texture(
        [np.full(SHAPE, 2.0, np.float32)] * 3, strength=1.0, weights=(1.0, 1.0, 1.0), spacing_mm=SPACING_MM, rng=rng
    )
    for double, single, half in zip(twice, textured((1.0,) * 3), textured((0.5,) * 3, strength=2.0), strict=True):
        np.testing.assert_allclose(double, 2.0 * single, rtol=1e-6)
        np.testing.assert_allclose(half, single, rtol=1e-6)


def test_a_weight_for_every_contrast_is_asked_for() -> None:
    """Two images and four weights do not fit."""
    with pytest.raises(InvalidParameterError, match="2 signals and 4 texture weights"):
        add_texture([np.ones(SHAPE, np.float32)] * 2, strength=1.0, spacing_mm=SPACING_MM, rng=np.random.default_rng(0))
