"""Rendering: tissues and tumour to the noise-free signals of the four contrasts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.contrast.composition import Composition, compose
from gliosynth.contrast.look import TumourLook
from gliosynth.contrast.mixture import Mixture
from gliosynth.contrast.physics import Physics
from gliosynth.contrast.relaxometry import Part
from gliosynth.contrast.sequences import shortened_rates, signal
from gliosynth.contrast.tables import look_up, rate_signals, tissue_signals, white_signals
from gliosynth.elementary import exp
from gliosynth.separable import Array

AFTER_AGENT: Final = 1
"""Index of t1c, the contrast taken after gadolinium."""

T2_CONTRASTS: Final = (2, 3)
"""Indices of t2w and t2f, whose signal rises where T1-weighted signal falls."""


@dataclass(eq=False)
class Constants:
    """Density, rates and gadolinium of every voxel, ``(X, Y, Z)`` float32 each; `mix` updates them."""

    density: Array
    r1: Array
    r2: Array
    agent: Array

    def mix(self, weight: Array, part: Part, physics: Physics) -> None:
        """Moves every voxel towards one tumour part; `weight` 0 leaves a voxel, 1 replaces it."""
        constants = physics.parts[part]
        self.density = self.density + weight * (constants.density - self.density)
        self.r1 = self.r1 + weight * (1.0 / constants.t1_ms - self.r1)
        self.r2 = self.r2 + weight * (1.0 / constants.t2_ms - self.r2)
        self.agent = self.agent + weight * (physics.part_agent[part] - self.agent)


def render_tissues(tissues: Array, physics: Physics) -> list[Array]:
    """Returns the four signals of a tissue map without tumour, in units of white matter, ``(X, Y, Z)`` float32 each."""
    return [look_up(row, tissues) for row in tissue_signals(physics)]


def render_tumour(
    host: list[Array],
    tissues: Array,
    labels: Array,
    physics: Physics,
    look: TumourLook,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Array]:
    """Returns the four signals inside a tumour's box, in units of white matter, ``(X, Y, Z)`` float32 each.

    Partial volumes are mixed in density and rates, before the signal equation (METHODS.md C.3); where the contrast is a
    Gaussian mixture without physics, in the signals.

    What sets the host's tissue apart from its mean (borders, tracts, small lesions) fades out with the tumour's weight.

    Args:
        host: Four ``(X, Y, Z)`` float32: the signals without tumour.
        tissues: ``(X, Y, Z)`` uint8.
        labels: ``(X, Y, Z)`` uint8, values of `Label`.
        physics: Constants and protocols.
        look: Composition and borders.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    composition = compose(tissues, labels, look, spacing_mm=spacing_mm, rng=rng)
    if physics.mixture is not None:
        rendered, means = mixed_signals(composition, tissues, physics, physics.mixture, look), tissue_signals(physics)
    else:
        rendered, means = physical_signals(composition, tissues, physics, look), rate_signals(physics)
    around = 1.0 - composition.weight
    return [
        tumour + around * (image - look_up(row, tissues))
        for tumour, image, row in zip(rendered, host, means, strict=True)
    ]


def physical_signals(composition: Composition, tissues: Array, physics: Physics, look: TumourLook) -> list[Array]:
    """Returns the signals of mixed rates; the host's jitter fades out with the tumour's weight."""
    table, weight = physics.table, composition.weight
    voxels = Constants(*(look_up(row, tissues) for row in (table.density, table.r1, table.r2, table.agent)))
    for part, share in composition.shares:
        voxels.mix(share, part, physics)
    r1_plain = voxels.r1 * exp(-look.texture_t1 * composition.grain)
    r2_plain = voxels.r2 * exp(-look.texture_t2 * composition.grain)
    agent = voxels.agent * composition.uptake
    units, result = white_signals(physics), []
    for contrast, protocol in enumerate(physics.protocols):
        r1, r2 = r1_plain, r2_plain
        if contrast == AFTER_AGENT:
            r1, r2 = shortened_rates(r1, r2, agent, r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
        pure = signal(protocol, voxels.density, r1, r2) / units[contrast]
        gain, offset = (_look_up_varying(row[contrast], tissues) for row in (table.gain, table.offset))
        gain = gain + weight * (float(physics.part_gain[contrast]) - gain)
        result.append(pure * gain + (1.0 - weight) * offset)
    return result


def _look_up_varying(row: NDArray[np.float32], tissues: Array) -> Array:
    """Returns ``row[tissues]``, or a number where all of the row is the same."""
    return float(row[0]) if (row == row[0]).all() else look_up(row, tissues)


def mixed_signals(
    composition: Composition, tissues: Array, physics: Physics, mixture: Mixture, look: TumourLook
) -> list[Array]:
    """Returns the signals of a Gaussian mixture: shares of the parts' signals, times the texture."""
    xp, result = array_namespace(tissues), []
    for contrast, means in enumerate(tissue_signals(physics)):
        image = look_up(means, tissues)
        for part, share in composition.shares:
            image = image + share * (mixture.parts[part][contrast] - image)
        if contrast == AFTER_AGENT:
            image = image + xp.clip(image - 1.0, 0.0, 1.0) * (composition.uptake - 1.0)
        slope = look.texture_t2 if contrast in T2_CONTRASTS else -look.texture_t1
        result.append(image * exp(slope * composition.grain))
    return result
