"""Signal equations of the four contrasts' sequences, and the effect of gadolinium.

All functions take density, rates R1 = 1/T1 and R2 = 1/T2 in 1/ms as arrays of one shape and return the signal in units
of the density (CSF = 1, no decay). Equations: METHODS.md C.3; Bernstein, King, Zhou, *Handbook of MRI Pulse Sequences*
(2004), chapters 14 (gradient echo, inversion recovery) and 16 (spin echo).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.elementary import cos, exp, log, sin
from gliosynth.ranges import Range
from gliosynth.separable import Array

T2_STAR_RATIO: Final = 0.6
"""T2* relative to T2 in gradient echoes."""


class Family(StrEnum):
    """Sequence families."""

    SPIN_ECHO = "SE"
    """Spin echo and turbo spin echo."""
    SPOILED_GRADIENT = "SPGR"
    """Spoiled gradient echo, steady state."""
    MPRAGE = "MPRAGE"
    """Magnetisation-prepared gradient echo."""
    INVERSION_SPIN_ECHO = "IR-TSE"
    """Inversion recovery turbo spin echo: FLAIR and T1-FLAIR."""


@dataclass(frozen=True)
class Protocol:
    """Settings of one sequence.

    Attributes:
        family: Which signal equation applies.
        repetition_ms: TR, ms.
        echo_ms: TE, ms.
        inversion_ms: TI, ms; 0 where the family has none.
        flip_deg: Flip angle, degrees; 90 where the family has none.
    """

    family: Family
    repetition_ms: float
    echo_ms: float
    inversion_ms: float = 0.0
    flip_deg: float = 90.0


def signal(protocol: Protocol, density: Array, r1: Array, r2: Array) -> Array:
    """Returns the magnitude signal of one sequence.

    Args:
        protocol: Sequence and its settings.
        density: Proton density relative to CSF, any shape.
        r1: 1/T1 in 1/ms, same shape.
        r2: 1/T2 in 1/ms, same shape.
    """
    match protocol.family:
        case Family.SPIN_ECHO:
            return spin_echo(protocol, density, r1, r2)
        case Family.SPOILED_GRADIENT:
            return spoiled_gradient_echo(protocol, density, r1, r2)
        case Family.MPRAGE:
            return mprage(protocol, density, r1, r2)
        case Family.INVERSION_SPIN_ECHO:
            return inversion_recovery(protocol, density, r1, r2)


def spin_echo(protocol: Protocol, density: Array, r1: Array, r2: Array) -> Array:
    """Returns ``PD (1 - e^{-TR/T1}) e^{-TE/T2}``, see `signal`."""
    return density * (1.0 - exp(-protocol.repetition_ms * r1)) * exp(-protocol.echo_ms * r2)


def spoiled_gradient_echo(protocol: Protocol, density: Array, r1: Array, r2: Array) -> Array:
    """Returns ``PD sin a (1 - E1) / (1 - cos a E1) e^{-TE/T2*}`` with ``E1 = e^{-TR/T1}`` and T2* = .6 T2."""
    angle = math.radians(protocol.flip_deg)
    e1 = exp(-protocol.repetition_ms * r1)
    decay = exp(-(protocol.echo_ms / T2_STAR_RATIO) * r2)
    return density * sin(angle) * (1.0 - e1) / (1.0 - cos(angle) * e1) * decay


def mprage(protocol: Protocol, density: Array, r1: Array, r2: Array) -> Array:
    """Returns ``PD |1 - 2 e^{-TI/T1} / (1 + e^{-TR/T1})| e^{-TE/T2*}`` with T2* = .6 T2."""
    xp = array_namespace(r1)
    inverted = 2.0 * exp(-protocol.inversion_ms * r1) / (1.0 + exp(-protocol.repetition_ms * r1))
    return density * xp.abs(1.0 - inverted) * exp(-(protocol.echo_ms / T2_STAR_RATIO) * r2)


def inversion_recovery(protocol: Protocol, density: Array, r1: Array, r2: Array) -> Array:
    """Returns ``PD |1 - 2 e^{-TI/T1} + e^{-TR/T1}| e^{-TE/T2}``."""
    xp = array_namespace(r1)
    recovered = 1.0 - 2.0 * exp(-protocol.inversion_ms * r1) + exp(-protocol.repetition_ms * r1)
    return density * xp.abs(recovered) * exp(-protocol.echo_ms * r2)


def null_inversion_ms(t1_ms: float, repetition_ms: float) -> float:
    """Returns the TI in ms at which `inversion_recovery` is 0: ``T1 (ln 2 - ln(1 + e^{-TR/T1}))``.

    2481 ms for T1 4300 at TR 9000.
    """
    return float(t1_ms * (log(2.0) - log(1.0 + exp(-repetition_ms / t1_ms))))


def shortened_rates(
    r1: Array, r2: Array, concentration: Array, *, r1_agent: float, r2_agent: float
) -> tuple[Array, Array]:
    """Returns R1 and R2 in 1/ms after gadolinium: ``R + r C``.

    Args:
        r1: 1/T1, 1/ms.
        r2: 1/T2, 1/ms.
        concentration: Gadolinium in mmol/l, same shape or a scalar.
        r1_agent: Longitudinal relaxivity, l/(mmol s); 3 to 5 for clinical agents (Szomolanyi 2019).
        r2_agent: Transverse relaxivity, l/(mmol s).
    """
    return r1 + (r1_agent / 1000.0) * concentration, r2 + (r2_agent / 1000.0) * concentration


@dataclass(frozen=True)
class ProtocolPrior:
    """Uniform ranges of a protocol's settings, see `Protocol`."""

    family: Family
    repetition_ms: Range
    echo_ms: Range
    inversion_ms: Range = (0.0, 0.0)
    flip_deg: Range = (90.0, 90.0)


