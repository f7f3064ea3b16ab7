"""Priors and the physics drawn from them."""

import numpy as np
import pytest

from gliosynth.anatomy import Tissue
from gliosynth.contrast.physics import draw_physics, draw_tissues, flatten, mixture
from gliosynth.contrast.relaxometry import (
    FAT,
    MUSCLE,
    PART_PRIORS,
    TISSUE_PRIORS,
    Part,
    Relaxation,
    draw_relaxation,
    middle_relaxation,
)
from gliosynth.contrast.sequences import shortened_rates, signal
from gliosynth.contrast.settings import OTHER_PHYSICS, TRAINING, PhysicsSettings
from gliosynth.contrast.tables import tissue_signals, white_signals

PUBLISHED_RATIOS = {
    (Part.ED, 0): (0.49, 1.01),
    (Part.NET, 0): (0.36, 0.93),
    (Part.ET, 1): (1.09, 2.76),
    (Part.ED, 2): (1.32, 2.25),
    (Part.NCR, 2): (1.91, 3.59),
    (Part.ED, 3): (1.05, 2.16),
}
"""5 and 95 % of signal ratios to white matter by part and contrast (METHODS.md C.3, last lines)."""


def part_ratio(part: Part, contrast: int, rng: np.random.Generator) -> float:
    """Returns the signal of a tumour part relative to white matter, for one draw of the physics."""
    physics = draw_physics(TRAINING.physics, None, bright_csf=False, rng=rng)
    constants = physics.parts[part]
    r1, r2 = np.array([1 / constants.t1_ms]), np.array([1 / constants.t2_ms])
    if contrast == 1:
        agent = physics.part_agent[part]
        r1, r2 = shortened_rates(r1, r2, agent, r1_agent=physics.r1_agent, r2_agent=physics.r2_agent)
    value = signal(physics.protocols[contrast], constants.density, r1, r2)
    return float(value[0]) / white_signals(physics)[contrast]


@pytest.mark.parametrize(("part", "contrast"), list(PUBLISHED_RATIOS))
def test_drawn_ratios_centre_inside_the_published_range(part: Part, contrast: int) -> None:
    """The median of each part's ratio to white matter lies within the published 5 to 95 %."""
    rng = np.random.default_rng(0)
    median = np.median([part_ratio(part, contrast, rng) for _ in range(150)])
    low, high = PUBLISHED_RATIOS[part, contrast]
    assert low < median < high


def test_fluid_is_dark_in_flair_and_bright_in_t2() -> None:
    """CSF stays below .4 of white matter in FLAIR and .6 in T1; T2 shows it 2 to 5.5 times as bright."""
    rng = np.random.default_rng(1)
    ratios = np.array(
        [
            tissue_signals(
                draw_physics(
                    PhysicsSettings(signal_jitter_share=0.0, mixture_share=0.0), None, bright_csf=False, rng=rng
                )
            )
            for _ in range(150)
        ]
    )[:, :, Tissue.VENTRICLE]
    assert np.percentile(ratios[:, 3], 95) < 0.4
    assert np.percentile(ratios[:, 0], 95) < 0.6
    assert 2.0 < np.percentile(ratios[:, 2], 5) < np.percentile(ratios[:, 2], 95) < 5.5


@pytest.mark.parametrize("field_tesla", [1.5, 3.0])
def test_draws_stay_in_their_ranges(field_tesla: float) -> None:
    """Every prior is ordered, and a draw lies between its ends; T1 rises with the field."""
    rng = np.random.default_rng(2)
    for prior in (*TISSUE_PRIORS.values(), *PART_PRIORS.values()):
        drawn = draw_relaxation(prior, field_tesla=field_tesla, rng=rng)
        low, high = prior.t1_high_field if field_tesla == 3.0 else prior.t1_low_field
        assert low <= drawn.t1_ms <= high
        assert prior.t2[0] <= drawn.t2_ms <= prior.t2[1]
        assert prior.density[0] <= drawn.density <= prior.density[1] <= 1.0
        assert sum(prior.t1_high_field) >= sum(prior.t1_low_field)


