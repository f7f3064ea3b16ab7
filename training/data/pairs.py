"""Brain maps and the images they were made from: the pairs that generators learn (paper of the Augmentation Network).

The paper takes 64 axial slices of 1 mm through the tumour of each patient, and their mirror images. Here that is a
window of 64 mm around the middle of the tumour, so that rings of thicker slices show the same anatomy; a slice and its
mirror image are drawn equally often. Images are unit intensities: 0 to 1 between two percentiles of the *volume's*
brain (`gliosynth.preprocessing.intensity`), which the z-scores of a ring give as well as the volume itself. Each
contrast has a brain map of its own, made from its slice by `gliosynth.brain_map`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import BrainChannel, build_brain_map
from gliosynth.errors import InvalidInputError
from gliosynth.preprocessing.intensity import UNIT_PERCENTILES
from training.data.mixture import Rings
from training.data.ring import ATTEMPTS, LEAST_BRAIN_PX, Ring, Slices

SPAN_MM: Final = 64.0
"""Extent of the slices through the tumour: the paper's 64 slices of 1 mm."""

FLIP_SHARE: Final = 0.5
"""Share of mirrored slices."""

Value = TypeVar("Value", bound=np.generic)
"""Type of the pixels of any image."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Brain maps and images of B slices in M contrasts.

    Attributes:
        brain_maps: ``(B, M, H, W)`` uint8, values of `BrainChannel`.
        contrasts: Unit intensities ``(B, M, H, W)`` float32 in 0 to 1, 0 outside the brain.
        brain: ``(B, 1, H, W)`` bool.
        labels: Tumour labels ``(B, 1, H, W)`` uint8.
    """

    brain_maps: NDArray[np.uint8]
    contrasts: NDArray[np.float32]
    brain: NDArray[np.bool_]
    labels: NDArray[np.uint8]


class UnitScales:
    """The z-scores that become 0 and 1 in the volumes of rings, each volume measured once."""

    def __init__(self) -> None:
        """Starts with nothing measured."""
        self._measured: dict[tuple[str, int], tuple[int, NDArray[np.float64]]] = {}

    def of(self, ring: Ring, slot: int) -> NDArray[np.float64] | None:
        """Returns the two percentiles of each contrast, or None where a worker is replacing the volume.

        Args:
            ring: Holds the volume.
            slot: Where.

        Returns:
            ``(4, 2)`` z-scores; two equal ones say that the contrast is missing.
        """
        number = int(ring.index[slot, 0])
        known = self._measured.get((str(ring.folder), slot))
        if known is not None and known[0] == number:
            return known[1]
        volume = ring.read(slot, np.arange(int(ring.index[slot, 1])))
        if volume is None or int(ring.index[slot, 0]) != number:
            return None
        inside = [volume.contrasts[:, channel][volume.brain] for channel in range(volume.contrasts.shape[1])]
        measured = np.stack([np.percentile(part.astype(np.float64), UNIT_PERCENTILES) for part in inside])
        self._measured[str(ring.folder), slot] = (number, measured)
        return measured


def draw_pairs(
    rings: Rings,
    scales: UnitScales,
    *,
    size: tuple[int, int],
    channels: tuple[int, ...],
    count: int,
    rng: np.random.Generator,
) -> Pairs:
    """Returns pairs of slices near tumours, each volume with a tumour equally likely.

    Args:
        rings: A ring, or several mixed.
        scales: Remembers what was measured; keep one for as long as the rings are drawn from.
        size: H and W: slices are padded or cut around their middle.
        channels: Which contrasts, as indices of `gliosynth.labels.CONTRASTS`; volumes that miss one are not drawn.
        count: B.
        rng: Decides everything.

    Raises:
        InvalidInputError: A ring holds no volume with a tumour and these contrasts.
    """
    drawn = [_draw_one(rings.pick(rng), scales, channels, rng) for _ in range(count)]
    slices = Slices(
        np.concatenate([one.contrasts for one in drawn]),
        np.concatenate([one.labels for one in drawn]),
        np.concatenate([one.brain for one in drawn]),
    )
    return pairs_of(slices, size=size)


