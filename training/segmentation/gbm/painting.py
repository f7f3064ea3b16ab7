"""Paints a hand-made tumour over a tumour-free slice: each part its own intensity, soft borders, a little texture."""

from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.labels import Label
from gliosynth.ranges import Range

INTENSITIES: Final = MappingProxyType(
    {
        Label.NCR: ((-1.3, 0.1), (-0.8, 0.4), (0.8, 3.0), (0.6, 3.2)),
        Label.ED: ((-0.5, 0.5), (-0.6, 0.4), (0.0, 1.5), (0.8, 2.6)),
        Label.ET: ((-0.8, 0.4), (1.2, 3.4), (0.3, 2.0), (0.8, 2.6)),
    }
)
"""Ranges of a part's mean z-score in t1n, t1c, t2w, t2f, about the medians that PROTOTYPE 8 measured."""

BORDER_PX: Final[Range] = (0.5, 1.6)
"""Sigma of the soft borders, pixels of 1 mm."""

TEXTURE_SD: Final[Range] = (0.05, 0.35)
"""Standard deviation of the texture of a part, z-score."""

TEXTURE_PX: Final = 2.0
"""Sigma of the texture's correlation, pixels (METHODS C.2)."""

REACH_PX: Final = 7
"""Pixels that the softest border reaches beyond the labels: four sigmas."""

NESTED: Final = ((Label.ED, (1, 2, 3)), (Label.ET, (1, 3)), (Label.NCR, (1,)))
"""Parts from the outside in, each painted over all that lies inside it."""

HOST_SHARE: Final = 0.25
"""Share of the host's own detail that shows through."""


def paint(contrasts: NDArray[np.float32], labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns the slice with the tumour: host + w (mean + texture + share * detail - host), detail that of the host.

    w is the part's mask, blurred; parts are painted from the outside in, so a border mixes the two parts beside it.

    Args:
        contrasts: ``(4, X, Y)`` float32 z-scores.
        labels: ``(X, Y)`` uint8: where which part lies.
        rng: Decides intensities, texture and borders.
    """
    painted = contrasts.copy()
    box = _box_around(labels)
    host, parts = contrasts[:, *box], labels[box]
    brain = (host != 0).any(axis=0)
    sigma, texture = float(rng.uniform(*BORDER_PX)), _texture(parts.shape, rng)
    detail = HOST_SHARE * (host - ndimage.gaussian_filter(host, (0, 2 * TEXTURE_PX, 2 * TEXTURE_PX)))
    for label, reached in NESTED:
        weight = ndimage.gaussian_filter(np.isin(parts, reached).astype(np.float32), sigma) * brain
        low, high = np.asarray(INTENSITIES[label], dtype=np.float32).T[:, :, None, None]
        mean, rough = rng.uniform(low, high), rng.uniform(*TEXTURE_SD, low.shape)
        inside = painted[:, *box]
        painted[:, *box] = inside + weight * (mean + rough * texture + detail - inside)
    return painted


def _box_around(labels: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Returns the pixels that blurred labels reach."""
    used = np.argwhere(labels)
    first, last = used.min(axis=0) - REACH_PX, used.max(axis=0) + REACH_PX + 1
    return slice(max(int(first[0]), 0), int(last[0])), slice(max(int(first[1]), 0), int(last[1]))


def _texture(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns a Gaussian field of mean 0 and standard deviation 1 over the slice."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), TEXTURE_PX)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)
