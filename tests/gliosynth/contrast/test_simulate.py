"""Whole simulated cases on a coarse grid."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gliosynth.anatomy import Tissue, load_anatomy
from gliosynth.contrast.settings import HARD_EDGES, PRESETS, TRAINING, TUMOUR_FREE, SimulatorSettings, preset
from gliosynth.contrast.simulate import SimulatedCase, simulate_case
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Label
from gliosynth.tumour.settings import GridSettings

GRID = GridSettings(shape=(56, 68, 30), spacing_mm=(3.0, 3.0, 5.0))
WITH_TUMOUR = replace(TRAINING, grid=GRID, tumour=replace(TRAINING.tumour, free_share=0.0, small_share=0.0))


def simulate(settings: SimulatorSettings, seed: int) -> SimulatedCase:
    """Returns a case of one head."""
    return simulate_case(load_anatomy("head_05"), settings=settings, rng=np.random.default_rng(seed))


def test_same_seed_same_bytes() -> None:
    """A case depends on its generator alone."""
    first, again, other = (simulate(WITH_TUMOUR, seed) for seed in (1, 1, 2))
    assert first.contrasts.tobytes() == again.contrasts.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.contrasts.tobytes() != other.contrasts.tobytes()


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_gives_a_sound_case(name: str) -> None:
    """Contrasts are finite, float32 and zero outside the brain; tumour lies inside the brain with known labels."""
    case = simulate(replace(preset(name), grid=GRID), 3)
    assert case.contrasts.shape == (4, 56, 68, 30)
    assert case.contrasts.dtype == np.float32
    assert np.isfinite(case.contrasts).all()
    assert not case.contrasts[:, ~case.brain].any()
    assert not case.labels[~case.brain].any()
    assert case.labels.max() <= Label.ET
    assert 900 < case.brain.sum() * 0.045 < 1900
    assert case.parameters.preset == name
    if name == TUMOUR_FREE.name:
        assert not case.labels.any()
        assert case.parameters.plan is None


def test_tissues_have_their_contrast() -> None:
    """Without tumour CSF is dark in T1 and FLAIR, bright in T2; grey matter is darker than white in T1, not in T2."""
    settings = replace(TUMOUR_FREE, grid=GRID, physics=replace(TRAINING.physics, signal_jitter_share=0.0))
    case = simulate(settings, 4)

    def median(contrast: int, tissue: Tissue) -> float:
        return float(np.median(case.contrasts[contrast][(case.tissues == tissue) & case.brain]))

    white, grey, fluid = Tissue.WHITE_MATTER, Tissue.CORTICAL_GREY, Tissue.VENTRICLE
    assert median(0, fluid) < median(0, grey) < median(0, white)
    assert median(2, white) < median(2, grey) < median(2, fluid)
    assert median(3, fluid) < 0.7 * median(3, white)


def test_tumour_has_its_contrast() -> None:
    """Over eight cases: tumour is brighter than white matter in T2 and FLAIR, and enhances in T1c more than in T1."""
    rises = []
    for seed in range(8):
        case = simulate(WITH_TUMOUR, 10 + seed)
        tumour, white = case.labels > 0, (case.labels == 0) & (case.tissues == Tissue.WHITE_MATTER) & case.brain
        ratio = [float(np.median(image[tumour]) / np.median(image[white])) for image in case.contrasts]
        enhancing = case.labels == Label.ET
        gain = np.nan
        if enhancing.sum() > 30:
            gain = float(np.median((case.contrasts[1] / np.median(case.contrasts[1][white]))[enhancing]))
            gain -= float(np.median((case.contrasts[0] / np.median(case.contrasts[0][white]))[enhancing]))
        rises.append((*ratio, gain))
    median = np.nanmedian(np.array(rises), axis=0)
    assert median[2] > 1.2
    assert median[3] > 1.15
    assert median[4] > 0.1


def test_volume_is_the_plan_s_where_there_is_room() -> None:
    """In most of six cases the whole tumour has 75 to 105 % of its planned volume inside the (eroded) brain mask."""
    shares = []
    for seed in range(6):
        case = simulate(replace(WITH_TUMOUR, tumour=replace(WITH_TUMOUR.tumour, volume_median_ml=40.0)), 30 + seed)
        assert case.parameters.plan is not None
        shares.append((case.labels > 0).sum() * 0.045 / case.parameters.plan.volume_ml)
    assert np.median(shares) == pytest.approx(0.95, abs=0.15)


def test_hard_edges_have_no_texture() -> None:
    """The shifted preset multiplies nothing into flat tissue: without noise white matter is constant."""
    none = (0.0, 0.0)
    quiet = replace(HARD_EDGES.acquisition, noise=none, bias=none, thick_share=0.0, psf_mm=none, shift_mm=0.0)
    negatives = replace(HARD_EDGES.negatives, halo_share=0.0, cap_share=0.0, lesion_share=0.0)
    case = simulate(replace(HARD_EDGES, grid=GRID, acquisition=quiet, negatives=negatives), 5)
    white = case.contrasts[3][(case.tissues == Tissue.WHITE_MATTER) & (case.labels == 0) & case.brain]
    assert np.percentile(white, 90) - np.percentile(white, 10) < 1e-3


def test_numpy_and_torch_give_the_same_case() -> None:
    """The same seed in torch differs in at most 2 of 1000 voxels (ties of rounding), and only there."""
    ours = simulate(WITH_TUMOUR, 6)
    theirs = simulate_case(load_anatomy("head_05"), settings=WITH_TUMOUR, rng=np.random.default_rng(6), xp=torch)
    assert isinstance(theirs.contrasts, torch.Tensor)
    assert (ours.labels != theirs.labels.numpy()).mean() < 2e-3
    assert (ours.tissues != theirs.tissues.numpy()).mean() < 2e-3
    close = np.isclose(ours.contrasts, theirs.contrasts.numpy(), rtol=1e-2, atol=1e-2)
    assert close.mean() > 0.995


def test_unknown_preset_is_refused() -> None:
    """A wrong name raises InvalidParameterError that lists the right ones."""
    with pytest.raises(InvalidParameterError, match="hard-edges"):
        preset("soft-edges")
