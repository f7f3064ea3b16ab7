"""Texture of normal tissue: shared Gaussian random fields that multiply the signals."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.elementary import cos, sin
from gliosynth.errors import InvalidParameterError
from gliosynth.ranges import Range
from gliosynth.separable import Array, random_field

AMOUNT: Final[Range] = (0.015, 0.05)
"""Standard deviation of the fine texture relative to the signal."""

FIELDS_MM: Final = (1.2, 2.5, 14.0)
"""Kernel widths of the two fine fields and the slow one, mm."""

SLOW_AMOUNT: Final = 0.9
"""Standard deviation of the slow field's factor, relative to the fine texture."""


def add_texture(
    signals: list[Array],
    *,
    strength: float,
    weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Array]:
    """Returns the signals with texture.

    All contrasts share three fields, because tissue has one structure; each mixes them by its own random weights.

    Args:
        signals: ``(X, Y, Z)`` float32 each.
        strength: Multiplies the texture; 0 returns the signals as they are.
        weights: Multiplies the texture of each contrast.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.

    Raises:
        InvalidParameterError: There is not one weight for each signal.
    """
    if len(weights) != len(signals):
        raise InvalidParameterError(
            f"there are {len(signals)} signals and {len(weights)} texture weights; give one for each",
            field="weights",
            got=str(tuple(weights)),
        )
    if strength <= 0.0:
        return signals
    xp = array_namespace(signals[0])
    shape = signals[0].shape
    first, second, slow = (
        random_field(rng, shape, spacing_mm=spacing_mm, sigma_mm=sigma_mm, xp=xp) for sigma_mm in FIELDS_MM
    )
    drawn = strength * float(rng.uniform(*AMOUNT))
    result = []
    for image, weight in zip(signals, weights, strict=True):
        amount = weight * drawn
        angle = float(rng.uniform(0.0, 2.0 * math.pi))
        factor = (amount * cos(angle)) * first
        factor += (amount * sin(angle)) * second
        factor += (amount * SLOW_AMOUNT * float(rng.standard_normal())) * slow
        factor += 1.0
        factor *= image
        result.append(factor)
    return result
