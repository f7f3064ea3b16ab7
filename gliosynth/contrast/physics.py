"""One case's physics: protocols, relaxation constants of every tissue and tumour part, and gadolinium uptake."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import Tissue
from gliosynth.contrast.agent import draw_part_agent, draw_tissue_agent
from gliosynth.contrast.mixture import Mixture, draw_mixture
from gliosynth.contrast.relaxometry import (
    GREY_TISSUES,
    PART_PRIORS,
    TISSUE_PRIORS,
    WHITE_TISSUES,
    Part,
    Relaxation,
    TissuePrior,
    draw_relaxation,
    middle_relaxation,
)
from gliosynth.contrast.sequences import (
    T2_PRIOR,
    Protocol,
    draw_flair,
    draw_protocol,
    draw_t1,
)
from gliosynth.contrast.settings import PhysicsSettings
from gliosynth.elementary import exp
from gliosynth.ranges import Range
from gliosynth.tumour.plan import TumourPlan

TISSUE_COUNT: Final = max(Tissue) + 1
"""Length of a table indexed by `Tissue`."""

TEXTBOOK_T2_MS: Final = {
    Part.ED: 170.0,
    Part.NET: 190.0,
    Part.ET: 160.0,
    Part.NCR: 400.0,
    Part.CYST: 1000.0,
    Part.BLOOD: 70.0,
}
"""T2 of tumour parts in ms as textbooks give it (METHODS.md C.3, PROTOTYPE.md 6), for the shifted physics only."""

FAINT_OEDEMA: Final = TissuePrior((0.76, 0.82), (800, 1050), (1000, 1300), (84, 98))
"""Oedema or infiltration barely brighter than grey matter (PROTOTYPE.md 7.1)."""

BRIGHT_OEDEMA: Final = TissuePrior((0.82, 0.90), (1000, 1400), (1200, 1700), (150, 210))
"""Wet vasogenic oedema, as bright as tumour; it lies around a ring."""

CORTEX_AT_EDGE: Final[Range] = (0.65, 1.0)
"""Share of cortex in fluid voxels that touch it."""

CORTEX_LOST_INSIDE: Final[Range] = (0.1, 0.5)
"""How much less of it the inner voxels of a sulcus hold."""

FLATNESS: Final[Range] = (0.1, 0.5)
"""How far grey matter and tumour are moved towards white matter where contrast is flat."""

NUCLEUS_JITTER: Final = 0.3
"""Jitter of each grey nucleus about cortex, and of brain-stem and cerebellum about white matter, relative to the
jitter."""

WETTER_SHARE: Final = 0.8
"""Cases whose solid core is wetter than their oedema, as in six of the seven real cases' medians."""

WETTER_T1: Final[Range] = (1.1, 1.45)
"""Least ratio of the solid core's T1 to the oedema's in those cases."""

WETTER_T2: Final[Range] = (1.0, 1.35)
"""Least ratio of the solid core's T2 to the oedema's in those cases."""

ISOINTENSE: Final = TissuePrior((0.80, 0.85), (1000, 1350), (1250, 1650), (86, 108))
"""Cellular solid tumour, nearly as bright as cortex in T2 and FLAIR (PROTOTYPE.md 7.2)."""


@dataclass(frozen=True, eq=False)
class TissueTable:
    """Constants by `Tissue` value, each ``(TISSUE_COUNT,)`` float32.

    Attributes:
        density: Proton density relative to CSF.
        r1: 1/T1, 1/ms.
        r2: 1/T2, 1/ms.
        agent: Gadolinium in mmol/l after injection.
        gain: ``(4, TISSUE_COUNT)``: factor on the signal of each contrast.
        offset: ``(4, TISSUE_COUNT)``: signal added to each contrast, relative to white matter.
    """

    density: NDArray[np.float32]
    r1: NDArray[np.float32]
    r2: NDArray[np.float32]
    agent: NDArray[np.float32]
    gain: NDArray[np.float32]
    offset: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Physics:
    """What one case is imaged with and made of.

    Attributes:
        field_tesla: 1.5 or 3.
        protocols: The sequences of t1n, t1c, t2w, t2f.
        table: Constants of the tissues.
        parts: Constants of the tumour's parts.
        part_agent: Gadolinium of the tumour's parts, mmol/l.
        part_gain: ``(4,)`` factor on the tumour's signal in each contrast.
        r1_agent: Longitudinal relaxivity, l/(mmol s).
        r2_agent: Transverse relaxivity, l/(mmol s).
        cortex_in: Share of cortex in the voxels of narrow sulci, by `Tissue`.
        mixture: Signals that replace the physical ones, or None.
    """

    field_tesla: float
    protocols: tuple[Protocol, Protocol, Protocol, Protocol]
    table: TissueTable
    parts: dict[Part, Relaxation]
    part_agent: dict[Part, float]
    part_gain: NDArray[np.float32]
    r1_agent: float
    r2_agent: float
    cortex_in: dict[Tissue, float]
    mixture: Mixture | None


