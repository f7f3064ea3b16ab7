"""How close generated slices are to held-out true ones: SSIM, MAE and PSNR in the brain, data range 1."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.metrics.image import ImageScores, score_image
from training.data.pairs import Pairs
from training.loop.system import Evaluation

DATA_RANGE: Final = 1.0
"""Unit intensities lie in 0 to 1."""


def score_slices(generated: Mapping[str, tuple[Pairs, NDArray[np.float32]]], names: tuple[str, ...]) -> Evaluation:
    """Returns the mean SSIM in the brain over contrasts and rings, and what it is made of.

    Args:
        generated: By ring, its pairs and what was made of their brain maps, ``(B, M, H, W)`` in 0 to 1.
        names: Of the M contrasts.
    """
    figures: dict[str, float] = {}
    for ring, (pairs, images) in generated.items():
        by_contrast = [_mean_scores(pairs, images, channel) for channel in range(len(names))]
        figures |= {f"ssim {ring} {name}": one.ssim for name, one in zip(names, by_contrast, strict=True)}
        figures[f"ssim {ring}"] = float(np.mean([one.ssim for one in by_contrast]))
        figures[f"mae {ring}"] = float(np.mean([one.mae for one in by_contrast]))
        figures[f"psnr {ring}"] = float(np.mean([one.psnr_db for one in by_contrast]))
    score = float(np.mean([figures[f"ssim {ring}"] for ring in generated]))
    return Evaluation(score, figures)


def _mean_scores(pairs: Pairs, images: NDArray[np.float32], channel: int) -> ImageScores:
    """Returns the scores of one contrast, all slices as one volume."""
    truth, made = np.moveaxis(pairs.contrasts[:, channel], 0, -1), np.moveaxis(images[:, channel], 0, -1)
    return score_image(truth, made, data_range=DATA_RANGE, mask=np.moveaxis(pairs.brain[:, 0], 0, -1))
