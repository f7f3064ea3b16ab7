"""Healthy brain tissue as scans show it: soft borders, cortex of varying contrast, white matter with tracts.

A label map gives every tissue one value and a border as crisp as a voxel; that is what makes simulated brains look cut
out of paper. Here the tissue of a voxel becomes a share of grey matter between 0 (white) and 1 (cortex), which is
smoothed across borders and varied along tracts; the signals follow along the line from white to grey matter of each
contrast. Fluid keeps its borders, so that ventricles stay ventricles.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import PARENCHYMA, Tissue
from gliosynth.contrast.settings import PhysicsSettings
from gliosynth.contrast.tables import look_up
from gliosynth.ranges import Range
from gliosynth.separable import Array, random_field, smooth

GREYNESS: Final[dict[Tissue, float]] = {
    Tissue.CORTICAL_GREY: 1.0,
    Tissue.HIPPOCAMPUS: 1.0,
    Tissue.CEREBELLAR_GREY: 0.9,
    Tissue.CAUDATE: 0.85,
    Tissue.PUTAMEN: 0.65,
    Tissue.THALAMUS: 0.4,
    Tissue.PALLIDUM: 0.3,
    Tissue.SULCAL_CSF: 1.0,
    Tissue.SULCUS_EDGE: 1.0,
    Tissue.OUTER_CSF: 1.0,
    Tissue.DURA: 1.0,
    Tissue.VEIN: 1.0,
    Tissue.ARTERY: 1.0,
    Tissue.VENTRICLE: 0.2,
    Tissue.CHOROID_PLEXUS: 0.2,
}
"""Share of grey matter that a tissue's T1 contrast amounts to, 0 for all others; a fluid has that of its neighbours."""

BORDER_MM: Final[Range] = (0.6, 1.5)
"""Sigma of the border between grey and white matter, mm."""

CORTEX_FADING: Final[Range] = (0.0, 0.1)
"""How much paler than its prior grey matter is, on average, in units of the grey-white contrast."""

CORTEX_VARIATION: Final[Range] = (0.05, 0.25)
"""Standard deviation of that along the cortex."""

CORTEX_FIELD_MM: Final = 9.0
"""Kernel width of that variation, mm."""

TRACTS: Final[Range] = (0.04, 0.16)
"""Standard deviation of the grey share in white matter, along tracts."""

TRACT_MM: Final = 4.5
"""Kernel width across tracts, mm."""

TRACT_LENGTH: Final = 3.0
"""How much longer than wide the pattern of tracts is."""

OWN_DIRECTION: Final = (0.03, 0.03, 0.08, 0.09)
"""Standard deviation of each contrast's own signal change with greyness, in units of white matter: tissue varies in
more than one property."""


@dataclass(frozen=True)
class TissueLook:
    """How one brain's tissue varies.

    Attributes:
        border_mm: Sigma of the border between grey and white matter; 0 leaves the label map's borders.
        cortex_fading: How much paler than its prior grey matter is, 0 to 1.
        cortex_variation: Standard deviation of that along the cortex.
        tracts: Standard deviation of the grey share in white matter.
        directions: Signal from white to grey matter in each contrast beyond that of the tissues' means.
    """

    border_mm: float
    cortex_fading: float
    cortex_variation: float
    tracts: float
    directions: tuple[float, float, float, float]


def draw_tissue_look(settings: PhysicsSettings, rng: np.random.Generator) -> TissueLook:
    """Returns a random look; without texture (`PhysicsSettings.texture` 0) one that changes nothing."""
    drawn = [float(rng.uniform(*limits)) for limits in (BORDER_MM, CORTEX_FADING, CORTEX_VARIATION, TRACTS)]
    a, b, c, d = (settings.texture * float(value) for value in rng.normal(0.0, OWN_DIRECTION))
    if settings.texture <= 0.0:
        return TissueLook(0.0, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0))
    border_mm, fading, variation, tracts = drawn
    return TissueLook(border_mm, fading, settings.texture * variation, settings.texture * tracts, (a, b, c, d))


def vary_parenchyma(
    signals: list[Array],
    tissues: Array,
    means: NDArray[np.float32],
    look: TissueLook,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Array]:
    """Returns the signals with soft borders, varying cortex and tracts.

    Args:
        signals: Four ``(X, Y, Z)`` float32, white matter about 1, one value a tissue.
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`.
        means: ``(4, T)`` float32: signal of each tissue in each contrast.
        look: How tissue varies.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    if look.border_mm <= 0.0:
        return signals
    xp = array_namespace(tissues)
    greyness = look_up(GREYNESS_TABLE, tissues)
    field = random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=CORTEX_FIELD_MM, xp=xp)
    paler = xp.clip((1.0 - look.cortex_fading) - look.cortex_variation * field, 0.1, 1.25)
    soft = smooth(greyness * paler, look.border_mm, spacing_mm)
    tracts = look.tracts * tract_field(tissues, spacing_mm=spacing_mm, rng=rng)
    change = look_up(PARENCHYMA_TABLE, tissues) * (soft - greyness + xp.clip(1.0 - soft, 0.0, 1.0) * tracts)
    contrast = means[:, Tissue.CORTICAL_GREY] - means[:, Tissue.WHITE_MATTER]
    slopes = [float(value) + own for value, own in zip(contrast, look.directions, strict=True)]
    return [image + slope * change for image, slope in zip(signals, slopes, strict=True)]


def tract_field(tissues: Array, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Returns a Gaussian field of variance 1 whose pattern runs forward and upward, ``(X, Y, Z)`` float32.

    Args:
        tissues: ``(X, Y, Z)``, for shape and library.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    xp = array_namespace(tissues)
    x, y, z = spacing_mm
    forward = random_field(rng, tissues.shape, spacing_mm=(x, y / TRACT_LENGTH, z), sigma_mm=TRACT_MM, xp=xp)
    upward = random_field(rng, tissues.shape, spacing_mm=(x, y, z / TRACT_LENGTH), sigma_mm=TRACT_MM, xp=xp)
    return 0.8 * forward + 0.6 * upward


def _greyness_table() -> NDArray[np.float32]:
    table = np.zeros(max(Tissue) + 1, dtype=np.float32)
    for tissue, share in GREYNESS.items():
        table[tissue] = share
    return table


def _parenchyma_table() -> NDArray[np.float32]:
    table = np.zeros(max(Tissue) + 1, dtype=np.float32)
    table[list(PARENCHYMA)] = 1.0
    return table


GREYNESS_TABLE: Final = _greyness_table()
"""`GREYNESS` by `Tissue` value."""

PARENCHYMA_TABLE: Final = _parenchyma_table()
"""1 for brain tissue, 0 for all else, by `Tissue` value."""
