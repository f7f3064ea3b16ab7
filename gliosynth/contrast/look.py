"""The look of a tumour: what its parts are mixed of and how soft its borders are."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gliosynth.contrast.settings import SimulatorSettings
from gliosynth.tumour.plan import TumourPlan
from gliosynth.tumour.settings import Growth

MISMATCH_SHARE: Final = 0.35
"""Non-enhancing tumours whose middle is fluid-like, with a solid rim (T2-FLAIR mismatch sign)."""


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
        bleeding=float(rng.uniform(-1.5, 0.5)) if plan.bleeding else None,
        texture_t1=texture * float(rng.uniform(0.04, 0.10)),
        texture_t2=texture * float(rng.uniform(0.05, 0.13)),
    )
