"""Signal equations against values worked out by hand, and their limits."""

import math

import numpy as np
import pytest

from gliosynth.contrast.sequences import (
    Family,
    Protocol,
    draw_flair,
    draw_t1,
    null_inversion_ms,
    shortened_rates,
    signal,
)


def one(protocol: Protocol, *, density: float = 1.0, t1_ms: float, t2_ms: float) -> float:
    """Returns the signal of one tissue."""
    return float(signal(protocol, np.array([density]), np.array([1 / t1_ms]), np.array([1 / t2_ms]))[0])


def test_spin_echo_by_hand() -> None:
    """.7 (1 - e^{-500/800}) e^{-10/80} = .7 x .464739 x .882497."""
    protocol = Protocol(Family.SPIN_ECHO, 500, 10)
    assert one(protocol, density=0.7, t1_ms=800, t2_ms=80) == pytest.approx(0.287092, rel=1e-5)


def test_spin_echo_limits() -> None:
    """TE 0 and TR without end leave the density; TE without end leaves nothing."""
    assert one(Protocol(Family.SPIN_ECHO, 1e7, 0), density=0.8, t1_ms=1000, t2_ms=80) == pytest.approx(0.8)
    assert one(Protocol(Family.SPIN_ECHO, 1e7, 1e5), t1_ms=1000, t2_ms=80) == pytest.approx(0.0, abs=1e-9)


def test_spoiled_gradient_echo_by_hand() -> None:
    """TR 20, 30 degrees, T1 800: E1 = .975310, .5 x .024690 / (1 - .866025 x .975310) x e^{-4/(.6 x 80)} = .073066."""
    protocol = Protocol(Family.SPOILED_GRADIENT, 20, 4, flip_deg=30)
    e1 = math.exp(-0.025)
    expected = 0.5 * (1 - e1) / (1 - math.sqrt(3) / 2 * e1) * math.exp(-4 / 48)
    assert expected == pytest.approx(0.07307, abs=1e-4)
    assert one(protocol, t1_ms=800, t2_ms=80) == pytest.approx(expected, rel=1e-6)


def test_spoiled_gradient_echo_at_ninety_degrees_is_saturation_recovery() -> None:
    """With cos a = 0 only 1 - E1 stays."""
    protocol = Protocol(Family.SPOILED_GRADIENT, 500, 0, flip_deg=90)
    assert one(protocol, t1_ms=800, t2_ms=80) == pytest.approx(1 - math.exp(-0.625))


def test_spoiled_gradient_echo_is_brightest_at_the_ernst_angle() -> None:
    """A cosine of E1 gives more signal than a degree to either side."""
    ernst = math.degrees(math.acos(math.exp(-20 / 800)))

    def at(flip_deg: float) -> float:
        return one(Protocol(Family.SPOILED_GRADIENT, 20, 0, flip_deg=flip_deg), t1_ms=800, t2_ms=80)

    assert at(ernst) > max(at(ernst - 1), at(ernst + 1))


def test_mprage_with_endless_repetition_is_plain_inversion_recovery() -> None:
    """|1 - 2 e^{-TI/T1}|: zero at TI = T1 ln 2, 1 - 2/e at TI = T1."""
    null = Protocol(Family.MPRAGE, 1e7, 0, inversion_ms=800 * math.log(2))
    assert one(null, t1_ms=800, t2_ms=80) == pytest.approx(0.0, abs=1e-9)
    assert one(Protocol(Family.MPRAGE, 1e7, 0, 800), t1_ms=800, t2_ms=80) == pytest.approx(1 - 2 / math.e)


def test_flair_nulls_csf() -> None:
    """At the null of CSF (2481 ms for T1 4300 and TR 9000) CSF vanishes, and grey matter does not."""
    assert null_inversion_ms(4300, 9000) == pytest.approx(2481, abs=1)
    assert null_inversion_ms(4300, 6000) == pytest.approx(2029, abs=1)
    protocol = Protocol(Family.INVERSION_SPIN_ECHO, 9000, 120, null_inversion_ms(4300, 9000))
    assert one(protocol, t1_ms=4300, t2_ms=2000) == pytest.approx(0.0, abs=1e-9)
    assert one(protocol, density=0.82, t1_ms=1300, t2_ms=85) > 0.1


def test_gadolinium_shortens_both_times() -> None:
    """.5 mmol/l of relaxivity 4 adds 2 /s to 1 /s: T1 falls from 1000 to 333 ms; R2 gains 2.5 /s."""
    r1, r2 = shortened_rates(np.array([1e-3]), np.array([1e-2]), 0.5, r1_agent=4.0, r2_agent=5.0)
    assert 1 / r1[0] == pytest.approx(333.33, abs=0.01)
    assert r2[0] == pytest.approx(0.0125)


def test_gadolinium_brightens_every_t1_sequence() -> None:
    """An enhancing tumour of .3 mmol/l is brighter than without, whatever T1 sequence is drawn."""
    rng = np.random.default_rng(0)
    density, r1, r2 = np.array([0.85]), np.array([1 / 1400]), np.array([1 / 110])
    after = shortened_rates(r1, r2, 0.3, r1_agent=4.0, r2_agent=4.5)
    families = set()
    for _ in range(60):
        protocol = draw_t1(4200.0, rng, shares=(0.4, 0.2, 0.2, 0.2))
        families.add(protocol.family)
        assert signal(protocol, density, *after)[0] > signal(protocol, density, r1, r2)[0]
    assert families == set(Family)


def test_drawn_flair_keeps_csf_darker_than_white_matter() -> None:
    """The inversion time is drawn around the null, so that CSF stays below half of white matter."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        protocol = draw_flair(4200.0, rng)
        assert one(protocol, t1_ms=4200, t2_ms=1500) < 0.5 * one(protocol, density=0.7, t1_ms=850, t2_ms=75)
