"""Rendering: tissues and tumour to the noise-free signals of the four contrasts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import Tissue
from gliosynth.contrast.look import TumourLook
from gliosynth.contrast.physics import Physics
from gliosynth.contrast.relaxometry import Part
from gliosynth.contrast.sequences import shortened_rates, signal
from gliosynth.labels import Label
from gliosynth.separable import Array, random_field, smooth

LOGIT_PER_SIGMA: Final = 1.7
"""Slope of the logistic function that is closest to the normal distribution function."""

RIM_MM: Final = 3.5
"""Depth scale of a core's rim, mm."""


@dataclass(eq=False)
class Constants:
    """Density, rates and gadolinium of every voxel, ``(X, Y, Z)`` float32 each; `mix` updates them."""

    density: Array
    r1: Array
    r2: Array
    agent: Array

    def mix(self, weight: Array, density: float, r1: float, r2: float, agent: float) -> None:
        """Moves every voxel towards one set of constants; `weight` 0 leaves a voxel, 1 replaces it."""
        self.density = self.density + weight * (density - self.density)
        self.r1 = self.r1 + weight * (r1 - self.r1)
        self.r2 = self.r2 + weight * (r2 - self.r2)
        self.agent = self.agent + weight * (agent - self.agent)


def tissue_signals(physics: Physics) -> NDArray[np.float32]:
    """Returns the signal of each tissue in each contrast, ``(4, TISSUE_COUNT)`` float32, white matter about 1."""
    table = physics.table
    signals = []
    for contrast, protocol in enumerate(physics.protocols):
        r1, r2 = table.r1, table.r2
        if contrast == 1:
            r1, r2 = shortened_rates(r1, r2, table.agent, r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
        signals.append(signal(protocol, table.density, r1, r2))
    stacked = np.stack(signals)
    white = stacked[:, Tissue.WHITE_MATTER, None]
    result: NDArray[np.float32] = (stacked / white * table.gain + table.offset).astype(np.float32)
    return result


def white_signals(physics: Physics) -> tuple[float, float, float, float]:
    """Returns the white-matter signal of each contrast before normalisation: the unit of `tissue_signals`."""
    table, values = physics.table, []
    tissue = np.array([Tissue.WHITE_MATTER])
    for contrast, protocol in enumerate(physics.protocols):
        r1, r2 = table.r1[tissue], table.r2[tissue]
        if contrast == 1:
            r1, r2 = shortened_rates(r1, r2, table.agent[tissue], r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
        values.append(float(signal(protocol, table.density[tissue], r1, r2)[0]))
    return values[0], values[1], values[2], values[3]


def look_up(table: NDArray[np.float32], tissues: Array) -> Array:
    """Returns ``table[tissues]``: ``(T,)`` float32 at ``(X, Y, Z)`` integers, in the library of `tissues`."""
    xp = array_namespace(tissues)
    flat = xp.astype(xp.reshape(tissues, (-1,)), xp.int32)
    return xp.reshape(xp.take(xp.asarray(table), flat, axis=0), tissues.shape)


def oedema_weight(whole: Array, sparing: Array, look: TumourLook, spacing_mm: tuple[float, float, float]) -> Array:
    """Returns the share of oedema in each voxel, ``(X, Y, Z)`` float32 0 to 1.

    The label's smoothed mask v is a normal distribution function of the distance to the border;
    ``v / (v + (1 - v) e^k)`` with ``k = 1.7 margin / sigma`` moves its half height inwards by the margin.

    Args:
        whole: ``(X, Y, Z)`` bool, whole tumour.
        sparing: ``(X, Y, Z)`` float32 0 to 1: where oedema stays out.
        look: Edge, margin and saturation.
        spacing_mm: Voxel edges in mm.
    """
    xp = array_namespace(sparing)
    v = smooth(xp.astype(whole, xp.float32), look.oedema_edge_mm, spacing_mm)
    shift = float(np.exp(min(LOGIT_PER_SIGMA * look.label_margin_mm / look.oedema_edge_mm, 4.0)))
    return look.saturation * (1.0 - sparing) * v / (v + (1.0 - v) * shift)


def render_tumour(
    tissues: Array,
    labels: Array,
    physics: Physics,
    look: TumourLook,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Array]:
    """Returns the four signals inside a tumour's box, in units of white matter, ``(X, Y, Z)`` float32 each.

    Partial volumes are mixed in density and rates, before the signal equation (METHODS.md C.3).

    Args:
        tissues: ``(X, Y, Z)`` uint8.
        labels: ``(X, Y, Z)`` uint8, values of `Label`.
        physics: Constants and protocols.
        look: Composition and borders.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    xp = array_namespace(tissues)
    table = physics.table
    voxels = Constants(*(look_up(row, tissues) for row in (table.density, table.r1, table.r2, table.agent)))
    core = (labels == int(Label.NCR)) | (labels == int(Label.ET))
    core_weight = smooth(xp.astype(core, xp.float32), look.core_edge_mm, spacing_mm)
    enhancing = smooth(xp.astype(labels == int(Label.ET), xp.float32), 0.6, spacing_mm)
    sparing = look_up(_sparing_table(look), tissues)
    oedema = oedema_weight(labels > 0, sparing, look, spacing_mm)

    def noise(sigma_mm: float) -> Array:
        return random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=sigma_mm, xp=xp)

    oedema = xp.clip(oedema * (1.0 + 0.18 * noise(9.0)), 0.0, 1.0)
    depth = smooth(xp.astype(core, xp.float32), RIM_MM, spacing_mm) - 0.85
    composition = noise(5.0) + 0.4 * noise(2.0) + look.necrosis + look.rim * depth
    necrosis = 1.0 / (1.0 + xp.exp(-look.sharpness * composition))
    _mix_part(voxels, oedema, Part.ED, physics)
    _mix_part(voxels, core_weight, Part.NET, physics)
    _mix_part(voxels, xp.maximum(core_weight - enhancing, xp.zeros_like(enhancing)) * necrosis, Part.NCR, physics)
    if look.bleeding is not None:
        clot = 1.0 / (1.0 + xp.exp(-6.0 * (noise(4.0) + look.bleeding)))
        _mix_part(voxels, xp.maximum(core_weight - enhancing, xp.zeros_like(enhancing)) * clot, Part.BLOOD, physics)
    _mix_part(voxels, enhancing, Part.ET, physics)
    uptake = xp.exp(0.35 * noise(3.0))
    voxels.agent = voxels.agent * (1.0 + enhancing * (uptake - 1.0))
    weight = xp.maximum(oedema, core_weight)
    grain = weight * (0.7 * noise(1.3) + 0.6 * noise(3.0) + 0.5 * noise(7.0))
    voxels.r1 = voxels.r1 * xp.exp(-look.texture_t1 * grain)
    voxels.r2 = voxels.r2 * xp.exp(-look.texture_t2 * grain)
    return _signals(voxels, tissues, physics, weight)


def _mix_part(voxels: Constants, weight: Array, part: Part, physics: Physics) -> None:
    """Moves the voxels towards one tumour part."""
    constants = physics.parts[part]
    voxels.mix(weight, constants.density, 1.0 / constants.t1_ms, 1.0 / constants.t2_ms, physics.part_agent[part])


def _sparing_table(look: TumourLook) -> NDArray[np.float32]:
    """Returns how far oedema stays out of each tissue, 0 to 1."""
    table = np.full(max(Tissue) + 1, 1.0, dtype=np.float32)
    table[[Tissue.WHITE_MATTER, Tissue.WHITE_MATTER_LESION, Tissue.CEREBELLAR_WHITE]] = 0.0
    table[[Tissue.BRAINSTEM, Tissue.THALAMUS, Tissue.PALLIDUM, Tissue.PUTAMEN, Tissue.CAUDATE]] = 0.3
    table[[Tissue.CORTICAL_GREY, Tissue.HIPPOCAMPUS, Tissue.CEREBELLAR_GREY]] = look.cortex_sparing
    table[Tissue.SULCUS_EDGE] = 0.5 + 0.5 * look.cortex_sparing
    return table


def _signals(voxels: Constants, tissues: Array, physics: Physics, weight: Array) -> list[Array]:
    """Returns the four signals of mixed voxels; the host's jitter fades out with the tumour's weight."""
    units = white_signals(physics)
    result = []
    for contrast, protocol in enumerate(physics.protocols):
        r1, r2 = voxels.r1, voxels.r2
        if contrast == 1:
            r1, r2 = shortened_rates(r1, r2, voxels.agent, r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
        pure = signal(protocol, voxels.density, r1, r2) / units[contrast]
        gain = look_up(physics.table.gain[contrast], tissues)
        offset = look_up(physics.table.offset[contrast], tissues)
        gain = gain + weight * (float(physics.part_gain[contrast]) - gain)
        result.append(pure * gain + (1.0 - weight) * offset)
    return result


def render_tissues(tissues: Array, physics: Physics) -> list[Array]:
    """Returns the four signals of a tissue map without tumour, in units of white matter, ``(X, Y, Z)`` float32 each."""
    return [look_up(row, tissues) for row in tissue_signals(physics)]
