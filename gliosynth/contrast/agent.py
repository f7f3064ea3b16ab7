"""Gadolinium: how much of it tissues and tumour parts take up, from the brightness that readers call enhancing."""

from typing import Final

import numpy as np

from gliosynth.anatomy import Tissue
from gliosynth.contrast.relaxometry import GREY_TISSUES, Part, Relaxation
from gliosynth.contrast.sequences import Protocol, shortened_rates, signal
from gliosynth.contrast.settings import PhysicsSettings
from gliosynth.ranges import Range

CONCENTRATIONS: Final = np.linspace(0.0, 1.5, 151)
"""Gadolinium concentrations that are tried, mmol/l."""

WEAK_RATIO: Final[Range] = (1.08, 1.4)
"""T1c signal of weakly enhancing tumour relative to white matter."""

STRONG_RATIO: Final[Range] = (1.4, 2.1)
"""T1c signal of strongly enhancing tumour relative to white matter."""

LEAST_AGENT: Final = 0.06
"""Least gadolinium of enhancing tumour, mmol/l."""


def agent_for_ratio(
    ratio: float, protocol: Protocol, tissue: Relaxation, white: Relaxation, *, r1_agent: float, r2_agent: float
) -> float:
    """Returns the gadolinium in mmol/l at which a tissue's signal is `ratio` times that of plain white matter.

    Args:
        ratio: Signal wanted; where it cannot be reached, the brightest concentration is returned.
        protocol: The sequence after injection.
        tissue: Constants without gadolinium.
        white: Constants of white matter.
        r1_agent: Longitudinal relaxivity, l/(mmol s).
        r2_agent: Transverse relaxivity, l/(mmol s).
    """
    base = signal(protocol, np.array(white.density), np.array(1 / white.t1_ms), np.array(1 / white.t2_ms))
    rates = (np.array(1 / tissue.t1_ms), np.array(1 / tissue.t2_ms))
    r1, r2 = shortened_rates(*rates, CONCENTRATIONS, r1_agent=r1_agent, r2_agent=r2_agent)
    ratios = signal(protocol, np.array(tissue.density), r1, r2) / base
    enough = np.flatnonzero(ratios >= ratio)
    return float(CONCENTRATIONS[enough[0] if enough.size else int(ratios.argmax())])


def draw_part_agent(
    settings: PhysicsSettings,
    protocol: Protocol,
    enhancing: Relaxation,
    white: Relaxation,
    agent: tuple[float, float],
    rng: np.random.Generator,
) -> dict[Part, float]:
    """Returns the gadolinium of the tumour's parts in mmol/l (METHODS.md C.3).

    Enhancing tumour gets what its drawn brightness needs: experts label as enhancing what they see enhance.
    """
    strong = rng.random() < settings.strong_agent_share
    ratio = float(rng.uniform(*(STRONG_RATIO if strong else WEAK_RATIO)))
    needed = agent_for_ratio(ratio, protocol, enhancing, white, r1_agent=agent[0], r2_agent=agent[1])
    return {
        Part.ED: float(rng.uniform(0.0, 0.015)),
        Part.NET: float(rng.uniform(0.0, 0.03)),
        Part.ET: max(needed, LEAST_AGENT),
        Part.NCR: float(rng.uniform(0.0, 0.03)),
        Part.CYST: float(rng.uniform(0.0, 0.01)),
        Part.BLOOD: float(rng.uniform(0.0, 0.05)),
    }


def draw_tissue_agent(rng: np.random.Generator) -> dict[Tissue, float]:
    """Returns the gadolinium of tissues that take it up, mmol/l; others hold only their blood's share."""
    blood = float(rng.uniform(0.3, 1.4))
    grey = 0.03 * blood
    return {
        **dict.fromkeys(GREY_TISSUES, grey),
        Tissue.WHITE_MATTER: 0.015 * blood,
        Tissue.ARTERY: blood * float(rng.uniform(0.2, 0.8)),
        Tissue.VEIN: blood,
        Tissue.CHOROID_PLEXUS: float(rng.uniform(0.02, 0.35)),
        Tissue.DURA: float(rng.uniform(0.2, 1.0)),
        Tissue.MUCOSA: float(rng.uniform(0.2, 0.8)),
        Tissue.EYE_MUSCLE: float(rng.uniform(0.1, 0.4)),
    }