def pairs_of_volume(
    ring: Ring, scales: UnitScales, *, slot: int, size: tuple[int, int], channels: tuple[int, ...], stride: int = 1
) -> Pairs | None:
    """Returns the pairs of slices through the tumour of one volume, from below, or None where it has none.

    Args:
        ring: Volumes.
        scales: See `draw_pairs`.
        slot: The volume's place.
        size: See `draw_pairs`.
        channels: See `draw_pairs`.
        stride: Every which slice, from the middle of the first stride on.
    """
    planes = tumour_planes(ring, slot)[stride // 2 :: stride]
    found = _read_units(ring, scales, slot, planes, channels) if planes.size else None
    return None if found is None else pairs_of(found, size=size)


def volumes_of_pairs(
    ring: Ring, scales: UnitScales, *, size: tuple[int, int], channels: tuple[int, ...]
) -> Iterator[tuple[int, Pairs]]:
    """Yields the slot and the pairs of every volume that has a tumour and these contrasts, see `pairs_of_volume`."""
    for slot in ring.held:
        pairs = pairs_of_volume(ring, scales, slot=int(slot), size=size, channels=channels)
        if pairs is not None:
            yield int(slot), pairs


def tumour_planes(ring: Ring, slot: int) -> NDArray[np.intp]:
    """Returns the slices of `SPAN_MM` around the middle of a volume's tumour that show enough brain; none without one.

    A window that would reach over the end of the volume is shifted into it.
    """
    areas = ring.areas[slot]
    shown = np.flatnonzero(areas[:, 1:].any(axis=1))
    if shown.size == 0:
        return shown
    span = min(round(SPAN_MM / ring.shape.slice_mm), len(areas))
    first = int(np.clip((shown[0] + shown[-1] + 1 - span) // 2, 0, len(areas) - span))
    return first + np.flatnonzero(areas[first : first + span, 0] >= LEAST_BRAIN_PX)


def pairs_of(slices: Slices, *, size: tuple[int, int]) -> Pairs:
    """Returns slices of unit intensities with their brain maps, padded or cut around their middle.

    Args:
        slices: Unit intensities, labels and brain of B slices.
        size: H and W.
    """
    brain_maps = [
        build_brain_map(image, slices.labels, brain=slices.brain, slice_axis=0)
        for image in np.moveaxis(slices.contrasts, 1, 0)
    ]
    return Pairs(
        brain_maps=fitted(np.stack(brain_maps, axis=1), size, outside=BrainChannel.BACKGROUND),
        contrasts=fitted(slices.contrasts, size, outside=0),
        brain=fitted(slices.brain[:, None], size, outside=0),
        labels=fitted(slices.labels[:, None], size, outside=0),
    )


def fitted(images: NDArray[Value], size: tuple[int, int], *, outside: int) -> NDArray[Value]:
    """Returns images ``(..., X, Y)`` padded with a value, or cut, around their middle to ``(..., H, W)``."""
    result = np.full((*images.shape[:-2], *size), outside, dtype=images.dtype)
    spans = [_overlap(have, wanted) for have, wanted in zip(images.shape[-2:], size, strict=True)]
    (source_x, target_x), (source_y, target_y) = spans
    result[..., target_x, target_y] = images[..., source_x, source_y]
    return result


def _overlap(have: int, wanted: int) -> tuple[slice, slice]:
    """Returns where the middles of two lengths lie on each other, in both."""
    length = min(have, wanted)
    source, target = (have - length) // 2, (wanted - length) // 2
    return slice(source, source + length), slice(target, target + length)


def _draw_one(ring: Ring, scales: UnitScales, channels: tuple[int, ...], rng: np.random.Generator) -> Slices:
    held = ring.held[ring.areas[ring.held, :, 1:].any(axis=(1, 2))]
    for _ in range(ATTEMPTS if held.size else 0):
        slot = int(rng.choice(held))
        planes = tumour_planes(ring, slot)
        if planes.size == 0:
            continue
        found = _read_units(ring, scales, slot, rng.choice(planes, size=1), channels)
        if found is not None:
            return _mirrored(found) if rng.random() < FLIP_SHARE else found
    raise InvalidInputError(
        f"{ring.folder}: no slice to draw in {ring.filled} volumes; fill the ring with volumes that have a tumour and"
        f" the contrasts {channels}"
    )


def _read_units(
    ring: Ring, scales: UnitScales, slot: int, planes: NDArray[np.intp], channels: tuple[int, ...]
) -> Slices | None:
    """Returns slices in unit intensities, or None where the volume is being replaced or misses a contrast."""
    number = int(ring.index[slot, 0])
    measured, found = scales.of(ring, slot), ring.read(slot, planes)
    if measured is None or found is None or int(ring.index[slot, 0]) != number:
        return None
    low, high = measured[list(channels)].T[:, :, None, None]
    if not (high > low).all():
        return None
    # In double precision as the library does it: z-scores have few values, many of them on the edge of a band.
    units = np.clip((found.contrasts[:, list(channels)] - low) / (high - low), 0, 1).astype(np.float32)
    return Slices(units * found.brain[:, None], found.labels, found.brain)


def _mirrored(slices: Slices) -> Slices:
    """Returns slices with left and right exchanged: X runs from left to right."""
    return Slices(slices.contrasts[:, :, ::-1], slices.labels[:, ::-1], slices.brain[:, ::-1])
