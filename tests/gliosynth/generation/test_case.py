"""A painted case: the tumour where it was told, on the base images' own scale, and how it came about."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from gliosynth.brain_map import TUMOUR_CHANNELS, BrainChannel, Vacated
from gliosynth.cohort.plain import to_plain
from gliosynth.contrast.simulate import SimulatedCase
from gliosynth.generation import GeneratedParameters, Manipulation, MovedTumour, generate_case, move_tumour
from gliosynth.labels import CONTRASTS, Label
from gliosynth.preprocessing.intensity import UNIT_PERCENTILES

if TYPE_CHECKING:
    from conftest import LookUp


@pytest.fixture(scope="module")
def moved(base: SimulatedCase) -> MovedTumour:
    found = move_tumour(base, Manipulation(), np.random.default_rng(7))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def painted(base: SimulatedCase, moved: MovedTumour, look_up: "LookUp") -> SimulatedCase:
    return generate_case(base, moved, [look_up()])


def test_each_label_is_painted_where_the_moved_map_says(
    base: SimulatedCase, moved: MovedTumour, painted: SimulatedCase, levels: NDArray[np.float32]
) -> None:
    """In T1 a voxel of a label is low + level (high - low), with the percentiles of the base image; labels go along."""
    low, high = np.percentile(base.contrasts[0][base.brain], UNIT_PERCENTILES)
    assert np.array_equal(painted.labels, moved.labels)
    for label in Label:
        if label is not Label.BACKGROUND:
            values = painted.contrasts[0][moved.labels == label]
            np.testing.assert_allclose(values, low + levels[TUMOUR_CHANNELS[label]] * (high - low), rtol=1e-5)


@pytest.mark.parametrize("vacated", Vacated)
def test_what_the_tumour_left_is_painted_as_tissue(
    base: SimulatedCase, moved: MovedTumour, look_up: "LookUp", levels: NDArray[np.float32], vacated: Vacated
) -> None:
    """Every voxel that it left has a band's level: several where the other side is taken, else the third one's."""
    low, high = np.percentile(base.contrasts[0][base.brain], UNIT_PERCENTILES)
    painted = generate_case(base, moved, [look_up()], vacated=vacated)
    left = (base.labels > 0) & (moved.labels == 0)
    bands = {np.float32(round(float(level), 3)) for level in levels[BrainChannel.BAND_1 : BrainChannel.BACKGROUND]}
    found = {np.float32(round(float(unit), 3)) for unit in (painted.contrasts[0][left] - low) / (high - low)}
    assert found <= bands
    third = {np.float32(round(float(levels[BrainChannel.BAND_3]), 3))}
    assert (found == third) is (vacated is Vacated.BAND)
    assert isinstance(painted.parameters, GeneratedParameters)
    assert painted.parameters.generation.vacated is vacated


def test_the_head_is_the_base_cases(base: SimulatedCase, painted: SimulatedCase) -> None:
    """Brain mask, tissues and grid; 0 outside the brain, and no intensity beyond the scale inside."""
    assert np.array_equal(painted.brain, base.brain)
    assert np.array_equal(painted.tissues, base.tissues)
    assert painted.spacing_mm == base.spacing_mm
    assert not painted.contrasts[:, ~base.brain].any()
    for image, original in zip(painted.contrasts, base.contrasts, strict=True):
        low, high = np.percentile(original[base.brain], UNIT_PERCENTILES)
        inside = image[base.brain]
        assert low - 1e-4 <= inside.min() <= inside.max() <= high + 1e-4


def test_a_tumour_that_stays_leaves_nothing_behind(base: SimulatedCase, look_up: "LookUp") -> None:
    """Unmoved, the network sees the tumour where it grew and every other band untouched."""
    seen: list[NDArray[np.uint8]] = []
    kept = move_tumour(base, Manipulation(share=0.0), np.random.default_rng(0))
    assert kept is not None
    generate_case(base, kept, [look_up(seen=seen)])
    shown = np.concatenate(seen)[:, 0]
    counts = np.bincount(shown.ravel(), minlength=8)
    for label, channel in TUMOUR_CHANNELS.items():
        assert counts[channel] == np.count_nonzero(base.labels == label)


def test_a_case_without_tumour_is_painted_too(free: SimulatedCase, look_up: "LookUp") -> None:
    """All of it from bands."""
    kept = move_tumour(free, Manipulation(), np.random.default_rng(0))
    assert kept is not None
    painted = generate_case(free, kept, [look_up()])
    assert not painted.labels.any()
    assert all(np.unique(image[free.brain]).size > 2 for image in painted.contrasts)


def test_the_parameters_say_how_it_came_about(
    base: SimulatedCase, moved: MovedTumour, painted: SimulatedCase, look_up: "LookUp"
) -> None:
    """All of the base case's, and beside them the networks, the edits and the scale, as JSON."""
    parameters = painted.parameters
    assert isinstance(parameters, GeneratedParameters)
    plain = to_plain(parameters)
    expected = to_plain(base.parameters)
    assert isinstance(plain, dict)
    generation = plain.pop("generation")
    assert plain == expected
    assert isinstance(generation, dict)
    assert generation["edits"] == to_plain(moved.edits)
    assert generation["networks"] == [to_plain(look_up().identity)]
    assert generation["painters"] == [0, 0, 0, 0]


def test_each_contrast_names_its_painter(base: SimulatedCase, moved: MovedTumour, look_up: "LookUp") -> None:
    """Four networks given from the last to the first."""
    networks = [look_up((contrast,)) for contrast in CONTRASTS[::-1]]
    parameters = generate_case(base, moved, networks).parameters
    assert isinstance(parameters, GeneratedParameters)
    names = [parameters.generation.painter_of(channel).name for channel in range(4)]
    assert names == [f"look_up_{contrast}" for contrast in CONTRASTS]
