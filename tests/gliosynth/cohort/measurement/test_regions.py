"""Volumes, ratios and textures of a phantom, by hand."""

import numpy as np
import pytest

from gliosynth.cohort.measurement.regions import measure_ratios, measure_texture, measure_volumes
from gliosynth.cohort.measurement.tissue import classify_tissue
from gliosynth.errors import InvalidVolumeError
from gliosynth.labels import Contrast, Label


def test_volumes_are_counts_times_the_voxel(phantom) -> None:
    """Voxels of 8 mm³: 0.008 ml each; WT is the sum of its labels, TC leaves ED out."""
    found = measure_volumes(phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    counts = [np.count_nonzero(phantom.labels == label) for label in (1, 2, 3)]
    assert found.ncr_ml == pytest.approx(0.008 * counts[0])
    assert found.tc_ml == pytest.approx(0.008 * (counts[0] + counts[2]))
    assert found.wt_ml == pytest.approx(0.008 * sum(counts))
    assert found.brain_ml == pytest.approx(0.008 * np.count_nonzero(phantom.brain))


def test_ratios_are_the_intensities_that_were_painted(phantom) -> None:
    """White matter was painted 1, so every ratio is the intensity of its part."""
    tissue = classify_tissue(phantom.contrasts[0], phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    found = {one.contrast: one for one in measure_ratios(phantom.contrasts, phantom.labels, tissue)}
    t2w, t1c = found[Contrast.T2W], found[Contrast.T1C]
    assert (t2w.grey, t2w.fluid, t2w.oedema, t2w.necrosis) == pytest.approx((1.2, 2.5, 1.6, 2.2), rel=0.01)
    assert t1c.enhancing == pytest.approx(1.6, rel=0.01)


def test_ratios_do_not_depend_on_the_scanners_gain(phantom) -> None:
    """All intensities times 700 are the same ratios."""
    tissue = classify_tissue(phantom.contrasts[0], phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    once = measure_ratios(phantom.contrasts, phantom.labels, tissue)
    louder = measure_ratios(phantom.contrasts * np.float32(700), phantom.labels, tissue)
    for first, second in zip(once, louder, strict=True):
        assert first.oedema == pytest.approx(second.oedema, rel=1e-5)


def test_a_part_that_is_missing_has_no_ratio(healthy_phantom) -> None:
    """Without a tumour there is no ratio of its parts, and no texture."""
    tissue = classify_tissue(
        healthy_phantom.contrasts[0],
        healthy_phantom.labels,
        healthy_phantom.brain,
        spacing_mm=healthy_phantom.spacing_mm,
    )
    for one in measure_ratios(healthy_phantom.contrasts, healthy_phantom.labels, tissue):
        assert (one.oedema, one.necrosis, one.enhancing) == (None, None, None)
        assert one.grey is not None
    for texture in measure_texture(healthy_phantom.contrasts, healthy_phantom.labels, spacing_mm=(2.0, 2.0, 2.0)):
        assert texture.variation is None
        assert set(texture.autocorrelation) == {None}


def test_z_scores_are_refused(phantom) -> None:
    """Intensities around 0 have no origin, so a ratio of them would be meaningless."""
    scores = phantom.contrasts - np.float32(3.0)
    tissue = classify_tissue(scores[0], phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    with pytest.raises(InvalidVolumeError) as caught:
        measure_ratios(scores, phantom.labels, tissue)
    assert caught.value.reason == "NO_INTENSITY_ORIGIN"


def _texture(field: np.ndarray, label: int = 2) -> tuple[float | None, tuple[float | None, ...]]:
    labels = np.full(field.shape, label, np.uint8)
    found = measure_texture(np.stack([field] * 4).astype(np.float32), labels, spacing_mm=(1.0, 1.0, 1.0))
    one = next(item for item in found if item.contrast == Contrast.T2F and item.label == Label.ED)
    return one.variation, one.autocorrelation


def test_white_noise_has_no_memory() -> None:
    """Independent voxels of sd 0.1 around 1: variation 0.1, correlation about 0 at every distance."""
    variation, lags = _texture(1 + 0.1 * np.random.default_rng(2).standard_normal((30, 30, 30)))
    assert variation == pytest.approx(0.1, abs=0.005)
    assert np.abs(np.array(lags, float)).max() < 0.03


def test_a_ramp_remembers_everything() -> None:
    """A plane slope correlates perfectly with itself at every distance."""
    _, lags = _texture(np.indices((20, 20, 20)).sum(axis=0) + 1.0)
    assert lags == pytest.approx((1.0, 1.0, 1.0, 1.0))


def test_distances_are_counted_in_millimetres() -> None:
    """Blocks of two voxels: at 1 mm spacing neighbours share a block half of the time, at 2 mm they never do."""
    white = np.random.default_rng(3).standard_normal((24, 24, 24))
    field = np.repeat(np.repeat(white, 2, axis=0), 2, axis=1) + 10
    _, lags = _texture(field)
    assert lags[0] == pytest.approx(0.5, abs=0.05)
    assert lags[1] == pytest.approx(0.0, abs=0.05)
