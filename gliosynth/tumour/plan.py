"""The plan of one tumour: what kind, how large, which composition, and where."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue
from gliosynth.elementary import exp, log
from gliosynth.ranges import Range
from gliosynth.tumour.deformation import CoarseMap
from gliosynth.tumour.growth import CellKinetics
from gliosynth.tumour.midline import side_of
from gliosynth.tumour.settings import Family, Growth, Hemisphere, TumourSettings
from gliosynth.tumour.terrain import ball_radius_mm

SMALL_ML: Final = (3.0, 15.0)
"""Volume range of small tumours, ml."""

PROLIFERATION: Final[Range] = (0.1, 0.8)
"""rho, per unit of time (METHODS.md C.4)."""

NECROSIS_RATE: Final[Range] = (0.05, 0.7)
"""lambda, per unit of time (METHODS.md C.4)."""

NECROSIS_THRESHOLD: Final[Range] = (0.05, 0.7)
"""sigma (METHODS.md C.4)."""

NUTRIENT_SHARE: Final[Range] = (0.05, 0.6)
"""Diffusion of the nutrient relative to that of cells along tracts."""

NUTRIENT_UPTAKE: Final[Range] = (0.05, 0.5)
"""lambda_S, per unit of time (METHODS.md C.4)."""

BUTTERFLY_MM: Final = 7.0
"""Largest distance of a butterfly tumour's centre from the midline, mm."""

LARGEST_SATELLITES_SHARE: Final = 0.3
"""Largest share of the core's volume that satellites may take; those beyond it are left out."""

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
        family: Where the shape comes from.
        kinetics: The constants of growth; None for a noisy shape.
        pitch_mm: Edge of the voxels on which growth is solved, mm.
        volume_ml: Whole tumour.
        core_share: Tumour core relative to the whole tumour.
        enhancing_share: Enhancing tumour relative to the core.
        irregularity: Logarithmic amplitude of the surface noise.
        white_matter_preference: How far oedema avoids other tissue, in tumour radii.
        spares_cortex: Whether oedema ends 1 mm outside white matter.
        butterfly: Whether the tumour starts beside the midline and crosses the corpus callosum; others stay on
            their side.
        satellite_radii_mm: One radius per satellite focus.
        septa: Whether enhancing septa cross a ring's core, or patches are many and small.
        gap_share: Share of the shell that does not enhance.
        nodularity: How strongly nodules thicken the shell.
        faint: Faint oedema.
        wet: Oedema as bright as tumour, around a ring.
        cystic: CSF-like core.
        bleeding: Haemorrhage in the core.
        isointense: Core nearly as bright as cortex.
    """

    growth: Growth
    family: Family
    kinetics: CellKinetics | None
    pitch_mm: float
    volume_ml: float
    core_share: float
    enhancing_share: float
    irregularity: float
    white_matter_preference: float
    spares_cortex: bool
    butterfly: bool
    satellite_radii_mm: tuple[float, ...]
    septa: bool
    gap_share: float
    nodularity: float
    faint: bool
    wet: bool
    cystic: bool
    bleeding: bool
    isointense: bool

    @property
    def radius_mm(self) -> float:
        """Radius of the ball of the whole tumour's volume, mm."""
        return ball_radius_mm(self.volume_ml)


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
    volume_ml = _draw_volume_ml(settings, rng)
    core_share = float(rng.uniform(0.85, 0.98)) if isointense else _draw_core_share(growth, rng)
    butterfly = bool(rng.random() < settings.butterfly_share)
    family = tuple(Family)[int(rng.choice(len(Family), p=settings.family_shares))]
    if butterfly and settings.family_shares[0] > 0.0:
        family = Family.GROWN
    return TumourPlan(
        growth=growth,
        family=family,
        kinetics=None if family is Family.NOISY else draw_kinetics(settings, rng),
        pitch_mm=settings.pitch_mm,
        volume_ml=volume_ml,
        core_share=core_share,
        enhancing_share=_draw_enhancing_share(growth, volume_ml * core_share, settings, rng),
        irregularity=float(rng.uniform(*settings.irregularity)),
        white_matter_preference=float(rng.uniform(*settings.white_matter_preference)),
        spares_cortex=bool(rng.random() < settings.spared_cortex_share) and not isointense,
        butterfly=butterfly,
        satellite_radii_mm=_draw_satellites(settings, volume_ml * core_share, rng),
        septa=bool(rng.random() < 0.35),
        gap_share=float(rng.uniform(*settings.gap_share)),
        nodularity=float(rng.uniform(*settings.nodularity)),
        faint=bool(rng.random() < settings.faint_oedema_share),
        wet=bool(rng.random() < settings.wet_oedema_share) and growth is Growth.RING,
        cystic=bool(rng.random() < settings.cystic_share),
        bleeding=bool(rng.random() < settings.haemorrhage_share),
        isointense=isointense,
    )


