"""Healthy tissue: soft borders, varying cortex, tracts."""

import numpy as np
import pytest

from gliosynth.anatomy import Tissue
from gliosynth.contrast.parenchyma import TissueLook, draw_tissue_look, tract_field, vary_parenchyma
from gliosynth.contrast.settings import PhysicsSettings

SPACING_MM = (1.0, 1.0, 1.0)
SHAPE = (24, 24, 24)
NOTHING = (0.0, 0.0, 0.0, 0.0)


def tissue_means() -> np.ndarray:
    """White matter 1, cortex .8, fluid .3 in all contrasts."""
    means = np.ones((4, max(Tissue) + 1), dtype=np.float32)
    means[:, Tissue.CORTICAL_GREY] = 0.8
    means[:, [Tissue.VENTRICLE, Tissue.SULCAL_CSF]] = 0.3
    return means


def slab() -> np.ndarray:
    """White matter below x = 8, cortex up to 16, fluid above."""
    tissues = np.full(SHAPE, Tissue.WHITE_MATTER, dtype=np.uint8)
    tissues[8:16] = Tissue.CORTICAL_GREY
    tissues[16:] = Tissue.SULCAL_CSF
    return tissues


def varied(look: TissueLook, seed: int = 0) -> np.ndarray:
    """Returns the first contrast of the slab."""
    tissues, means = slab(), tissue_means()
    signals = [row[tissues] for row in means]
    return vary_parenchyma(signals, tissues, means, look, spacing_mm=SPACING_MM, rng=np.random.default_rng(seed))[0]


def test_without_texture_nothing_changes() -> None:
    """Texture 0 draws a look that gives back the very images."""
    look = draw_tissue_look(PhysicsSettings(texture=0.0), np.random.default_rng(0))
    tissues, means = slab(), tissue_means()
    signals = [row[tissues] for row in means]
    assert (
        vary_parenchyma(signals, tissues, means, look, spacing_mm=SPACING_MM, rng=np.random.default_rng(0)) is signals
    )


def test_the_grey_white_border_is_a_normal_distribution_function() -> None:
    """Sigma 1 mm: half-way at the border, 69 and 93 % of the contrast half a mm and 1.5 mm inside the cortex."""
    line = varied(TissueLook(1.0, 0.0, 0.0, 0.0, NOTHING))[:, 12, 12]
    greyness = (1.0 - line) / 0.2
    assert 0.5 * (greyness[7] + greyness[8]) == pytest.approx(0.5, abs=0.01)
    assert greyness[8] == pytest.approx(0.691, abs=0.02)
    assert greyness[9] == pytest.approx(0.933, abs=0.02)
    assert greyness[0] == pytest.approx(0.0, abs=1e-3)
    assert greyness[12] == pytest.approx(1.0, abs=1e-3)


def test_fluid_keeps_its_signal_and_border() -> None:
    """Nothing is smeared into or out of CSF."""
    image = varied(TissueLook(1.5, 0.2, 0.3, 0.2, (0.1, 0.1, 0.1, 0.1)))
    np.testing.assert_array_equal(image[16:], np.float32(0.3))
    assert image[15].mean() > 0.7


def test_fading_makes_cortex_paler() -> None:
    """A quarter of the contrast of .2 is .05."""
    line = varied(TissueLook(0.6, 0.25, 0.0, 0.0, NOTHING))[:, 12, 12]
    assert line[12] == pytest.approx(0.85, abs=1e-3)


def test_tracts_vary_white_matter_by_their_share_of_the_contrast() -> None:
    """A deviation of .2 in greyness is .04 in signal."""
    look = TissueLook(0.6, 0.0, 0.0, 0.2, NOTHING)
    deviations = [varied(look, seed)[:5].std() for seed in range(6)]
    assert 0.015 < np.mean(deviations) < 0.045


def test_tract_field_is_long_in_two_directions() -> None:
    """Correlated more along y and z than along x; variance near 1."""
    like = np.zeros((48, 48, 48), dtype=np.uint8)
    fields = [tract_field(like, spacing_mm=SPACING_MM, rng=np.random.default_rng(seed)) for seed in range(4)]

    def correlation(axis: int) -> float:
        near, far = range(42), range(6, 48)
        pairs = [(np.take(f, near, axis).ravel(), np.take(f, far, axis).ravel()) for f in fields]
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))

    assert correlation(1) > correlation(0) + 0.1
    assert correlation(2) > correlation(0) + 0.1
    assert np.mean([field.var() for field in fields]) == pytest.approx(1.0, abs=0.35)
