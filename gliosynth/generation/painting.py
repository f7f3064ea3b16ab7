"""From a case's contrasts and a tumour map to brain maps, and slice by slice through networks back to contrasts."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.brain_map import BrainChannel, Vacated, build_brain_map
from gliosynth.errors import ModelError
from gliosynth.generation.healing import heal_maps
from gliosynth.generation.networks import GeneratorNetwork, SliceSize, check_networks
from gliosynth.geometry import Box, bounding_box, crop, uncrop
from gliosynth.labels import CONTRASTS, LabelMap, Mask
from gliosynth.preprocessing.intensity import unit_intensities

BrainMaps = NDArray[np.uint8]
"""``(4, X, Y, Z)`` uint8: a brain map of each contrast, the tumour the same in all."""

Contrasts = NDArray[np.float32]
"""``(4, X, Y, Z)`` float32 in the order of `gliosynth.labels.CONTRASTS`."""

SLACK: Final = 0.01
"""A network may leave the range of unit intensities by this much, rounding included; it is clipped then."""


def brain_maps_of(
    contrasts: Contrasts,
    labels: LabelMap,
    brain: Mask,
    *,
    moved_from: LabelMap | None,
    vacated: Vacated = Vacated.MIRRORED,
) -> BrainMaps:
    """Returns the brain map of each contrast: its own bands of unit intensities, the tumour the same in all.

    Args:
        contrasts: ``(4, X, Y, Z)`` float32, the base images; slices are axial.
        labels: ``(X, Y, Z)``: where the tumour shall be.
        brain: ``(X, Y, Z)`` bool.
        moved_from: ``(X, Y, Z)``: where the tumour is in the base images, if that is somewhere else.
        vacated: What becomes of that place.

    Raises:
        InvalidVolumeError: A contrast is constant in the brain, or the brain is empty.
    """
    maps = np.stack(
        [
            build_brain_map(unit_intensities(image, brain, name=name), labels, brain=brain, moved_from=moved_from)
            for name, image in zip(CONTRASTS, contrasts, strict=True)
        ]
    )
    if moved_from is None or vacated is Vacated.BAND:
        return maps
    return heal_maps(maps, (moved_from != 0) & (labels == 0) & brain)


def paint(
    brain_maps: BrainMaps, networks: Sequence[GeneratorNetwork], *, check: Callable[[], None] | None = None
) -> Contrasts:
    """Returns what networks paint from the brain maps of a case, slice by slice.

    Args:
        brain_maps: ``(4, X, Y, Z)`` uint8, not all of it background; slices are axial.
        networks: Together they paint every contrast once.
        check: Called before each batch; may raise to stop the work.

    Returns:
        ``(4, X, Y, Z)`` float32: unit intensities, 0 in the background.

    Raises:
        InvalidParameterError: The networks do not paint every contrast once, or take smaller slices.
        ModelError: A network answers outside its contract (BAD_MODEL_OUTPUT).
    """
    check_networks(networks)
    tissue: Mask = brain_maps[0] != BrainChannel.BACKGROUND
    around = bounding_box(tissue)
    painted = np.zeros(brain_maps.shape, dtype=np.float32)
    for network in networks:
        channels = [CONTRASTS.index(contrast) for contrast in network.contrasts]
        box = _padded(around, network.size)
        slices = _painted_slices(_slices_of(brain_maps[channels], box), network, check)
        painted[channels] = uncrop(np.moveaxis(slices, 0, -1), box, tissue.shape)
    return np.where(tissue, painted, np.float32(0.0))


def _padded(box: Box, size: SliceSize) -> Box:
    """Returns the box, its first two sides grown evenly to the slices that a network takes."""
    height, width = size.holding((box.shape[0], box.shape[1]))
    x, y = box.start[0] - (height - box.shape[0]) // 2, box.start[1] - (width - box.shape[1]) // 2
    return Box((x, y, box.start[2]), (x + height, y + width, box.stop[2]))


def _slices_of(brain_maps: BrainMaps, box: Box) -> BrainMaps:
    """Returns the slices ``(B, M, H, W)`` of a box of brain maps ``(M, X, Y, Z)``; outside the grid is background."""
    # What lies outside the grid is cut out as 0, so the background is 0 while it is cut.
    background = np.uint8(BrainChannel.BACKGROUND)
    return np.ascontiguousarray(background - np.moveaxis(crop(background - brain_maps, box), -1, 0))


def _painted_slices(
    slices: BrainMaps, network: GeneratorNetwork, check: Callable[[], None] | None
) -> NDArray[np.float32]:
    """Returns the answers ``(B, M, H, W)`` to slices of that shape."""
    answers = []
    for first in range(0, len(slices), network.batch_size):
        if check is not None:
            check()
        batch = slices[first : first + network.batch_size]
        answers.append(_checked(network.generate(batch), batch.shape, network))
    return np.concatenate(answers)


def _checked(answer: NDArray[np.float32], shape: tuple[int, ...], network: GeneratorNetwork) -> NDArray[np.float32]:
    """Returns an answer clipped to unit intensities, or refuses one outside the contract."""
    fits = answer.shape == shape and bool(np.isfinite(answer).all())
    low, high = (float(answer.min()), float(answer.max())) if fits else (0.0, 0.0)
    if not fits or low < -SLACK or high > 1.0 + SLACK:
        found = f"{low:.3g} to {high:.3g}" if fits else f"{answer.shape} or values that are not finite"
        raise ModelError(
            f"model {network.identity.name}: it answered {found} to {shape}, a generator paints 0 to 1 in the shape of"
            " its brain maps; export it again",
            field=network.identity.name,
            got=found,
            reason="BAD_MODEL_OUTPUT",
        )
    return np.clip(answer, np.float32(0.0), np.float32(1.0))
