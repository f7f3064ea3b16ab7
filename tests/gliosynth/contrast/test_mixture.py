"""Gaussian-mixture contrast and the cases that use it."""

from dataclasses import replace

import numpy as np

from gliosynth.anatomy import Tissue
from gliosynth.contrast.mixture import GREY, PARTS, draw_mixture
from gliosynth.contrast.physics import draw_physics
from gliosynth.contrast.relaxometry import Part
from gliosynth.contrast.settings import TRAINING
from gliosynth.contrast.tables import rate_signals, tissue_signals

WHITE, GREY_MATTER = int(Tissue.WHITE_MATTER), int(Tissue.CORTICAL_GREY)


def test_means_and_spread_are_the_table_s() -> None:
    """Over 600 draws each contrast of grey matter and oedema has its mean and deviation within 10 %."""
    rng = np.random.default_rng(0)
    drawn = [draw_mixture(rng) for _ in range(600)]
    for values, component in (
        (np.array([one.tissues[Tissue.CORTICAL_GREY] for one in drawn]), GREY),
        (np.array([one.parts[Part.ED] for one in drawn]), PARTS[Part.ED]),
    ):
        np.testing.assert_allclose(values.mean(axis=0), component.mean, rtol=0.03)
        np.testing.assert_allclose(values.std(axis=0), component.deviation, rtol=0.12)


def test_enhancing_tumour_is_brighter_than_white_matter_and_than_before() -> None:
    """In every draw T1c is at least .06 above white matter and above T1."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        t1n, t1c, _, _ = draw_mixture(rng).parts[Part.ET]
        assert t1c >= 1.06
        assert t1c >= t1n + 0.06


def test_share_one_replaces_physics_and_share_zero_never() -> None:
    """The table holds the mixture's grey matter; white matter stays the unit."""
    rng = np.random.default_rng(2)
    always, never = (replace(TRAINING.physics, mixture_share=share) for share in (1.0, 0.0))
    physics = draw_physics(always, None, bright_csf=False, rng=rng)
    assert physics.mixture is not None
    table = tissue_signals(physics)
    np.testing.assert_allclose(table[:, GREY_MATTER], physics.mixture.tissues[Tissue.CORTICAL_GREY], rtol=1e-6)
    np.testing.assert_allclose(table[:, WHITE], 1.0, rtol=1e-6)
    assert draw_physics(never, None, bright_csf=False, rng=rng).mixture is None


def test_sulci_mix_signals_between_fluid_and_cortex() -> None:
    """The edge of a sulcus lies on the line from fluid to cortex in every contrast, at the drawn share."""
    rng = np.random.default_rng(3)
    physics = draw_physics(replace(TRAINING.physics, mixture_share=0.0), None, bright_csf=False, rng=rng)
    pure, shown = rate_signals(physics), tissue_signals(physics)
    fluid, grey = pure[:, Tissue.OUTER_CSF], pure[:, GREY_MATTER]
    share = physics.cortex_in[Tissue.SULCUS_EDGE]
    np.testing.assert_allclose(shown[:, Tissue.SULCUS_EDGE], (1 - share) * fluid + share * grey, rtol=1e-5)
    assert physics.cortex_in[Tissue.SULCAL_CSF] < share
