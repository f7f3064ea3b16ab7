"""Which slices of the ring make a batch, and where each is looked at."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidInputError
from gliosynth.labels import CONTRASTS, REGION_LABELS, Region
from training.data.mixture import Rings
from training.data.ring import ATTEMPTS, LEAST_BRAIN_PX, Ring
from training.segmentation.presets import NEIGHBOUR_MM, Preset

STRAY_BOX_SHARE: Final = 0.1
"""Share of TC and ET samples whose box lies on brain without tumour, as after a false WT."""


@dataclass(frozen=True, eq=False)
class Stacks:
    """Axial slices, each with its neighbours below and above.

    Attributes:
        contrasts: z-scores ``(N, S, 4, X, Y)`` float32; S is odd and the slice itself is in the middle.
        labels: Tumour labels ``(N, S, X, Y)`` uint8.
        brain: Brain mask ``(N, S, X, Y)``.
    """

    contrasts: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]

    @property
    def middle(self) -> int:
        """Position of the slice itself among the S."""
        slices: int = self.labels.shape[1]
        return slices // 2


@dataclass(frozen=True, eq=False)
class Views:
    """Slices and the pixel each is centred on.

    Attributes:
        slices: N slices with their neighbours.
        centres: ``(N, 2)`` float32 pixel positions along X and Y.
    """

    slices: Stacks
    centres: NDArray[np.float32]


def read_stacks(ring: Ring, slot: int, planes: NDArray[np.intp], *, neighbours: int) -> Stacks | None:
    """Returns slices of one slot with their neighbours, or None where a worker replaced the volume meanwhile.

    Neighbours are `NEIGHBOUR_MM` apart, or one slice where slices are farther apart. A neighbour beyond the volume is
    zero, like all that lies outside the brain.

    Args:
        ring: Volumes.
        slot: Which volume.
        planes: Slices ``(N,)``.
        neighbours: Slices on each side of each.
    """
    stride = max(1, round(NEIGHBOUR_MM / ring.shape.slice_mm))
    wanted = planes[:, None] + stride * np.arange(-neighbours, neighbours + 1)
    there = (wanted >= 0) & (wanted < ring.shape.slices)
    read, places = np.unique(wanted[there], return_inverse=True)
    found = ring.read(slot, read)
    if found is None:
        return None
    plane = found.labels.shape[1:]
    contrasts = np.zeros((*wanted.shape, len(CONTRASTS), *plane), dtype=np.float32)
    labels, brain = np.zeros((*wanted.shape, *plane), dtype=np.uint8), np.zeros((*wanted.shape, *plane), dtype=np.bool_)
    contrasts[there], labels[there], brain[there] = found.contrasts[places], found.labels[places], found.brain[places]
    return Stacks(contrasts, labels, brain)


def draw_views(rings: Rings, preset: Preset, *, count: int, rng: np.random.Generator) -> Views:
    """Returns slices of volumes of the ring, each volume equally likely.

    A wanted kind of slice (with the region, without it) is drawn first; where the chosen volume has none of that kind,
    another volume is drawn.

    Args:
        rings: A ring, or several by ratio.
        preset: Says how many slices show the region and what the view is centred on.
        count: Number of slices.
        rng: Decides everything.

    Raises:
        InvalidInputError: The ring is empty or holds no usable slice.
    """
    drawn = [_draw_one(rings.pick(rng), preset, rng) for _ in range(count)]
    slices = Stacks(
        np.concatenate([one.contrasts for one, _ in drawn]),
        np.concatenate([one.labels for one, _ in drawn]),
        np.concatenate([one.brain for one, _ in drawn]),
    )
    return Views(slices, np.stack([centre for _, centre in drawn]))


def _draw_one(ring: Ring, preset: Preset, rng: np.random.Generator) -> tuple[Stacks, NDArray[np.float32]]:
    stray = preset.around_tumour and rng.random() < STRAY_BOX_SHARE
    with_region = not stray and rng.random() < preset.region_share
    held = ring.held if preset.volumes is None else ring.held[ring.held < preset.volumes]
    for _ in range(ATTEMPTS if held.size else 0):
        slot = int(rng.choice(held))
        planes = _eligible(ring.areas[slot], preset, with_region=with_region, stray=stray)
        if planes.size == 0:
            continue
        found = read_stacks(ring, slot, rng.choice(planes, size=1), neighbours=preset.neighbours)
        if found is not None:
            return found, _centre(found, preset, rng)
    raise InvalidInputError(f"{ring.folder}: no slice to draw in {ring.filled} volumes; let the worker fill the ring")


def _eligible(areas: NDArray[np.int32], preset: Preset, *, with_region: bool, stray: bool) -> NDArray[np.intp]:
    """Returns the slices of a volume of the wanted kind."""
    brain, tumour = areas[:, 0] >= LEAST_BRAIN_PX, areas[:, 1:].sum(axis=1)
    region = areas[:, list(REGION_LABELS[preset.region])].sum(axis=1)
    if stray:
        return np.flatnonzero(brain & (tumour == 0))
    if with_region:
        return np.flatnonzero(region > 0)
    box = np.flatnonzero(tumour)
    if preset.around_tumour and box.size:
        inside_box = np.arange(len(tumour))
        return np.flatnonzero((inside_box >= box[0]) & (inside_box <= box[-1]) & (region == 0) & brain)
    if preset.region is Region.WT:
        return np.flatnonzero(brain & (region == 0))
    return np.empty(0, dtype=np.intp)


def _centre(found: Stacks, preset: Preset, rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns the jittered middle of the tumour's box, of a random brain pixel, or of the image."""
    height, width = found.labels.shape[2:]
    jitter = rng.uniform(-preset.jitter_px, preset.jitter_px, size=2)
    if not preset.around_tumour:
        return np.asarray([height / 2 + jitter[0], width / 2 + jitter[1]], dtype=np.float32)
    tumour = np.argwhere(found.labels[0, found.middle])
    if tumour.size:
        middle = (tumour.min(axis=0) + tumour.max(axis=0)) / 2
    else:
        middle = rng.choice(np.argwhere(found.brain[0, found.middle]), axis=0).astype(np.float64)
    return np.asarray(middle + jitter, dtype=np.float32)
