"""The look of a tumour: what its parts are mixed of and how soft its borders are."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.contrast.settings import SimulatorSettings
from gliosynth.ranges import Range
from gliosynth.tumour.plan import TumourPlan
from gliosynth.tumour.settings import Growth

MISMATCH_SHARE: Final = 0.35
"""Non-enhancing tumours whose middle is fluid-like, with a solid rim (T2-FLAIR mismatch sign)."""

SEPTA_SHARE: Final = 0.4
"""Tumours whose necrosis is crossed by walls of solid tumour."""

CYST_SHARE: Final = 0.25
"""Tumours with cysts or cavities in the core."""

FADING: Final[Range] = (0.0, 0.35)
"""See `TumourLook.fading`."""

PATCHINESS: Final[Range] = (0.03, 0.2)
"""See `TumourLook.patchiness`."""

MOTTLING: Final[Range] = (0.2, 0.9)
"""See `TumourLook.mottling`."""

UPTAKE: Final[Range] = (0.4, 1.1)
"""See `TumourLook.uptake`."""

CORE_GRAIN: Final[Range] = (0.9, 2.2)
"""See `TumourLook.core_grain`."""

TEXTURE_T1: Final[Range] = (0.03, 0.09)
"""See `TumourLook.texture_t1`."""

TEXTURE_T2: Final[Range] = (0.08, 0.19)
"""See `TumourLook.texture_t2`."""


@dataclass(frozen=True)
class TumourLook:
    """How a tumour is composed and how soft its borders are.

    Attributes:
        oedema_edge_mm: Sigma of the oedema's edge.
        core_edge_mm: Sigma of the core's edge.
        label_margin_mm: How far the label reaches outside the half height of the oedema's edge.
        saturation: Largest share of oedema in a voxel.
        cortex_sparing: How little oedema enters grey matter, 0 to 1.
        necrosis: Mean of the composition field: above 0 mostly necrosis, below mostly solid tumour.
        sharpness: Slope of the composition field.
        rim: How much more solid the core's border is than its middle; large values give the T2-FLAIR mismatch
            of low-grade gliomas (bright rim, dark middle).
        fading: How much fainter oedema is far from the core, 0 to 1.
        patchiness: Standard deviation of the oedema's share.
        septa: How much walls of solid tumour interrupt necrosis; 0 for none.
        septum_mm: Kernel width of the field whose zero surfaces are the walls, mm.
        cysts: Level of the field above which the core is a cyst or a cavity, or None for none.
        cyst_mm: Kernel width of that field, mm.
        mottling: Largest share of enhancing tumour that is replaced by what does not enhance.
        uptake: Standard deviation of the logarithm of the gadolinium in enhancing tumour.
        core_grain: Texture of the core relative to the oedema's.
        bleeding: Mean of the haemorrhage field, or None for no haemorrhage.
        texture_t1: Standard deviation of ln T1 inside the tumour.
        texture_t2: Standard deviation of ln T2 inside the tumour.
    """

    oedema_edge_mm: float
    core_edge_mm: float
    label_margin_mm: float
    saturation: float
    cortex_sparing: float
    necrosis: float
    sharpness: float
    rim: float
    fading: float
    patchiness: float
    septa: float
    septum_mm: float
    cysts: float | None
    cyst_mm: float
    mottling: float
    uptake: float
    core_grain: float
    bleeding: float | None
    texture_t1: float
    texture_t2: float


def draw_look(settings: SimulatorSettings, plan: TumourPlan, rng: np.random.Generator) -> TumourLook:
    """Returns a random look that fits the plan.

    Args:
        settings: Ranges.
        plan: The tumour.
        rng: Random generator.
    """
    tumour, texture = settings.tumour, settings.physics.texture
    mismatch = plan.growth is Growth.NON_ENHANCING and rng.random() < MISMATCH_SHARE
    fluid = plan.growth in (Growth.RING, Growth.SOLID) or plan.cystic or mismatch
    return TumourLook(
        oedema_edge_mm=float(rng.uniform(*tumour.oedema_edge_mm)),
        core_edge_mm=float(rng.uniform(*tumour.core_edge_mm)),
        label_margin_mm=float(rng.uniform(*tumour.label_margin_mm)),
        saturation=float(rng.uniform(0.55, 0.8) if plan.faint else rng.uniform(0.88, 1.0)),
        cortex_sparing=float(rng.uniform(0.2, 0.85)),
        necrosis=float(rng.uniform(0.8, 3.0) if fluid else rng.uniform(-4.0, -0.8)),
        sharpness=float(rng.uniform(1.0, 5.0)),
        rim=float(rng.uniform(2.0, 8.0) if mismatch or plan.cystic else rng.uniform(0.0, 2.0)),
        fading=float(rng.uniform(*FADING)),
        patchiness=texture * float(rng.uniform(*PATCHINESS)),
        septa=float(rng.uniform(1.0, 6.0)) if rng.random() < SEPTA_SHARE else 0.0,
        septum_mm=float(rng.uniform(3.5, 7.0)),
        cysts=float(rng.uniform(0.5, 2.0)) if rng.random() < CYST_SHARE else None,
        cyst_mm=float(rng.uniform(2.0, 5.0)),
        mottling=texture * float(rng.uniform(*MOTTLING)),
        uptake=texture * float(rng.uniform(*UPTAKE)),
        core_grain=float(rng.uniform(*CORE_GRAIN)),
        bleeding=float(rng.uniform(-1.5, 0.5)) if plan.bleeding else None,
        texture_t1=texture * float(rng.uniform(*TEXTURE_T1)),
        texture_t2=texture * float(rng.uniform(*TEXTURE_T2)),
    )
