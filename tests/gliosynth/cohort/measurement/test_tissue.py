"""Three classes of the T1 without a tissue map."""

import numpy as np
import pytest

from gliosynth.cohort.measurement.tissue import classify_tissue
from gliosynth.errors import InvalidVolumeError


def test_classes_are_those_that_were_painted(healthy_phantom) -> None:
    """Every voxel of the healthy phantom gets the class of its intensity, and all classes together are the brain."""
    found = classify_tissue(
        healthy_phantom.contrasts[0],
        healthy_phantom.labels,
        healthy_phantom.brain,
        spacing_mm=healthy_phantom.spacing_mm,
    )
    t1n = healthy_phantom.contrasts[0]
    assert np.array_equal(found.white, (t1n > 0.9) & healthy_phantom.brain)
    assert np.array_equal(found.grey, (t1n > 0.6) & (t1n <= 0.9) & healthy_phantom.brain)
    assert np.array_equal(found.fluid, (t1n <= 0.6) & healthy_phantom.brain)


def test_the_tumour_and_its_margin_are_no_tissue(phantom) -> None:
    """Tumour and three voxels around it belong to no class."""
    found = classify_tissue(phantom.contrasts[0], phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    healthy = found.white | found.grey | found.fluid
    assert not (healthy & (phantom.labels > 0)).any()
    x = int(np.flatnonzero((phantom.labels > 0).any(axis=(1, 2)))[0])
    assert not healthy[x - 3, 38, 32]
    assert healthy[x - 4, 38, 32]


def test_depth_is_measured_from_outside(healthy_phantom) -> None:
    """The middle of the phantom lies about 25 voxels of 2 mm below its surface."""
    found = classify_tissue(
        healthy_phantom.contrasts[0],
        healthy_phantom.labels,
        healthy_phantom.brain,
        spacing_mm=healthy_phantom.spacing_mm,
    )
    assert found.depth_mm[32, 38, 30] == pytest.approx(50.0, abs=4.0)
    assert found.depth_mm[0, 0, 0] == 0.0


def test_a_brain_that_is_all_tumour_is_refused(phantom) -> None:
    """Without a healthy voxel there is nothing to compare with."""
    with pytest.raises(InvalidVolumeError) as caught:
        classify_tissue(phantom.contrasts[0], phantom.labels, phantom.labels > 0, spacing_mm=phantom.spacing_mm)
    assert caught.value.reason == "EMPTY_BRAIN_MASK"


def test_a_constant_t1_is_refused(phantom) -> None:
    """One intensity has no classes."""
    with pytest.raises(InvalidVolumeError) as caught:
        classify_tissue(
            np.ones_like(phantom.contrasts[0]), phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm
        )
    assert caught.value.reason == "CONSTANT_IMAGE"