def draw_physics(
    settings: PhysicsSettings, plan: TumourPlan | None, *, bright_csf: bool, rng: np.random.Generator
) -> Physics:
    """Returns the physics of one case: one draw shared by all four contrasts.

    Args:
        settings: Shares and amounts.
        plan: The tumour, or None.
        bright_csf: Whether CSF is badly suppressed in FLAIR.
        rng: Random generator.
    """
    field_tesla = settings.field_strengths_tesla[int(rng.integers(len(settings.field_strengths_tesla)))]
    relaxations = draw_tissues(settings, field_tesla, rng)
    parts = _draw_parts(settings, plan, field_tesla, rng)
    if rng.random() < settings.flat_contrast_share:
        relaxations, parts = flatten(relaxations, parts, float(rng.uniform(*FLATNESS)))
    csf_t1_ms = relaxations[Tissue.VENTRICLE].t1_ms
    t1n = draw_t1(csf_t1_ms, rng, shares=settings.t1_family_shares)
    repeated = rng.random() < settings.repeated_t1_share
    t1c = t1n if repeated else draw_t1(csf_t1_ms, rng, shares=settings.t1_family_shares)
    flair = draw_flair(csf_t1_ms, rng)
    r1_agent = float(rng.uniform(*settings.relaxivity))
    r2_agent = r1_agent * float(rng.uniform(1.0, 1.3))
    cortex_in = draw_cortex_in_sulci(rng)
    mixture = draw_mixture(rng) if rng.random() < settings.mixture_share else None
    jitter = settings.signal_jitter if rng.random() < settings.signal_jitter_share else 0.0
    return Physics(
        field_tesla=field_tesla,
        protocols=(t1n, t1c, draw_protocol(T2_PRIOR, rng), flair),
        table=_table(relaxations, draw_tissue_agent(rng), jitter=jitter, bright_csf=bright_csf, rng=rng),
        parts=parts,
        part_agent=draw_part_agent(
            settings, t1c, parts[Part.ET], relaxations[Tissue.WHITE_MATTER], (r1_agent, r2_agent), rng
        ),
        part_gain=exp(rng.normal(0.0, max(jitter, 0.03), 4)).astype(np.float32),
        r1_agent=r1_agent,
        r2_agent=r2_agent,
        cortex_in=cortex_in,
        mixture=mixture,
    )


def draw_tissues(settings: PhysicsSettings, field_tesla: float, rng: np.random.Generator) -> dict[Tissue, Relaxation]:
    """Returns the constants of every tissue.

    The folia of the cerebellum are thinner than a voxel, hence mixed with white matter; the maps' arteries and choroid
    plexus are wider than real ones, hence mixed with fluid; periventricular hypointensities may look like white matter.
    """
    drawn = {tissue: _draw(settings, prior, field_tesla, rng) for tissue, prior in TISSUE_PRIORS.items()}
    fluid = drawn[Tissue.VENTRICLE]
    drawn |= dict.fromkeys((Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE, Tissue.OUTER_CSF), fluid)
    white = drawn[Tissue.WHITE_MATTER]
    drawn[Tissue.CEREBELLAR_WHITE] = mixture(drawn[Tissue.CEREBELLAR_WHITE], white, 0.6)
    drawn[Tissue.CEREBELLAR_GREY] = mixture(drawn[Tissue.CEREBELLAR_GREY], white, float(rng.uniform(0.2, 0.5)))
    drawn[Tissue.ARTERY] = mixture(drawn[Tissue.ARTERY], fluid, float(rng.uniform(0.4, 0.8)))
    drawn[Tissue.CHOROID_PLEXUS] = mixture(drawn[Tissue.CHOROID_PLEXUS], fluid, float(rng.uniform(0.3, 0.7)))
    if rng.random() < 0.5:
        drawn[Tissue.WHITE_MATTER_LESION] = mixture(drawn[Tissue.WHITE_MATTER_LESION], white, 0.85)
    return drawn


def draw_cortex_in_sulci(rng: np.random.Generator) -> dict[Tissue, float]:
    """Returns the share of cortex in the voxels of sulci: the maps' sulci are wider than those of real scans."""
    edge = float(rng.uniform(*CORTEX_AT_EDGE))
    inner = max(edge - float(rng.uniform(*CORTEX_LOST_INSIDE)), 0.0)
    return {Tissue.SULCUS_EDGE: edge, Tissue.SULCAL_CSF: inner}


def mixture(first: Relaxation, second: Relaxation, share: float) -> Relaxation:
    """Returns the constants of a mixture: densities and rates averaged, `share` of the second."""
    r1 = (1 - share) / first.t1_ms + share / second.t1_ms
    r2 = (1 - share) / first.t2_ms + share / second.t2_ms
    return Relaxation((1 - share) * first.density + share * second.density, 1 / r1, 1 / r2)


