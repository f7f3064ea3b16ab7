"""Named settings and what they make the physics draw."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.contrast.physics import draw_physics
from gliosynth.contrast.sequences import Family
from gliosynth.contrast.settings import COHORT, PRESETS, SCANNERS, TRAINING, AcquisitionSettings, preset
from gliosynth.errors import InvalidParameterError


def families(name: str, count: int = 40) -> set[tuple[float, Family]]:
    """Returns the field strengths and T1 families that a scanner draws."""
    rng = np.random.default_rng(0)
    drawn = [draw_physics(SCANNERS[name].physics, None, bright_csf=False, rng=rng) for _ in range(count)]
    return {(physics.field_tesla, physics.protocols[0].family) for physics in drawn}


@pytest.mark.parametrize(("name", "tesla"), [("1.5t", 1.5), ("3t", 3.0)])
def test_scanners_have_one_field(name: str, tesla: float) -> None:
    """All cases of a scanner are imaged at its field strength."""
    assert {field for field, _ in families(name)} == {tesla}


def test_mixed_scanners_have_both_fields_and_all_families() -> None:
    """The default cohort."""
    found = families("mixed", 120)
    assert {field for field, _ in found} == {1.5, 3.0}
    assert {family for _, family in found} == set(Family)


def test_gradient_echo_scanner_runs_no_spin_echo() -> None:
    """SPGR and MPRAGE at 3 T only, the same before and after gadolinium, thin slices."""
    assert {family for _, family in families("3d-gradient-echo")} == {Family.SPOILED_GRADIENT, Family.MPRAGE}
    physics = draw_physics(SCANNERS["3d-gradient-echo"].physics, None, bright_csf=False, rng=np.random.default_rng(1))
    assert physics.protocols[0] == physics.protocols[1]
    assert SCANNERS["3d-gradient-echo"].acquisition.thick_share == 0.0


def test_cohorts_are_physical() -> None:
    """No jitter, no mixture, no gamma in any scanner of a cohort; its name is known as a preset."""
    for settings in SCANNERS.values():
        assert settings.physics.mixture_share == settings.physics.signal_jitter_share == 0.0
        assert settings.acquisition.gamma_share == 0.0
    assert preset("cohort") is COHORT


@pytest.mark.parametrize("settings", [*PRESETS.values(), *SCANNERS.values()], ids=lambda settings: settings.name)
def test_shares_are_shares(settings: object) -> None:
    """T1 families sum to 1 in every preset."""
    assert sum(settings.physics.t1_family_shares) == pytest.approx(1.0)  # type: ignore[attr-defined]


def test_noise_is_scaled_to_the_contrast() -> None:
    """Factor 2 on t2f doubles both ends of its range and leaves t1n's."""
    settings = AcquisitionSettings(noise=(0.01, 0.03), noise_by_contrast=(1.0, 1.0, 1.0, 2.0))
    assert settings.of(3).noise == pytest.approx((0.02, 0.06))
    assert settings.of(0).noise == (0.01, 0.03)


def test_agent_strength_is_the_settings() -> None:
    """The relaxivity is drawn from the range that names the agent."""
    strong = replace(TRAINING.physics, relaxivity=(4.7, 4.9))
    drawn = [draw_physics(strong, None, bright_csf=False, rng=np.random.default_rng(s)).r1_agent for s in range(10)]
    assert min(drawn) >= 4.7
    assert max(drawn) <= 4.9


def test_unknown_preset_is_refused_with_the_names_that_exist() -> None:
    """A wrong name raises InvalidParameterError that lists the right ones."""
    with pytest.raises(InvalidParameterError, match="cohort"):
        preset("philips")
