"""Place and shape of nested balls, by hand."""

import numpy as np
import pytest

from gliosynth.cohort.measurement.shape import measure_morphology, measure_shape
from gliosynth.cohort.measurement.tissue import classify_tissue


def test_distances_of_nested_balls(phantom) -> None:
    """ED from 6 to 10 voxels: 95 % of its volume lies below 9.86, so 3.86 voxels or 7.7 mm from the core.

    ET from 4 to 6 voxels: 95 % of it lies beyond 4.15, so 1.85 voxels or 3.7 mm deep. The shell is closed: cover 1.
    """
    found = measure_shape(phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    assert found is not None
    assert found.oedema_reach_mm == pytest.approx(7.7, abs=1.0)
    assert found.enhancing_depth_mm == pytest.approx(3.7, abs=1.0)
    assert found.enhancing_cover == 1.0


def test_place_is_a_share_of_the_brains_box(phantom) -> None:
    """The tumour's middle is 46 of 6 to 58 along X, the middle along Y; a little is cut off by the brain's rim."""
    found = measure_shape(phantom.labels, phantom.brain, spacing_mm=phantom.spacing_mm)
    assert found is not None
    assert found.centroid[0] == pytest.approx((46 - 6) / 52, abs=0.02)
    assert found.centroid[1] == pytest.approx(0.5, abs=0.01)


def test_a_ball_is_a_sphere_and_two_are_not() -> None:
    """Sphericity of a ball is 1; of two equal balls 2 ** (-1/3), since their area doubles with the volume."""
    grid = np.indices((40, 80, 40))

    def ball(y: int) -> np.ndarray:
        return ((grid - np.array([20, y, 20]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0) <= 100

    brain = np.ones((40, 80, 40), np.bool_)
    one = measure_shape(ball(20).astype(np.uint8), brain, spacing_mm=(1.0, 1.0, 1.0))
    two = measure_shape((ball(20) | ball(60)).astype(np.uint8), brain, spacing_mm=(1.0, 1.0, 1.0))
    assert one is not None
    assert two is not None
    assert one.sphericity == pytest.approx(1.0, abs=0.05)
    assert two.sphericity == pytest.approx(one.sphericity * 2 ** (-1 / 3), abs=0.01)
    assert (one.parts, two.parts) == (1, 2)


def test_crumbs_are_no_parts() -> None:
    """A part of 0.099 ml is not counted, one of 0.1 ml is."""
    labels = np.zeros((40, 40, 10), np.uint8)
    labels[:10, :10, :1] = 2
    labels[20:29, 20:31, :1] = 2
    found = measure_shape(labels, np.ones(labels.shape, np.bool_), spacing_mm=(1.0, 1.0, 1.0))
    assert found is not None
    assert found.parts == 1


def test_no_tumour_has_no_shape(healthy_phantom) -> None:
    """Nothing is reported of a tumour that is not there."""
    assert measure_shape(healthy_phantom.labels, healthy_phantom.brain, spacing_mm=(2.0, 2.0, 2.0)) is None


def test_oedema_alone_has_no_core_to_measure_from() -> None:
    """Without a core there is no reach, no depth and no cover."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:15, 5:15, 5:15] = 2
    found = measure_shape(labels, np.ones(labels.shape, np.bool_), spacing_mm=(1.0, 1.0, 1.0))
    assert found is not None
    assert (found.oedema_reach_mm, found.enhancing_depth_mm, found.enhancing_cover) == (None, None, None)


def test_morphology_of_the_phantom(healthy_phantom) -> None:
    """White fills 0.75³ of the ellipsoid less the fluid ball; a symmetric brain is its own mirror image."""
    tissue = classify_tissue(
        healthy_phantom.contrasts[0], healthy_phantom.labels, healthy_phantom.brain, spacing_mm=(2.0, 2.0, 2.0)
    )
    found = measure_morphology(tissue, healthy_phantom.brain, None)
    fluid = 8**3 / (26 * 32 * 25)
    assert found.fluid_share == pytest.approx(fluid, rel=0.1)
    assert found.white_share == pytest.approx(0.75**3 - fluid, rel=0.03)
    assert found.deep_fluid_share == pytest.approx(found.fluid_share)
    assert found.mirror_dice == 1.0
    assert found.ventricle_share is None


def test_a_missing_side_breaks_the_mirror_image(healthy_phantom) -> None:
    """A brain of the half grid's corner is not symmetric."""
    brain = healthy_phantom.brain.copy()
    brain[:32, :38] = False
    tissue = classify_tissue(healthy_phantom.contrasts[0], healthy_phantom.labels, brain, spacing_mm=(2.0, 2.0, 2.0))
    assert measure_morphology(tissue, brain, None).mirror_dice < 0.75