def test_soft_tissue_spans_fat_and_muscle() -> None:
    """The maps do not tell them apart: T1 from fat's to nearly muscle's, T2 of both."""
    soft = TISSUE_PRIORS[Tissue.SOFT_TISSUE]
    for pure in (FAT, MUSCLE):
        middle = middle_relaxation(pure, field_tesla=1.5)
        assert soft.t1_low_field[0] <= middle.t1_ms <= soft.t1_low_field[1]
        assert soft.t2[0] <= middle.t2_ms <= soft.t2[1]


@pytest.mark.parametrize("tissue", list(Tissue)[1:])
def test_every_tissue_has_a_prior_at_both_fields(tissue: Tissue) -> None:
    """All tissues but air; T1 and T2 of each are physical: T2 below T1."""
    prior = TISSUE_PRIORS[tissue]
    assert 0 < prior.t2[0] <= prior.t2[1] < prior.t1_low_field[1]
    assert prior.t1_low_field[0] <= prior.t1_high_field[0]


def test_middle_of_a_prior() -> None:
    """White matter at 3 T: density .705, T1 865 ms, T2 75 ms."""
    middle = middle_relaxation(TISSUE_PRIORS[Tissue.WHITE_MATTER], field_tesla=3.0)
    assert (middle.density, middle.t1_ms, middle.t2_ms) == pytest.approx((0.705, 865.0, 75.0))


def test_mixture_averages_rates() -> None:
    """Half of T1 1000 and half of 500 ms is 666.7 ms, not 750."""
    mixed = mixture(Relaxation(0.8, 1000, 100), Relaxation(0.6, 500, 50), 0.5)
    assert (mixed.density, mixed.t1_ms, mixed.t2_ms) == pytest.approx((0.7, 666.667, 66.667), rel=1e-4)


def test_flattening_moves_grey_matter_but_not_fluid_nor_tumour_t2() -> None:
    """Full flatness turns a part's T1 into white matter's and leaves its T2 and all CSF."""
    rng = np.random.default_rng(3)
    tissues = draw_tissues(PhysicsSettings(), 3.0, rng)
    parts = {Part.ED: Relaxation(0.85, 1400, 120)}
    flat_tissues, flat_parts = flatten(tissues, parts, 1.0)
    white = tissues[Tissue.WHITE_MATTER]
    assert flat_parts[Part.ED].t1_ms == pytest.approx(white.t1_ms)
    assert flat_parts[Part.ED].t2_ms == 120
    assert flat_tissues[Tissue.VENTRICLE] == tissues[Tissue.VENTRICLE]
    grey, before = flat_tissues[Tissue.CORTICAL_GREY].t1_ms, tissues[Tissue.CORTICAL_GREY].t1_ms
    assert white.t1_ms < grey < before


def test_white_matter_is_the_unit_of_all_signals() -> None:
    """Without jitter the table of signals is 1 for white matter and 0 for air in every contrast."""
    physics = draw_physics(
        PhysicsSettings(signal_jitter_share=0.0, mixture_share=0.0),
        None,
        bright_csf=False,
        rng=np.random.default_rng(4),
    )
    signals = tissue_signals(physics)
    np.testing.assert_allclose(signals[:, Tissue.WHITE_MATTER], 1.0, rtol=1e-6)
    np.testing.assert_array_equal(signals[:, Tissue.BACKGROUND], 0.0)


def test_textbook_physics_has_no_spread() -> None:
    """The shifted preset draws the same tissue constants each time at one field strength."""
    rng = np.random.default_rng(5)
    first, second = (draw_tissues(OTHER_PHYSICS.physics, 3.0, rng) for _ in range(2))
    assert first[Tissue.WHITE_MATTER] == second[Tissue.WHITE_MATTER]
    assert first[Tissue.PUTAMEN] == second[Tissue.PUTAMEN]


def test_bright_csf_raises_flair_only() -> None:
    """Badly suppressed CSF is brighter in FLAIR, and T1 and T2 do not change."""
    dark, bright = (
        tissue_signals(draw_physics(PhysicsSettings(), None, bright_csf=flag, rng=np.random.default_rng(6)))
        for flag in (False, True)
    )
    assert bright[3, Tissue.SULCAL_CSF] > dark[3, Tissue.SULCAL_CSF] + 0.09
    np.testing.assert_array_equal(bright[[0, 2]], dark[[0, 2]])
