"""How good a generator is: its images beside true ones, and whether a segmenter finds the lesion where the map says.

Three questions, asked of held-out volumes. How close is a painted slice to the true one, where nothing was moved: MSE,
MAE, PSNR and SSIM in the brain, unit intensities, data range 1 (paper 002, table 2; its own figures are impossible,
METHODS A.002). Where does a segmenter find the lesion in a painted volume, as it was and after it was moved: Dice with
the tumour map that was painted. And what does the same segmenter reach on the true images of these volumes: the
ceiling. Image metrics are not computed across a moved lesion, where they mean nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import move_tumour
from gliosynth.errors import InvalidInputError
from gliosynth.generation import GeneratorNetwork, brain_maps_of, heal_maps, paint
from gliosynth.labels import CONTRASTS, REGIONS, LabelMap, Mask, Region, region_mask
from gliosynth.metrics.overlap import dice
from gliosynth.segmentation import CascadeModels
from training.data.manipulation import manipulate_volume
from training.data.pairs import UnitScales, pairs_of_volume
from training.data.ring import Ring
from training.generation.figures import CaseFigures, ContrastFigures, Images, LesionFigures, compare
from training.generation.finding import find_lesion
from training.generation.trained import generated


@dataclass(frozen=True, eq=False)
class Looked:
    """A volume that a segmenter looked at, for pictures.

    Attributes:
        images: Which ones.
        contrasts: Unit intensities or z-scores ``(4, X, Y, Z)``.
        brain: ``(X, Y, Z)``.
        labels: Where the lesion is, ``(X, Y, Z)``.
        found: Where it was found.
    """

    images: Images
    contrasts: NDArray[np.float32]
    brain: Mask
    labels: LabelMap
    found: LabelMap


@dataclass(frozen=True, eq=False)
class CaseScores:
    """Everything about one case.

    Attributes:
        ring: Name of the ring's folder.
        slot: Its place in the ring.
        figures: Image metrics per contrast, and what the segmenter found.
        looked: The volumes that it looked at, for pictures.
    """

    ring: str
    slot: int
    figures: CaseFigures
    looked: tuple[Looked, ...]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A held-out volume.

    Attributes:
        contrasts: z-scores ``(4, X, Y, Z)``.
        labels: ``(X, Y, Z)``.
        brain: ``(X, Y, Z)``.
        slice_mm: Distance of the slices; pixels are 1 mm.
    """

    contrasts: NDArray[np.float32]
    labels: LabelMap
    brain: Mask
    slice_mm: float


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
            looked = tuple(_looked_at(networks, models, held_out(ring, slot), rng)) if models is not None else ()
            lesions = tuple(LesionFigures(one.images, _dice_of(one)) for one in looked)
            yield CaseScores(ring.folder.name, slot, CaseFigures(images, lesions), looked)


def held_out(ring: Ring, slot: int) -> HeldOut:
    """Returns a volume of a ring that nobody renews.

    Raises:
        InvalidInputError: A worker is replacing it.
    """
    found = ring.read(slot, np.arange(int(ring.index[slot, 1])))
    if found is None:
        raise InvalidInputError(f"{ring.folder}: volume {slot} is being replaced; judge on a ring that nobody renews")
    contrasts: NDArray[np.float32] = np.ascontiguousarray(np.moveaxis(found.contrasts, 0, -1))
    labels: LabelMap = np.ascontiguousarray(np.moveaxis(found.labels, 0, -1))
    brain: Mask = np.ascontiguousarray(np.moveaxis(found.brain, 0, -1))
    return HeldOut(contrasts, labels, brain, ring.shape.slice_mm)


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
    networks: Sequence[GeneratorNetwork], models: CascadeModels, case: HeldOut, rng: np.random.Generator
) -> Iterator[Looked]:
    """Yields the true volume, the painted one and, where a movement fits, those with its lesion moved."""

    def looked(images: Images, volume: NDArray[np.float32], wanted: LabelMap) -> Looked:
        found = find_lesion(volume, case.brain, models=models, slice_mm=case.slice_mm)
        return Looked(images, volume, case.brain, wanted, found)

    yield looked(Images.TRUE, case.contrasts, case.labels)
    if sum(len(network.contrasts) for network in networks) < len(CONTRASTS):
        return
    maps = brain_maps_of(case.contrasts, case.labels, case.brain, moved_from=None)
    yield looked(Images.PAINTED, paint(maps, networks), case.labels)
    moved = manipulate_volume(case.labels, case.brain, rng, spacing_mm=(1.0, 1.0, case.slice_mm))
    if moved is not None:
        banded = move_tumour(maps, np.broadcast_to(moved, maps.shape))
        yield looked(Images.MOVED, paint(banded, networks), moved)
        healed = heal_maps(banded, (case.labels > 0) & (moved == 0) & case.brain)
        yield looked(Images.HEALED, paint(healed, networks), moved)


def _dice_of(looked: Looked) -> tuple[float | None, ...]:
    return tuple(_dice(looked.labels, looked.found, region) for region in REGIONS)


def _dice(labels: LabelMap, found: LabelMap, region: Region) -> float | None:
    wanted = region_mask(labels, region)
    return dice(wanted, region_mask(found, region)) if wanted.any() else None
