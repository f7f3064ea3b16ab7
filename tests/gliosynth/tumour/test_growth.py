"""Growth by reaction and diffusion on a coarse grid."""

from dataclasses import replace

import numpy as np
import pytest

from gliosynth.tumour.growth import (
    PRESENT,
    SAFETY,
    CellKinetics,
    Field,
    Host,
    add_diffusion,
    face_weights,
    solve,
    time_step,
)

KINETICS = CellKinetics(
    diffusion=2.0,
    proliferation=0.4,
    tract_gain=0.0,
    necrosis_rate=0.4,
    necrosis_threshold=0.5,
    nutrient_diffusion=0.4,
    nutrient_uptake=0.3,
    heterogeneity=0.0,
)


def host(mobility: Field) -> Host:
    """Returns tissue of even vigour on a 2 mm grid."""
    return Host(mobility, np.ones_like(mobility), 2.0)


def even(size: int = 31) -> Field:
    """Returns a cube in which cells move everywhere as in white matter."""
    return np.ones((size, size, size), dtype=np.float32)


def test_face_weights_are_harmonic_means() -> None:
    """Between mobility 1 and .25 it is 2/5, beside a barrier 0."""
    x, y, z = face_weights(np.array([[[1.0, 0.25, 0.0]]], dtype=np.float32))
    np.testing.assert_allclose(z, [[[0.4, 0.0]]], rtol=1e-6)
    assert x.shape == (0, 1, 3)
    assert y.shape == (1, 0, 3)


def test_diffusion_moves_what_the_stencil_says_and_loses_nothing() -> None:
    """One unit in the middle gives a tenth to each of its six neighbours and keeps four tenths."""
    field = np.zeros((3, 3, 3), dtype=np.float32)
    field[1, 1, 1] = 1.0
    weights = face_weights(np.full((3, 3, 3), 0.1, dtype=np.float32))
    after = field.copy()
    add_diffusion(after, field, weights)
    assert after[1, 1, 1] == pytest.approx(0.4)
    assert after[0, 1, 1] == after[1, 2, 1] == after[1, 1, 0] == pytest.approx(0.1)
    assert after.sum() == pytest.approx(1.0)


def test_time_step_is_the_smaller_of_diffusion_and_reaction() -> None:
    """With D 2 mm² and 2 mm voxels it is .8 * 4 / 12; with a D of .01 it is .8 / rho."""
    assert time_step(KINETICS, host(even(3))) == pytest.approx(SAFETY * 4.0 / 12.0)
    slow = replace(KINETICS, diffusion=0.01, nutrient_diffusion=0.01)
    assert time_step(slow, host(even(3))) == pytest.approx(SAFETY / 0.4)


def test_growth_stops_at_its_volume_and_is_round_in_even_tissue() -> None:
    """More volume takes more steps; the tumour reaches as far along each axis."""
    fields = solve(host(even()), KINETICS, seed=(15, 15, 15), volume_ml=20.0)
    np.testing.assert_allclose(fields.exposure, fields.exposure[::-1], atol=1e-4)
    np.testing.assert_allclose(fields.exposure, fields.exposure.transpose(2, 0, 1), atol=1e-4)
    before = solve(host(even()), KINETICS, seed=(15, 15, 15), volume_ml=5.0)
    assert before.steps < fields.steps


@pytest.mark.parametrize("seed", range(6))
def test_densities_stay_between_0_and_1_for_any_constants(seed: int) -> None:
    """Extreme constants on tissue with barriers neither diverge nor turn negative."""
    rng = np.random.default_rng(seed)
    mobility = np.where(rng.random((15, 15, 15)) < 0.7, rng.uniform(0.1, 9.0, (15, 15, 15)), 0.0).astype(np.float32)
    mobility[7, 7, 7] = 1.0
    wild = CellKinetics(*(float(value) for value in rng.uniform(0.05, 4.0, 8)))
    fields = solve(host(mobility), wild, seed=(7, 7, 7), volume_ml=20.0)
    assert np.isfinite(fields.exposure).all()
    assert fields.exposure.min() >= 0.0
    assert fields.necrotic.min() >= 0.0
    assert fields.necrotic.max() <= 1.05


def test_nothing_crosses_a_barrier() -> None:
    """A wall of immobile voxels keeps one side free of cells, however long growth lasts."""
    mobility = even()
    mobility[20] = 0.0
    fields = solve(host(mobility), KINETICS, seed=(15, 15, 15), volume_ml=1000.0)
    assert not fields.exposure[20:].any()
    assert fields.exposure[0].any()


def test_cells_run_along_tracts_and_hardly_enter_grey_matter() -> None:
    """From the seed the tract is reached first, white matter second, grey matter last at the same distance."""
    mobility = even()
    mobility[:, 14:17, 14:17] = 6.0
    mobility[:, :, 20:] = 0.1
    fields = solve(host(mobility), KINETICS, seed=(15, 15, 15), volume_ml=15.0)
    tract, white, grey = (fields.exposure[index] for index in ((23, 15, 15), (15, 7, 15), (15, 15, 23)))
    assert tract > 1.5 * white > 3.0 * grey


def test_necrosis_begins_in_the_starved_middle() -> None:
    """Cells die where the nutrient was eaten longest: at the seed, not at the front."""
    fields = solve(host(even()), KINETICS, seed=(15, 15, 15), volume_ml=30.0)
    front = np.flatnonzero(fields.exposure[15, 15] > 0.2)[-1]
    assert fields.necrotic[15, 15, 15] > 0.2
    assert fields.necrotic[15, 15, front] < 0.05
    fed = replace(KINETICS, nutrient_uptake=0.0)
    assert solve(host(even()), fed, seed=(15, 15, 15), volume_ml=30.0).necrotic.max() == 0.0


def test_the_necrotic_volume_needs_cells() -> None:
    """Nothing is necrotic that was never reached."""
    fields = solve(host(even()), KINETICS, seed=(15, 15, 15), volume_ml=30.0)
    assert not fields.necrotic[fields.exposure == 0.0].any()
    assert (fields.exposure > PRESENT).sum() * 0.008 > 20.0
