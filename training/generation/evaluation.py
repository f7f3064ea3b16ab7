"""How good a generator is: its images beside true ones, and whether a segmenter finds the lesion where the map says.

Three questions, asked of held-out volumes. How close is a painted slice to the true one, where nothing was moved: MSE,
MAE, PSNR and SSIM in the brain, unit intensities, data range 1 (paper 002, table 2; its own figures are impossible,
METHODS A.002). Where does a segmenter find the lesion in a painted volume, as it was and after it was moved: Dice with
the tumour map that was painted. And what does the same segmenter reach on the true images of these volumes: the
ceiling. Image metrics are not computed across a moved lesion, where they mean nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.generation import GeneratorNetwork, brain_maps_of, paint
from gliosynth.labels import CONTRASTS, REGIONS, Contrast, LabelMap, Mask, Region, region_mask
from gliosynth.metrics.image import ImageScores, score_image
from gliosynth.metrics.overlap import dice
from gliosynth.segmentation import CascadeModels
from training.data.manipulation import manipulate_volume
from training.data.pairs import Pairs, UnitScales, pairs_of_volume
from training.data.ring import Ring
from training.generation.finding import find_lesion
from training.generation.trained import generated

DATA_RANGE: Final = 1.0
"""Unit intensities lie in 0 to 1."""


class Images(StrEnum):
    """Which images a segmenter looks at."""

    TRUE = "true"
    """The held-out volume itself: what the segmenter can do."""
    PAINTED = "painted"
    """Painted from its brain maps."""
    MOVED = "moved"
    """Painted from its brain maps with the lesion somewhere else."""


@dataclass(frozen=True)
class ImageFigures:
    """Means of image metrics in the brain, unit intensities.

    Attributes:
        mse: Mean squared error.
        mae: Mean absolute error.
        psnr_db: Peak signal-to-noise ratio, data range 1.
        ssim: Structural similarity, data range 1.
    """

    mse: float
    mae: float
    psnr_db: float
    ssim: float


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


@dataclass(frozen=True, eq=False)
class Looked:
    """A volume that a segmenter looked at, for pictures.

    Attributes:
        images: Which ones.
        contrasts: Unit intensities or z-scores ``(4, X, Y, Z)``.
        labels: Where the lesion is, ``(X, Y, Z)``.
        found: Where it was found.
    """

    images: Images
    contrasts: NDArray[np.float32]
    labels: LabelMap
    found: LabelMap


@dataclass(frozen=True, eq=False)
class CaseScores:
    """Everything about one case.

    Attributes:
        ring: Name of the ring's folder.
        slot: Its place in the ring.
        contrasts: Image metrics per contrast.
        lesions: What the segmenter found; empty where none was given, or the networks paint not all contrasts.
        looked: The volumes, for pictures.
    """

    ring: str
    slot: int
    contrasts: tuple[ContrastFigures, ...]
    lesions: tuple[LesionFigures, ...]
    looked: tuple[Looked, ...]


@dataclass(frozen=True)
class GeneratorScores:
    """Means over cases.

    Attributes:
        cases: How many there were.
        slices: Slices of all of them.
        by_case: Per contrast, the mean over cases.
        by_slice: Per contrast, the mean over slices.
        lesions: Per kind of images, WT, TC and ET: mean Dice over the cases that have the region.
        counted: The number of those cases, likewise.
    """

    cases: int
    slices: int
    by_case: dict[Contrast, ImageFigures]
    by_slice: dict[Contrast, ImageFigures]
    lesions: dict[Images, dict[Region, float]]
    counted: dict[Images, dict[Region, int]]

    @property
    def ssim(self) -> float:
        """Mean SSIM over contrasts and cases."""
        return float(np.mean([figures.ssim for figures in self.by_case.values()]))


def evaluate_generator(
    networks: Sequence[GeneratorNetwork],
    rings: Sequence[Ring],
    *,
    size: tuple[int, int],
    models: CascadeModels | None,
    most_cases: int,
    seed: int = 0,
) -> Iterator[CaseScores]:
    """Yields the scores of held-out volumes that have a lesion, one after the other; `summarise` takes them together.

    Args:
        networks: One joint network, or any of single contrasts; lesions need all four contrasts.
        rings: Held-out volumes.
        size: Height and width of the slices whose images are compared.
        models: The segmenters, or None to compare images alone.
        most_cases: Of each ring, the first ones with a lesion.
        seed: Of the movements; that of a case is drawn from ``[seed, number of its volume]``.
    """
    scales = UnitScales()
    for ring in rings:
        shown = [int(slot) for slot in ring.held if ring.areas[slot, :, 1:].any()]
        for slot in shown[:most_cases]:
            images = _compared(networks, ring, scales, slot=slot, size=size)
            rng = np.random.default_rng([seed, int(ring.index[slot, 0])])
            looked = tuple(_looked_at(networks, models, ring, slot, rng)) if models is not None else ()
            lesions = tuple(LesionFigures(one.images, _dice_of(one)) for one in looked)
            yield CaseScores(ring.folder.name, slot, images, lesions, looked)


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


def summarise(cases: Sequence[CaseScores]) -> GeneratorScores:
    """Returns the means over cases, at least one."""
    contrasts = [one.contrast for one in cases[0].contrasts]
    each = {name: [one for case in cases for one in case.contrasts if one.contrast is name] for name in contrasts}
    kinds = [one.images for one in cases[0].lesions]
    found = {
        kind: {
            region: [
                value
                for case in cases
                for one in case.lesions
                if one.images is kind and (value := one.dice[number]) is not None
            ]
            for number, region in enumerate(REGIONS)
        }
        for kind in kinds
    }
    return GeneratorScores(
        cases=len(cases),
        slices=sum(len(case.contrasts[0].slices) for case in cases),
        by_case={name: _mean([one.case for one in ones]) for name, ones in each.items()},
        by_slice={name: _mean([figures for one in ones for figures in one.slices]) for name, ones in each.items()},
        lesions={
            kind: {r: float(np.mean(v)) if v else float("nan") for r, v in of.items()} for kind, of in found.items()
        },
        counted={kind: {region: len(values) for region, values in of.items()} for kind, of in found.items()},
    )


def _compared(
    networks: Sequence[GeneratorNetwork], ring: Ring, scales: UnitScales, *, slot: int, size: tuple[int, int]
) -> tuple[ContrastFigures, ...]:
    """Returns the image metrics of every network's contrasts on the slices through the lesion."""
    figures: list[ContrastFigures] = []
    for network in networks:
        channels = tuple(CONTRASTS.index(contrast) for contrast in network.contrasts)
        pairs = pairs_of_volume(ring, scales, slot=slot, size=network.size.fixed or size, channels=channels)
        if pairs is not None:
            figures += compare(pairs, generated(network, pairs.brain_maps), network.contrasts)
    return tuple(figures)