T1_PRIORS: Final = (
    ProtocolPrior(Family.SPIN_ECHO, (450, 700), (9, 15)),
    ProtocolPrior(Family.SPOILED_GRADIENT, (6, 25), (2, 5), flip_deg=(12, 30)),
    ProtocolPrior(Family.MPRAGE, (1600, 2300), (2, 5), inversion_ms=(850, 1100)),
    ProtocolPrior(Family.INVERSION_SPIN_ECHO, (2000, 2600), (8, 24)),
)
"""T1-weighted sequences (METHODS.md C.3); the TI of T1-FLAIR follows from the null of CSF."""

T2_PRIOR: Final = ProtocolPrior(Family.SPIN_ECHO, (3000, 6500), (80, 115))
"""T2-weighted turbo spin echo."""

FLAIR_PRIOR: Final = ProtocolPrior(Family.INVERSION_SPIN_ECHO, (7000, 11000), (90, 145))
"""FLAIR; its TI follows from the null of CSF."""

T1_FLAIR_NULL_FACTOR: Final[Range] = (0.86, 1.0)
"""TI of T1-FLAIR relative to the null of CSF: 730 to 1000 ms; a shorter one folds CSF up to tissue's brightness."""

FLAIR_NULL_FACTOR: Final[Range] = (0.94, 1.04)
"""TI of FLAIR relative to the null of CSF."""


def draw_protocol(prior: ProtocolPrior, rng: np.random.Generator) -> Protocol:
    """Returns one uniform draw of a protocol."""
    return Protocol(
        prior.family,
        repetition_ms=float(rng.uniform(*prior.repetition_ms)),
        echo_ms=float(rng.uniform(*prior.echo_ms)),
        inversion_ms=float(rng.uniform(*prior.inversion_ms)),
        flip_deg=float(rng.uniform(*prior.flip_deg)),
    )


def draw_t1(csf_t1_ms: float, rng: np.random.Generator, *, shares: Sequence[float]) -> Protocol:
    """Returns one T1-weighted protocol; T1-FLAIR keeps CSF dark.

    Args:
        csf_t1_ms: T1 of CSF, ms, whose null sets the TI of T1-FLAIR.
        rng: Random generator.
        shares: How often each of `T1_PRIORS` is drawn; they sum to 1.
    """
    drawn = draw_protocol(T1_PRIORS[int(rng.choice(len(T1_PRIORS), p=shares))], rng)
    if drawn.family is not Family.INVERSION_SPIN_ECHO:
        return drawn
    factor = float(rng.uniform(*T1_FLAIR_NULL_FACTOR))
    return replace(drawn, inversion_ms=factor * null_inversion_ms(csf_t1_ms, drawn.repetition_ms))


def draw_flair(csf_t1_ms: float, rng: np.random.Generator) -> Protocol:
    """Returns one FLAIR protocol whose TI nulls CSF of the given T1 up to `FLAIR_NULL_FACTOR`."""
    drawn = draw_protocol(FLAIR_PRIOR, rng)
    inversion_ms = null_inversion_ms(csf_t1_ms, drawn.repetition_ms) * float(rng.uniform(*FLAIR_NULL_FACTOR))
    return replace(drawn, inversion_ms=inversion_ms)
