"""A whole measurement: everything in it, the same every time, through JSON and back."""

import json

import numpy as np
import pytest

from gliosynth.cohort.measurement import CaseMeasurement, measure_case
from gliosynth.cohort.measurement.fingerprint import FINGERPRINT_SHAPE, fingerprint_of
from gliosynth.metrics.fidelity import ENCODER_ID, feature_names


@pytest.fixture(scope="module")
def measured(phantom) -> CaseMeasurement:
    """The phantom, measured."""
    return measure_case(phantom.contrasts, phantom.labels, phantom.brain, None, spacing_mm=phantom.spacing_mm)


def test_a_measurement_survives_json(measured) -> None:
    """What was written is read back, to the last digit that is kept."""
    text = json.dumps(measured.to_dict(), allow_nan=False)
    assert CaseMeasurement.from_dict(json.loads(text)).to_dict() == measured.to_dict()


def test_measuring_twice_gives_the_same_text(phantom, measured) -> None:
    """Nothing is drawn at random."""
    again = measure_case(phantom.contrasts, phantom.labels, phantom.brain, None, spacing_mm=phantom.spacing_mm)
    assert json.dumps(again.to_dict()) == json.dumps(measured.to_dict())


def test_last_bits_are_dropped(measured) -> None:
    """Six significant digits are kept, so that processors that differ in the last bits write one text."""
    volumes = measured.to_dict()["volumes"]
    assert volumes["brain_ml"] == float(f"{measured.volumes.brain_ml:.6g}")


def test_features_have_names_and_an_encoder(measured) -> None:
    """One row for each encoded slice, one column for each name."""
    assert measured.encoder == ENCODER_ID
    assert np.array(measured.features).shape == (8, len(feature_names()))
    assert len(set(feature_names())) == len(feature_names()) == 58


def test_exchanged_contrasts_are_measured_as_such(phantom, measured) -> None:
    """T2 in T1's place makes fluid (2.5) the brightest class, so ED is 1.6 / 2.5 and NCR 2.2 / 2.5 of it."""
    swapped = measure_case(
        phantom.contrasts[[2, 1, 0, 3]], phantom.labels, phantom.brain, None, spacing_mm=phantom.spacing_mm
    )
    assert measured.ratios[0].oedema == pytest.approx(0.85, rel=0.01)
    assert swapped.ratios[0].oedema == pytest.approx(0.64, rel=0.01)
    assert swapped.ratios[0].necrosis == pytest.approx(0.88, rel=0.01)


def test_features_do_not_depend_on_gain(phantom, measured) -> None:
    """Arbitrary units do not count: a contrast times 500 has the same features."""
    louder = measure_case(
        phantom.contrasts * np.float32(500), phantom.labels, phantom.brain, None, spacing_mm=phantom.spacing_mm
    )
    assert np.allclose(louder.features, measured.features, atol=1e-3)


def test_noise_raises_the_finest_band_and_lowers_the_autocorrelation(phantom, measured) -> None:
    """The features that are named after texture follow it."""
    noise = np.float32(0.1) * np.random.default_rng(5).standard_normal(phantom.contrasts.shape).astype(np.float32)
    noisy = measure_case(phantom.contrasts + noise, phantom.labels, phantom.brain, None, spacing_mm=phantom.spacing_mm)
    before, after = (
        dict(zip(feature_names(), np.mean(one.features, axis=0), strict=True)) for one in (measured, noisy)
    )
    assert after["t2f_band_0.7_1.4_mm"] > before["t2f_band_0.7_1.4_mm"] + 0.3
    assert after["t2f_autocorrelation_1_mm"] < before["t2f_autocorrelation_1_mm"] - 0.1


def test_a_fingerprint_is_small_and_blind_to_gain(phantom) -> None:
    """A few thousand bytes; twice as bright is the same print."""
    found = fingerprint_of(phantom.contrasts, phantom.brain)
    assert found.shape == FINGERPRINT_SHAPE
    assert np.array_equal(found, fingerprint_of(2 * phantom.contrasts, phantom.brain))


def test_a_fingerprint_does_not_depend_on_the_border(phantom) -> None:
    """Empty voxels around the brain change nothing."""
    padded = np.pad(phantom.contrasts, ((0, 0), (5, 3), (2, 9), (4, 1)))
    brain = np.pad(phantom.brain, ((5, 3), (2, 9), (4, 1)))
    assert np.array_equal(fingerprint_of(padded, brain), fingerprint_of(phantom.contrasts, phantom.brain))
