"""The views that a network is taught with: slices of tumour-free volumes, most of them with a hand-made tumour."""

import numpy as np

from gliosynth.errors import InvalidInputError
from training.data.mixture import Rings
from training.data.ring import ATTEMPTS, LEAST_BRAIN_PX, Ring
from training.segmentation.gbm.painting import paint
from training.segmentation.gbm.shapes import draw_tumour
from training.segmentation.presets import Preset
from training.segmentation.samples import Stacks, Views, read_stacks


def draw_placed_views(rings: Rings, preset: Preset, *, count: int, rng: np.random.Generator) -> Views:
    """Returns slices of tumour-free volumes with hand-made tumours, centred as `draw_views` centres WT.

    Args:
        rings: Hold volumes without any tumour; others in them are not drawn from.
        preset: Says how many slices get a tumour, and how far views are shifted.
        count: Number of slices.
        rng: Decides everything.

    Raises:
        InvalidInputError: The rings hold no tumour-free volume.
    """
    drawn = [place(draw_host(rings.pick(rng), rng), preset, rng) for _ in range(count)]
    slices = Stacks(
        np.concatenate([one.contrasts for one in drawn]),
        np.concatenate([one.labels for one in drawn]),
        np.concatenate([one.brain for one in drawn]),
    )
    middle = (np.asarray(slices.labels.shape[2:]) / 2)[None]
    jitter = rng.uniform(-preset.jitter_px, preset.jitter_px, (count, 2))
    return Views(slices, np.asarray(middle + jitter, dtype=np.float32))


def draw_host(ring: Ring, rng: np.random.Generator) -> Stacks:
    """Returns one slice with enough brain, of a volume without any tumour.

    Raises:
        InvalidInputError: There is no such volume.
    """
    free = ring.held[ring.areas[ring.held][:, :, 1:].sum(axis=(1, 2)) == 0]
    for _ in range(ATTEMPTS if free.size else 0):
        slot = int(rng.choice(free))
        planes = np.flatnonzero(ring.areas[slot, :, 0] >= LEAST_BRAIN_PX)
        found = read_stacks(ring, slot, rng.choice(planes, size=1), neighbours=0) if planes.size else None
        if found is not None:
            return found
    raise InvalidInputError(
        f"{ring.folder}: no tumour-free volume among {ring.filled}; tumours are placed in these alone"
    )


def place(host: Stacks, preset: Preset, rng: np.random.Generator) -> Stacks:
    """Returns a slice with a hand-made tumour, or, as rarely as the preset has it, as it is."""
    if rng.random() >= preset.region_share:
        return host
    labels = draw_tumour(host.brain[0, 0], rng)
    return Stacks(paint(host.contrasts[0, 0], labels, rng)[None, None], labels[None, None], host.brain)
