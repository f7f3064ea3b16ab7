"""The plan of one tumour: what kind, how large, which composition, and where."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue
from gliosynth.tumour.deformation import CoarseMap
from gliosynth.tumour.settings import Growth, TumourSettings

SMALL_ML: Final = (3.0, 15.0)
"""Volume range of small tumours, ml."""

LARGEST_ML: Final = 250.0
"""Largest whole tumour, ml (METHODS.md C.4)."""

SEED_WEIGHTS: Final[dict[Tissue, float]] = {
    Tissue.WHITE_MATTER: 1.0,
    Tissue.WHITE_MATTER_LESION: 1.0,
    Tissue.CORTICAL_GREY: 0.35,
    Tissue.PUTAMEN: 0.4,
    Tissue.CAUDATE: 0.3,
    Tissue.THALAMUS: 0.4,
    Tissue.HIPPOCAMPUS: 0.6,
}
"""Relative frequency of a tumour's centre per volume of each tissue; elsewhere none starts."""


@dataclass(frozen=True)
class TumourPlan:
    """What is to be grown.

    Attributes:
        growth: Kind of growth.
        volume_ml: Whole tumour.
        core_share: Tumour core relative to the whole tumour.
        enhancing_share: Enhancing tumour relative to the core.
        irregularity: Logarithmic amplitude of the surface noise.
        white_matter_preference: How far oedema avoids other tissue, in tumour radii.
        one_hemisphere: Whether the tumour stays on its side.
        satellites: Number of satellite foci.
        septa: Whether enhancing septa cross a ring's core, or patches are many and small.
        gap_share: Share of the shell that does not enhance.
        faint: Faint oedema.
        wet: Oedema as bright as tumour, around a ring.
        cystic: CSF-like core.
        bleeding: Haemorrhage in the core.
        isointense: Core nearly as bright as cortex.
    """

    growth: Growth
    volume_ml: float
    core_share: float
    enhancing_share: float
    irregularity: float
    white_matter_preference: float
    one_hemisphere: bool
    satellites: int
    septa: bool
    gap_share: float
    faint: bool
    wet: bool
    cystic: bool
    bleeding: bool
    isointense: bool

    @property
    def radius_mm(self) -> float:
        """Radius of the ball of the whole tumour's volume, mm."""
        return ball_radius_mm(self.volume_ml)


def ball_radius_mm(volume_ml: float) -> float:
    """Returns the radius in mm of a ball of the given volume in ml."""
    return float((3.0 * volume_ml * 1000.0 / (4.0 * math.pi)) ** (1.0 / 3.0))


def draw_plan(settings: TumourSettings, rng: np.random.Generator) -> TumourPlan:
    """Returns a random plan.

    Args:
        settings: Shares and ranges.
        rng: Random generator.
    """
    growth = tuple(Growth)[int(rng.choice(len(Growth), p=settings.growth_shares))]
    isointense = bool(rng.random() < settings.isointense_share) and growth is not Growth.OEDEMA
    if isointense and growth is Growth.RING:
        growth = Growth.PATCHY
    core_share, enhancing_share = _draw_shares(growth, rng)
    return TumourPlan(
        growth=growth,
        volume_ml=_draw_volume_ml(settings, rng),
        core_share=float(rng.uniform(0.85, 0.98)) if isointense else core_share,
        enhancing_share=enhancing_share,
        irregularity=float(rng.uniform(*settings.irregularity)),
        white_matter_preference=float(rng.uniform(*settings.white_matter_preference)),
        one_hemisphere=bool(rng.random() < settings.one_hemisphere_share),
        satellites=int(rng.integers(1, 3)) if rng.random() < settings.satellite_share else 0,
        septa=bool(rng.random() < 0.35),
        gap_share=float(rng.uniform(0.0, 0.3)),
        faint=bool(rng.random() < settings.faint_oedema_share),
        wet=bool(rng.random() < settings.wet_oedema_share) and growth is Growth.RING,
        cystic=bool(rng.random() < settings.cystic_share),
        bleeding=bool(rng.random() < settings.haemorrhage_share),
        isointense=isointense,
    )


def _draw_volume_ml(settings: TumourSettings, rng: np.random.Generator) -> float:
    """Returns the volume of the whole tumour: log-normal, or small in `small_share` of the cases."""
    if rng.random() < settings.small_share:
        return float(math.exp(rng.uniform(math.log(SMALL_ML[0]), math.log(SMALL_ML[1]))))
    drawn = settings.volume_median_ml * math.exp(settings.volume_log_sd * rng.standard_normal())
    return float(min(max(drawn, SMALL_ML[1]), LARGEST_ML))


def _draw_shares(growth: Growth, rng: np.random.Generator) -> tuple[float, float]:
    """Returns the core's share of the tumour and the enhancing share of the core."""
    match growth:
        case Growth.RING:
            return float(rng.beta(2.2, 2.4) * 0.85 + 0.08), float(rng.uniform(0.35, 0.85))
        case Growth.SOLID:
            return float(rng.uniform(0.05, 0.6)), float(rng.uniform(0.82, 1.0))
        case Growth.PATCHY:
            return float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.08, 0.6))
        case Growth.NON_ENHANCING:
            spot = float(rng.uniform(0.004, 0.05)) if rng.random() < 0.4 else 0.0
            return float(rng.uniform(0.3, 0.95)), spot
        case Growth.OEDEMA:
            return 0.0, 0.0


def draw_centre(anatomy: Anatomy, coarse: CoarseMap, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns a tumour centre ``(3,)`` in grid voxels, in the cerebrum, by the weights of `SEED_WEIGHTS`.

    Args:
        anatomy: The head.
        coarse: Map from the grid to the head.
        rng: Random generator.
    """
    weights = np.zeros(256)
    for tissue, weight in SEED_WEIGHTS.items():
        weights[tissue] = weight
    upper = np.array(coarse.grid.shape) - 1.0
    while True:
        points = rng.uniform(0.08, 0.92, (256, 3)) * upper
        sources = np.clip(np.rint(coarse.at(points)).astype(np.int64), 0, np.array(anatomy.tissues.shape) - 1)
        accepted = rng.random(256) < weights[anatomy.tissues[tuple(sources.T)]]
        if accepted.any():
            found: NDArray[np.float64] = points[int(np.argmax(accepted))]
            return found
