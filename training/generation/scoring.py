"""How close generated slices are to held-out true ones: SSIM, MAE and PSNR, data range 1.

All are of the brain. The SSIM of whole slices stands beside them because that is what is often published (paper 002's
.79 among them): black background equals black background, so it is far higher.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.metrics.image import score_image, ssim
from training.data.pairs import Pairs
from training.loop.system import Evaluation

DATA_RANGE: Final = 1.0
"""Unit intensities lie in 0 to 1."""


@dataclass(frozen=True)
class SliceScores:
    """Mean scores of the slices of one ring in one contrast.

    Attributes:
        ring: The ring's name.
        contrast: The contrast's.
        ssim: In the brain.
        ssim_slice: Of whole slices, background included.
        mae: In the brain.
        psnr_db: In the brain, of all slices as one volume.
    """

    ring: str
    contrast: str
    ssim: float
    ssim_slice: float
    mae: float
    psnr_db: float


def score_slices(
    generated: Mapping[str, tuple[Pairs, NDArray[np.float32]]], contrasts: tuple[str, ...]
) -> tuple[SliceScores, ...]:
    """Returns the scores of every ring and contrast.

    Args:
        generated: By ring, its pairs and what was made of their brain maps, ``(B, M, H, W)`` in 0 to 1.
        contrasts: Names of the M contrasts.
    """
    return tuple(
        _scores(ring, contrast, pairs, images, channel)
        for ring, (pairs, images) in generated.items()
        for channel, contrast in enumerate(contrasts)
    )


def evaluation_of(scores: tuple[SliceScores, ...]) -> Evaluation:
    """Returns the mean SSIM in the brain as the score, with the means by ring and by contrast as figures."""
    figures = {f"ssim {ring}": _mean(one.ssim for one in scores if one.ring == ring) for ring in _names(scores, "ring")}
    figures |= {
        f"ssim {name}": _mean(one.ssim for one in scores if one.contrast == name) for name in _names(scores, "contrast")
    }
    figures["ssim of slices"] = _mean(one.ssim_slice for one in scores)
    figures["mae"] = _mean(one.mae for one in scores)
    figures["psnr"] = _mean(one.psnr_db for one in scores)
    return Evaluation(_mean(one.ssim for one in scores), figures)


def _scores(ring: str, contrast: str, pairs: Pairs, images: NDArray[np.float32], channel: int) -> SliceScores:
    truth, made = np.moveaxis(pairs.contrasts[:, channel], 0, -1), np.moveaxis(images[:, channel], 0, -1)
    inside = score_image(truth, made, data_range=DATA_RANGE, mask=np.moveaxis(pairs.brain[:, 0], 0, -1))
    whole = ssim(truth, made, data_range=DATA_RANGE)
    return SliceScores(ring, contrast, inside.ssim, whole, inside.mae, inside.psnr_db)


def _names(scores: tuple[SliceScores, ...], field: str) -> list[str]:
    return list(dict.fromkeys(str(getattr(one, field)) for one in scores))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
