"""Cohorts drawn from the reference: real measurements, varied, so that no case repeats another."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from gliosynth.cohort.judgement import ReleaseThresholds, load_donors, load_reference
from gliosynth.cohort.measurement import CaseMeasurement
from gliosynth.cohort.measurement.fingerprint import FINGERPRINT_SHAPE
from gliosynth.cohort.measurement.geometry import FRAME_SHAPE, pack

Draw = Callable[..., list[CaseMeasurement]]
"""Returns a number of measurements drawn from the reference."""


def _bent(donor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A donor's map with a tenth of its length of smooth displacement."""
    places = np.indices(FRAME_SHAPE).astype(np.float64)
    places += [ndimage.gaussian_filter(rng.normal(size=FRAME_SHAPE), 2.0) * 8.0 for _ in range(3)]
    return ndimage.map_coordinates(donor, places, order=0, mode="nearest")


def _varied(case: CaseMeasurement, features: np.ndarray, rng: np.random.Generator, geometry: str) -> CaseMeasurement:
    """A real measurement with other volumes, ratios, images and features, within what real cases vary by."""
    ratios = tuple(
        dataclasses.replace(
            one,
            **{
                part: None if value is None else value * float(rng.uniform(0.97, 1.03))
                for part in ("grey", "fluid", "oedema", "necrosis", "enhancing")
                for value in (getattr(one, part),)
            },
        )
        for one in case.ratios
    )
    grow = float(rng.lognormal(0.0, 0.3))
    volumes = dataclasses.replace(
        case.volumes,
        **{name: getattr(case.volumes, name) * grow for name in ("wt_ml", "tc_ml", "et_ml", "ed_ml", "ncr_ml")},
    )
    smooth = ndimage.gaussian_filter(rng.normal(size=FINGERPRINT_SHAPE), (0, 1.5, 1.5, 1.5)) * 600
    print_ = np.clip(128 + smooth, 1, 255).astype(np.uint8)
    return dataclasses.replace(
        case,
        ratios=ratios,
        volumes=volumes,
        features=tuple(tuple(float(value) for value in row) for row in features),
        fingerprint=pack(print_),
        geometry=geometry,
    )


def _draw(count: int, seed: int = 1) -> list[CaseMeasurement]:
    rng = np.random.default_rng(seed)
    real = [case.measurement for case in load_reference()]
    spread = np.concatenate([case.features for case in real]).std(axis=0)
    donors = load_donors()
    drawn = []
    for index in range(count):
        case = real[index % len(real)]
        features = np.array(case.features) + 0.15 * spread * rng.normal(size=np.shape(case.features))
        geometry = pack(_bent(donors.maps[index % len(donors.names)], rng).astype(np.uint8))
        drawn.append(_varied(case, features, rng, geometry))
    return drawn


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws cohorts from the reference."""
    return _draw


@pytest.fixture(scope="session")
def cohort() -> list[CaseMeasurement]:
    """Fourteen cases drawn from the reference: each real case twice, varied."""
    return _draw(14)


@pytest.fixture(scope="session")
def thresholds() -> ReleaseThresholds:
    """The defaults."""
    return ReleaseThresholds()