def flatten(
    tissues: dict[Tissue, Relaxation], parts: dict[Part, Relaxation], flatness: float
) -> tuple[dict[Tissue, Relaxation], dict[Part, Relaxation]]:
    """Returns grey matter moved towards white matter, and tumour parts moved as far in density and T1 (not T2).

    Routine T1-weighted images of tumour patients show little contrast between tissues; without this, simulated tumours
    are far darker in T1 than real ones.

    Args:
        tissues: Constants of the tissues.
        parts: Constants of the tumour's parts.
        flatness: 0 leaves everything, 1 makes all of it white matter.
    """
    white = tissues[Tissue.WHITE_MATTER]
    flat_parts = {}
    for part, drawn in parts.items():
        moved = mixture(drawn, white, flatness)
        flat_parts[part] = Relaxation(moved.density, moved.t1_ms, drawn.t2_ms)
    return tissues | {tissue: mixture(tissues[tissue], white, 0.7 * flatness) for tissue in GREY_TISSUES}, flat_parts


def _draw(settings: PhysicsSettings, prior: TissuePrior, field_tesla: float, rng: np.random.Generator) -> Relaxation:
    """Returns one draw of a prior, or its centre where the physics is textbook."""
    drawn = draw_relaxation(prior, field_tesla=field_tesla, rng=rng)
    return middle_relaxation(prior, field_tesla=field_tesla) if settings.textbook else drawn


def _draw_parts(
    settings: PhysicsSettings, plan: TumourPlan | None, field_tesla: float, rng: np.random.Generator
) -> dict[Part, Relaxation]:
    """Returns the constants of the tumour's parts, with the plan's peculiarities."""
    priors = dict(PART_PRIORS)
    if plan is not None:
        if plan.faint:
            priors[Part.ED] = FAINT_OEDEMA
        elif plan.wet:
            priors[Part.ED] = BRIGHT_OEDEMA
        if plan.cystic:
            priors[Part.NCR] = PART_PRIORS[Part.CYST]
        if plan.isointense:
            priors |= {Part.NET: ISOINTENSE, Part.ET: ISOINTENSE}
    drawn = {part: _draw(settings, prior, field_tesla, rng) for part, prior in priors.items()}
    wetter, t1_ratio, t2_ratio = rng.random() < WETTER_SHARE, rng.uniform(*WETTER_T1), rng.uniform(*WETTER_T2)
    if plan is not None and wetter and not plan.isointense and not plan.wet:
        oedema, solid = drawn[Part.ED], drawn[Part.NET]
        t1_ms, t2_ms = max(solid.t1_ms, oedema.t1_ms * t1_ratio), max(solid.t2_ms, oedema.t2_ms * t2_ratio)
        drawn[Part.NET] = Relaxation(solid.density, float(t1_ms), float(t2_ms))
    if not settings.textbook:
        return drawn
    return {part: Relaxation(r.density, r.t1_ms, TEXTBOOK_T2_MS[part]) for part, r in drawn.items()}


def _table(
    relaxations: dict[Tissue, Relaxation],
    agent: dict[Tissue, float],
    *,
    jitter: float,
    bright_csf: bool,
    rng: np.random.Generator,
) -> TissueTable:
    """Returns the constants as arrays indexed by tissue; background has density 0."""
    density, r1, r2, uptake = (np.zeros(TISSUE_COUNT, dtype=np.float32) for _ in range(4))
    r1[:], r2[:] = 1e-3, 1e-2
    for tissue, relaxation in relaxations.items():
        density[tissue] = relaxation.density
        r1[tissue], r2[tissue] = 1.0 / relaxation.t1_ms, 1.0 / relaxation.t2_ms
        uptake[tissue] = agent.get(tissue, 0.0)
    spread = rng.normal(0.0, jitter, (4, TISSUE_COUNT))
    spread[:, Tissue.WHITE_MATTER] = 0.0
    cortex = spread[:, Tissue.CORTICAL_GREY].copy()
    for tissue in GREY_TISSUES:
        spread[:, tissue] = cortex + NUCLEUS_JITTER * (spread[:, tissue] - cortex)
    for tissue in WHITE_TISSUES:
        spread[:, tissue] = NUCLEUS_JITTER * spread[:, tissue]
    gain = exp(spread).astype(np.float32)
    offset = np.zeros((4, TISSUE_COUNT), dtype=np.float32)
    if bright_csf:
        offset[3, [Tissue.SULCAL_CSF, Tissue.SULCUS_EDGE, Tissue.OUTER_CSF]] = rng.uniform(0.1, 0.4)
        offset[3, Tissue.VENTRICLE] = rng.uniform(0.0, 0.4)
    return TissueTable(density, r1, r2, uptake, gain, offset)