def _looked_at(
    networks: Sequence[GeneratorNetwork],
    models: CascadeModels,
    ring: Ring,
    slot: int,
    rng: np.random.Generator,
) -> Iterator[Looked]:
    """Yields the true volume, the painted one and, where a movement fits, the one with its lesion moved."""
    held = ring.read(slot, np.arange(int(ring.index[slot, 1])))
    if held is None:
        return
    contrasts = np.ascontiguousarray(np.moveaxis(held.contrasts, 0, -1))
    labels, brain = (np.ascontiguousarray(np.moveaxis(part, 0, -1)) for part in (held.labels, held.brain))
    slice_mm = ring.shape.slice_mm

    def looked(images: Images, volume: NDArray[np.float32], wanted: LabelMap) -> Looked:
        return Looked(images, volume, wanted, find_lesion(volume, brain, models=models, slice_mm=slice_mm))

    yield looked(Images.TRUE, contrasts, labels)
    if len([contrast for network in networks for contrast in network.contrasts]) < len(CONTRASTS):
        return
    yield looked(Images.PAINTED, paint(brain_maps_of(contrasts, labels, brain, moved_from=None), networks), labels)
    moved = manipulate_volume(labels, brain, rng, spacing_mm=(1.0, 1.0, slice_mm))
    if moved is not None:
        maps = brain_maps_of(contrasts, moved, brain, moved_from=labels)
        yield looked(Images.MOVED, paint(maps, networks), moved)


def _dice_of(looked: Looked) -> tuple[float | None, ...]:
    return tuple(_dice(looked.labels, looked.found, region) for region in REGIONS)


def _dice(labels: LabelMap, found: LabelMap, region: Region) -> float | None:
    wanted = region_mask(labels, region)
    return dice(wanted, region_mask(found, region)) if wanted.any() else None


def _figures(contrast: Contrast, truth: NDArray[np.float32], made: NDArray[np.float32], brain: Mask) -> ContrastFigures:
    """Returns the figures of slices ``(B, H, W)``, together and one by one."""
    volumes = [np.ascontiguousarray(np.moveaxis(part, 0, -1)) for part in (truth, made, brain)]
    each = [
        _of(score_image(one, two, data_range=DATA_RANGE, mask=mask))
        for one, two, mask in zip(truth, made, brain, strict=True)
    ]
    case = score_image(volumes[0], volumes[1], data_range=DATA_RANGE, mask=volumes[2])
    return ContrastFigures(contrast, _of(case), tuple(each))


def _of(scores: ImageScores) -> ImageFigures:
    return ImageFigures(**{name.name: getattr(scores, name.name) for name in fields(ImageFigures)})


def _mean(figures: Sequence[ImageFigures]) -> ImageFigures:
    """Returns the mean of each figure."""
    return ImageFigures(
        **{name.name: float(np.mean([getattr(one, name.name) for one in figures])) for name in fields(ImageFigures)}
    )