def draw_kinetics(settings: TumourSettings, rng: np.random.Generator) -> CellKinetics:
    """Returns the constants of a growth (METHODS.md C.4).

    The front's width along tracts is drawn, and D follows from it, so that a front is neither finer than the grid nor
    wider than the tumour.
    """
    front_mm, rho = _log_uniform(settings.front_mm, rng), float(rng.uniform(*PROLIFERATION))
    gain, fastest = float(rng.uniform(*settings.tract_gain)), front_mm * front_mm * rho
    return CellKinetics(
        diffusion=fastest / (1.0 + gain),
        proliferation=rho,
        tract_gain=gain,
        necrosis_rate=float(rng.uniform(*NECROSIS_RATE)),
        necrosis_threshold=float(rng.uniform(*NECROSIS_THRESHOLD)),
        nutrient_diffusion=float(rng.uniform(*NUTRIENT_SHARE)) * fastest,
        nutrient_uptake=float(rng.uniform(*NUTRIENT_UPTAKE)),
        heterogeneity=float(rng.uniform(*settings.heterogeneity)),
    )


def _log_uniform(ends: Range, rng: np.random.Generator) -> float:
    """Returns a number between two ends, evenly distributed in the logarithm."""
    return float(exp(rng.uniform(log(ends[0]), log(ends[1]))))


def _draw_volume_ml(settings: TumourSettings, rng: np.random.Generator) -> float:
    """Returns the volume of the whole tumour: log-normal, or small in `small_share` of the cases."""
    low, high = settings.volume_range_ml
    if rng.random() < settings.small_share:
        drawn = _log_uniform(SMALL_ML, rng)
    else:
        drawn = settings.volume_median_ml * exp(settings.volume_log_sd * float(rng.standard_normal()))
        drawn = max(drawn, SMALL_ML[1])
    return float(min(max(drawn, low), high))


def _draw_core_share(growth: Growth, rng: np.random.Generator) -> float:
    """Returns the core's share of the whole tumour."""
    match growth:
        case Growth.RING:
            return float(rng.beta(2.2, 2.8) * 0.85 + 0.06)
        case Growth.SOLID:
            return float(rng.uniform(0.05, 0.6))
        case Growth.PATCHY:
            return float(rng.uniform(0.25, 0.85))
        case Growth.NON_ENHANCING:
            return float(rng.uniform(0.3, 0.95))
        case Growth.OEDEMA:
            return 0.0


def _draw_enhancing_share(growth: Growth, core_ml: float, settings: TumourSettings, rng: np.random.Generator) -> float:
    """Returns the enhancing share of the core; a ring's follows from the thickness of its rim."""
    match growth:
        case Growth.RING:
            rest = max(1.0 - _log_uniform(settings.rim_mm, rng) / ball_radius_mm(core_ml), 0.0)
            return float(min(max(1.0 - rest * rest * rest, 0.2), 0.92))
        case Growth.SOLID:
            return float(rng.uniform(0.82, 1.0))
        case Growth.PATCHY:
            return float(rng.uniform(0.12, 0.7))
        case Growth.NON_ENHANCING:
            return float(rng.uniform(0.004, 0.05)) if rng.random() < 0.75 else 0.0
        case Growth.OEDEMA:
            return 0.0


def _draw_satellites(settings: TumourSettings, core_ml: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Returns the radii of the satellite foci, mm: at most three, of at most a share of the core's volume."""
    if rng.random() >= settings.satellite_share:
        return ()
    kept: list[float] = []
    left_mm3 = LARGEST_SATELLITES_SHARE * core_ml * 1000.0
    for radius_mm in rng.uniform(*settings.satellite_radius_mm, int(rng.integers(1, 4))):
        volume_mm3 = 4.0 / 3.0 * np.pi * radius_mm * radius_mm * radius_mm
        if volume_mm3 <= left_mm3:
            kept.append(float(radius_mm))
            left_mm3 -= volume_mm3
    return tuple(kept)


def draw_centre(
    anatomy: Anatomy, coarse: CoarseMap, settings: TumourSettings, plan: TumourPlan | None, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Returns a tumour centre ``(3,)`` in grid voxels, in the cerebrum, by the weights of `SEED_WEIGHTS`.

    Args:
        anatomy: The head.
        coarse: Map from the grid to the head.
        settings: The side that is wanted.
        plan: The tumour; a butterfly starts in white matter beside the midline.
        rng: Random generator.
    """
    weights = np.zeros(256)
    for tissue, weight in SEED_WEIGHTS.items():
        weights[tissue] = weight
    upper = np.array(coarse.grid.shape) - 1.0
    while True:
        points = rng.uniform(0.08, 0.92, (256, 3)) * upper
        sources = coarse.at(points)
        voxels = np.clip(np.rint(sources).astype(np.int64), 0, np.array(anatomy.tissues.shape) - 1)
        tissues = anatomy.tissues[tuple(voxels.T)]
        accepted = rng.random(256) < weights[tissues]
        side_mm = side_of(anatomy, sources)
        if settings.hemisphere is not Hemisphere.EITHER:
            accepted &= (side_mm > 0) == (settings.hemisphere is Hemisphere.RIGHT)
        if plan is not None and plan.butterfly:
            accepted &= (np.abs(side_mm) < BUTTERFLY_MM) & (tissues == Tissue.WHITE_MATTER)
        if accepted.any():
            found: NDArray[np.float64] = points[int(np.argmax(accepted))]
            return found
