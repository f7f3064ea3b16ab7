"""What each voxel of a tumour is made of: the shares of its parts, and its texture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import Tissue
from gliosynth.contrast.look import TumourLook
from gliosynth.contrast.relaxometry import Part
from gliosynth.contrast.tables import look_up
from gliosynth.elementary import exp
from gliosynth.labels import Label
from gliosynth.separable import Array, random_field, smooth

LOGIT_PER_SIGMA: Final = 1.7
"""Slope of the logistic function that is closest to the normal distribution function."""

RIM_MM: Final = 3.5
"""Depth scale of a core's rim, mm."""

RIM_SHARPNESS_MM: Final = 0.6
"""Sigma of the border of enhancing tumour, mm."""

FADING_MM: Final = 9.0
"""Distance scale over which oedema fades away from the core, mm."""

GRAIN: Final = ((0.8, 0.85), (1.9, 0.5), (4.0, 0.2))
"""Texture: kernel widths in mm and amplitudes, so that the autocorrelation at 1, 2, 3, 4, 6 and 8 mm is near the
measured .84, .64, .50, .38, .19 and .08 (METHODS.md C.2)."""

SLOW_MM: Final = 7.0
"""Kernel width of the slow variation of the core, mm: cores of real cases vary over longer distances than oedema."""

SEPTUM_WIDTH: Final = 0.22
"""Half width of a septum, in standard deviations of the field whose zero surfaces are the septa."""


@dataclass(frozen=True, eq=False)
class Composition:
    """Shares and texture of a tumour's box, ``(X, Y, Z)`` float32 each.

    Attributes:
        shares: Parts in the order in which they replace what is there, with the share replaced, 0 to 1.
        uptake: Factor on the gadolinium.
        grain: Texture, about mean 0; its amplitude carries the tumour's weight.
        weight: Share of tumour or oedema.
    """

    shares: tuple[tuple[Part, Array], ...]
    uptake: Array
    grain: Array
    weight: Array


def compose(
    tissues: Array, labels: Array, look: TumourLook, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> Composition:
    """Returns what every voxel of a tumour's box is made of.

    Args:
        tissues: ``(X, Y, Z)`` uint8.
        labels: ``(X, Y, Z)`` uint8, values of `Label`.
        look: Composition and borders.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    xp = array_namespace(tissues)

    def noise(sigma_mm: float) -> Array:
        return random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=sigma_mm, xp=xp)

    core = xp.astype((labels == int(Label.NCR)) | (labels == int(Label.ET)), xp.float32)
    core_share = smooth(core, look.core_edge_mm, spacing_mm)
    enhancing = smooth(xp.astype(labels == int(Label.ET), xp.float32), RIM_SHARPNESS_MM, spacing_mm)
    inner = xp.maximum(core_share - enhancing, xp.zeros_like(enhancing))
    fine, middle, coarse = (noise(sigma_mm) for sigma_mm, _ in GRAIN)
    blotches = noise(5.0)
    oedema = oedema_weight(labels > 0, look_up(_sparing_table(look), tissues), look, spacing_mm)
    oedema = oedema * (1.0 - look.fading * (1.0 - xp.clip(2.5 * smooth(core, FADING_MM, spacing_mm), 0.0, 1.0)))
    oedema = xp.clip(oedema * (1.0 + look.patchiness * (0.5 * noise(9.0) + 0.85 * blotches)), 0.0, 1.0)
    depth = smooth(core, RIM_MM, spacing_mm) - 0.85
    shares = [(Part.ED, oedema), (Part.NET, core_share), (Part.NCR, inner * _necrosis(look, depth, blotches, noise))]
    if look.cysts is not None:
        shares.append((Part.CYST, inner * _sigmoid(8.0 * (noise(look.cyst_mm) - look.cysts))))
    if look.bleeding is not None:
        shares.append((Part.BLOOD, inner * _sigmoid(6.0 * (noise(4.0) + look.bleeding))))
    patches = 0.8 * noise(2.0) + 0.6 * blotches
    shares.append((Part.ET, enhancing * (1.0 - look.mottling * _sigmoid(2.5 * (patches - 0.6)))))
    grain = sum(amplitude * field for (_, amplitude), field in zip(GRAIN, (fine, middle, coarse), strict=True))
    weight = xp.maximum(oedema, core_share)
    return Composition(
        shares=tuple(shares),
        uptake=1.0 + enhancing * (exp(look.uptake * (0.8 * fine + 0.5 * middle + 0.3 * coarse)) - 1.0),
        grain=weight * (1.0 + (look.core_grain - 1.0) * core_share) * (grain + 0.7 * core_share * noise(SLOW_MM)),
        weight=weight,
    )


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
    shift = float(exp(min(LOGIT_PER_SIGMA * look.label_margin_mm / look.oedema_edge_mm, 4.0)))
    return look.saturation * (1.0 - sparing) * v / (v + (1.0 - v) * shift)


def _necrosis(look: TumourLook, depth: Array, blotches: Array, noise: Callable[[float], Array]) -> Array:
    """Returns the share of necrosis in the core, with septa of solid tumour where the look has them."""
    field = blotches + 0.4 * noise(2.0) + look.necrosis + look.rim * depth
    if look.septa > 0.0:
        xp = array_namespace(depth)
        walls = xp.clip(1.0 - xp.abs(noise(look.septum_mm)) / SEPTUM_WIDTH, 0.0, 1.0)
        field = field - look.septa * walls
    return _sigmoid(look.sharpness * field)


def _sigmoid(x: Array) -> Array:
    """Returns ``1 / (1 + e^-x)``."""
    return 1.0 / (1.0 + exp(-x))


def _sparing_table(look: TumourLook) -> NDArray[np.float32]:
    """Returns how far oedema stays out of each tissue, 0 to 1."""
    table = np.full(max(Tissue) + 1, 1.0, dtype=np.float32)
    table[[Tissue.WHITE_MATTER, Tissue.WHITE_MATTER_LESION, Tissue.CEREBELLAR_WHITE]] = 0.0
    table[[Tissue.BRAINSTEM, Tissue.THALAMUS, Tissue.PALLIDUM, Tissue.PUTAMEN, Tissue.CAUDATE]] = 0.3
    table[[Tissue.CORTICAL_GREY, Tissue.HIPPOCAMPUS, Tissue.CEREBELLAR_GREY]] = look.cortex_sparing
    table[Tissue.SULCUS_EDGE] = 0.5 + 0.5 * look.cortex_sparing
    return table
