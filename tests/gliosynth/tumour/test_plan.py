"""Plans of tumours: what is drawn, on which side, and how families and satellites follow."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.anatomy import Tissue, load_anatomy
from gliosynth.contrast.settings import TRAINING
from gliosynth.tumour.deformation import draw_map
from gliosynth.tumour.midline import side_of
from gliosynth.tumour.plan import BUTTERFLY_MM, draw_centre, draw_kinetics, draw_plan
from gliosynth.tumour.settings import (
    COHORT_TUMOURS,
    Family,
    GridSettings,
    Growth,
    Hemisphere,
    TumourSettings,
)

GRID = GridSettings(shape=(60, 72, 36), spacing_mm=(3.0, 3.0, 5.0))


def test_volumes_stay_in_their_range() -> None:
    """A narrow range holds for small and large draws alike."""
    settings = TumourSettings(volume_range_ml=(20.0, 30.0), small_share=0.5)
    rng = np.random.default_rng(0)
    volumes = [draw_plan(settings, rng).volume_ml for _ in range(200)]
    assert min(volumes) == 20.0
    assert max(volumes) == 30.0


def test_the_front_is_as_wide_as_drawn() -> None:
    """sqrt(D (1 + gain) / rho), the width along tracts, lies in its range for every growth."""
    settings, rng = TumourSettings(), np.random.default_rng(1)
    for _ in range(100):
        kinetics = draw_kinetics(settings, rng)
        front = np.sqrt(kinetics.diffusion * (1.0 + kinetics.tract_gain) / kinetics.proliferation)
        assert settings.front_mm[0] * 0.999 <= front <= settings.front_mm[1] * 1.001
        assert kinetics.nutrient_diffusion < kinetics.diffusion * (1.0 + kinetics.tract_gain)


def test_families_decide_who_has_kinetics() -> None:
    """Plain settings never draw them, cohorts draw grown shapes most often, a butterfly is always grown."""
    rng = np.random.default_rng(2)
    noisy = TumourSettings(family_shares=(0.0, 1.0, 0.0), butterfly_share=1.0)
    assert all(draw_plan(noisy, rng).kinetics is None for _ in range(50))
    plans = [draw_plan(COHORT_TUMOURS, rng) for _ in range(400)]
    assert np.mean([plan.family is Family.GROWN for plan in plans]) == pytest.approx(0.53, abs=0.08)
    assert all(plan.family is Family.GROWN for plan in plans if plan.butterfly)
    assert all((plan.kinetics is None) == (plan.family is Family.NOISY) for plan in plans)


def test_the_rim_decides_how_much_of_a_ring_enhances() -> None:
    """A rim of 3 mm fills 1 - (1 - 3/r)^3 of a core of radius r, wherever that lies between .2 and .92."""
    settings = TumourSettings(rim_mm=(3.0, 3.0), growth_shares=(1.0, 0.0, 0.0, 0.0, 0.0), isointense_share=0.0)
    rng = np.random.default_rng(3)
    for _ in range(50):
        plan = draw_plan(settings, rng)
        radius = (3.0 * plan.volume_ml * plan.core_share * 1000.0 / (4.0 * np.pi)) ** (1 / 3)
        expected = min(max(1.0 - max(1.0 - 3.0 / radius, 0.0) ** 3, 0.2), 0.92)
        assert plan.growth is Growth.RING
        assert plan.enhancing_share == pytest.approx(expected, rel=1e-6)


def test_satellites_never_use_up_the_core() -> None:
    """One to three where they are drawn, together below .3 of the core."""
    rng = np.random.default_rng(4)
    plans = [draw_plan(TumourSettings(satellite_share=1.0), rng) for _ in range(200)]
    assert {len(plan.satellite_radii_mm) for plan in plans} == {0, 1, 2, 3}
    for plan in plans:
        volume_ml = sum(4.0 / 3.0 * np.pi * radius**3 for radius in plan.satellite_radii_mm) / 1000.0
        assert volume_ml <= 0.3 * plan.volume_ml * plan.core_share + 1e-9


@pytest.mark.parametrize(("hemisphere", "sign"), [(Hemisphere.LEFT, -1.0), (Hemisphere.RIGHT, 1.0)])
def test_tumours_start_on_the_side_that_is_asked_for(hemisphere: Hemisphere, sign: float) -> None:
    """Twelve centres lie left, or right, of the head's midline."""
    anatomy, rng = load_anatomy("head_05"), np.random.default_rng(5)
    settings = TumourSettings(hemisphere=hemisphere)
    coarse = draw_map(anatomy, GRID, TRAINING.deformation, rng)
    centres = np.stack([draw_centre(anatomy, coarse, settings, None, rng) for _ in range(12)])
    assert (side_of(anatomy, coarse.at(centres)) * sign > 0).all()


def test_a_butterfly_starts_in_white_matter_beside_the_midline() -> None:
    """That is, in or near the corpus callosum."""
    anatomy, rng = load_anatomy("head_05"), np.random.default_rng(6)
    plan = replace(draw_plan(TRAINING.tumour, rng), butterfly=True)
    coarse = draw_map(anatomy, GRID, TRAINING.deformation, rng)
    for _ in range(6):
        source = coarse.at(draw_centre(anatomy, coarse, TRAINING.tumour, plan, rng)[None])
        assert abs(float(side_of(anatomy, source)[0])) < BUTTERFLY_MM
        assert anatomy.tissues[tuple(np.rint(source[0]).astype(int))] == Tissue.WHITE_MATTER
