"""Figures of a generator: image metrics in the brain per contrast, Dice of the lesion found, and their means."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.labels import REGIONS, Contrast, Region
from gliosynth.metrics.image import score_image, ssim
from training.data.pairs import Pairs

DATA_RANGE: Final = 1.0
"""Unit intensities lie in 0 to 1."""


class Images(StrEnum):
    """Which images a segmenter looks at."""

    TRUE = "true"
    """The held-out volume itself: what the segmenter can do."""
    PAINTED = "painted"
    """Painted from its brain maps."""
    MOVED = "moved"
    """Painted from its brain maps with the lesion somewhere else, its old place the paper's band."""
    HEALED = "healed"
    """The same with the old place healed (`gliosynth.generation.heal_maps`)."""


@dataclass(frozen=True)
class ImageFigures:
    """Means of image metrics in the brain, unit intensities.

    Attributes:
        mse: Mean squared error.
        mae: Mean absolute error.
        psnr_db: Peak signal-to-noise ratio, data range 1.
        ssim: Structural similarity, data range 1.
        ssim_whole: The same of whole slices, black background included: what papers mean that name no mask.
    """

    mse: float
    mae: float
    psnr_db: float
    ssim: float
    ssim_whole: float


@dataclass(frozen=True)
class ContrastFigures:
    """How close painted slices of one contrast of one case are to the true ones.

    Attributes:
        contrast: Which one.
        case: Of all slices as one volume.
        slices: Of each slice.
    """

    contrast: Contrast
    case: ImageFigures
    slices: tuple[ImageFigures, ...]


@dataclass(frozen=True)
class LesionFigures:
    """Where a segmenter found the lesion of one case.

    Attributes:
        images: In which images.
        dice: WT, TC and ET against the map; None where the map has none of it.
    """

    images: Images
    dice: tuple[float | None, ...]


@dataclass(frozen=True)
class CaseFigures:
    """All figures of one case.

    Attributes:
        contrasts: Image metrics per contrast.
        lesions: What the segmenter found; empty where none was given.
    """

    contrasts: tuple[ContrastFigures, ...]
    lesions: tuple[LesionFigures, ...]


@dataclass(frozen=True)
class RegionMean:
    """Mean Dice of a region.

    Attributes:
        dice: NaN where no case has the region.
        cases: How many have it.
    """

    dice: float
    cases: int


@dataclass(frozen=True)
class GeneratorScores:
    """Means over cases.

    Attributes:
        cases: How many there were.
        slices: Slices of all of them.
        by_case: Per contrast, the mean over cases.
        by_slice: Per contrast, the mean over slices.
        lesions: Per kind of images and region, the mean over the cases that have the region.
    """

    cases: int
    slices: int
    by_case: dict[Contrast, ImageFigures]
    by_slice: dict[Contrast, ImageFigures]
    lesions: dict[Images, dict[Region, RegionMean]]

    @property
    def ssim(self) -> float:
        """Mean SSIM over contrasts and cases."""
        return float(np.mean([figures.ssim for figures in self.by_case.values()]))

    @property
    def ssim_whole(self) -> float:
        """Mean SSIM of whole slices over contrasts and cases."""
        return float(np.mean([figures.ssim_whole for figures in self.by_case.values()]))


def compare(pairs: Pairs, images: NDArray[np.float32], contrasts: Sequence[Contrast]) -> tuple[ContrastFigures, ...]:
    """Returns how close images of slices are to the true ones, in the brain.

    Args:
        pairs: B slices in M contrasts.
        images: ``(B, M, H, W)`` unit intensities.
        contrasts: The M contrasts.
    """
    return tuple(
        _figures(contrast, pairs.contrasts[:, channel], images[:, channel], pairs.brain[:, 0])
        for channel, contrast in enumerate(contrasts)
    )


def summarise(cases: Sequence[CaseFigures]) -> GeneratorScores:
    """Returns the means over cases, at least one."""
    names = [one.contrast for one in cases[0].contrasts]
    each = {name: [one for case in cases for one in case.contrasts if one.contrast is name] for name in names}
    lesions = [one for case in cases for one in case.lesions]
    return GeneratorScores(
        cases=len(cases),
        slices=sum(len(case.contrasts[0].slices) for case in cases),
        by_case={name: _mean([one.case for one in ones]) for name, ones in each.items()},
        by_slice={name: _mean([figures for one in ones for figures in one.slices]) for name, ones in each.items()},
        lesions={
            kind: _region_means([one for one in lesions if one.images is kind])
            for kind in Images
            if any(one.images is kind for one in lesions)
        },
    )


def _region_means(lesions: Sequence[LesionFigures]) -> dict[Region, RegionMean]:
    found = {region: [one.dice[number] for one in lesions] for number, region in enumerate(REGIONS)}
    counted = {region: [value for value in values if value is not None] for region, values in found.items()}
    return {
        region: RegionMean(float(np.mean(values)) if values else float("nan"), len(values))
        for region, values in counted.items()
    }


def _figures(
    contrast: Contrast, truth: NDArray[np.float32], made: NDArray[np.float32], brain: NDArray[np.bool_]
) -> ContrastFigures:
    """Returns the figures of slices ``(B, H, W)``, together and one by one."""
    each = [_scored(one, two, mask) for one, two, mask in zip(truth, made, brain, strict=True)]
    volumes = (np.moveaxis(truth, 0, -1), np.moveaxis(made, 0, -1), np.moveaxis(brain, 0, -1))
    return ContrastFigures(contrast, _scored(*volumes), tuple(each))


def _scored(truth: NDArray[np.float32], made: NDArray[np.float32], brain: NDArray[np.bool_]) -> ImageFigures:
    """Returns the figures of a slice ``(X, Y)`` or a volume ``(X, Y, Z)``."""
    inside = score_image(truth, made, data_range=DATA_RANGE, mask=brain)
    whole = ssim(truth, made, data_range=DATA_RANGE)
    return ImageFigures(inside.mse, inside.mae, inside.psnr_db, inside.ssim, whole)


def _mean(figures: Sequence[ImageFigures]) -> ImageFigures:
    """Returns the mean of each figure."""
    return ImageFigures(
        **{name.name: float(np.mean([getattr(one, name.name) for one in figures])) for name in fields(ImageFigures)}
    )
