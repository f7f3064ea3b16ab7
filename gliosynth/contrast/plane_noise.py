"""White noise for one plane of a volume, five times faster than a generator of normal numbers.

A normal number is the quantile of a uniform one. With 16 random bits there are 65536 quantiles, so one 64-bit word and
a table give four normal numbers. The numbers reach from -4.33 to 4.33; their distribution function differs from the
normal one by at most 2^-17, their variance is 1.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

QUANTILES: Final = 1 << 16
"""Different values of the noise."""

CHUNK: Final = 1 << 14
"""Numbers that are drawn at a time: a multiple of four, small enough for the cache."""


@cache
def quantile_table() -> NDArray[np.float32]:
    """Returns ``(65536,)`` float32: midpoint quantiles of the normal distribution, scaled to variance 1; read-only."""
    values = ndtri((np.arange(QUANTILES) + 0.5) / QUANTILES)
    table: NDArray[np.float32] = (values / np.sqrt((values * values).mean())).astype(np.float32)
    table.flags.writeable = False
    return table


class PlaneNoise:
    """The noise of one plane; each call of `fill` goes on where the one before ended."""

    def __init__(self, entropy: tuple[int, ...], *key: int) -> None:
        """Seeds the plane's own stream, so that no plane depends on who computes it, when, or beside which other.

        Args:
            entropy: Numbers of the whole volume.
            key: What tells this stream from the others: contrast, step and plane.
        """
        self._words = np.random.SFC64(np.random.SeedSequence(entropy, spawn_key=key))

    def fill(self, values: NDArray[np.float32]) -> None:
        """Fills a contiguous float32 array with independent normal numbers."""
        table, flat = quantile_table(), values.reshape(-1)
        for start in range(0, flat.size, CHUNK):
            part = flat[start : start + CHUNK]
            words = self._words.random_raw((part.size + 3) // 4).astype("<u8", copy=False)
            table.take(words.view("<u2")[: part.size], out=part, mode="clip")
