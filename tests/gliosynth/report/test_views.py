"""Slices lie as a radiologist expects, whatever the order of the axes in the file."""

import itertools

import numpy as np
import pytest

from gliosynth.labels import Contrast
from gliosynth.report.views import (
    EDGE_LETTERS,
    Plane,
    Scene,
    SliceChoice,
    build_scene,
    choose_slices,
    cut,
    pixel_mm,
)
from gliosynth.volume import Volume

SHAPE = (6, 8, 10)
CENTRE = np.array([3.0, 4.0, 5.0])
SIGNS = list(itertools.product((1, -1), repeat=3))


def scene_with_marker(direction: str, *, signs: tuple[int, int, int] = (1, 1, 1)) -> Scene:
    """A head of ones with one bright voxel two voxels towards a direction, in a file whose axes point as told."""
    step = {"R": (2, 0, 0), "L": (-2, 0, 0), "A": (0, 2, 0), "P": (0, -2, 0), "S": (0, 0, 2), "I": (0, 0, -2)}
    data = np.ones(SHAPE, np.float32)
    x, y, z = (CENTRE + step[direction]).astype(int)
    data[x, y, z] = 9
    flipped = data[:: signs[0], :: signs[1], :: signs[2]]
    affine = np.diag([*signs, 1]).astype(float)
    affine[:3, 3] = [0 if sign > 0 else size - 1 for sign, size in zip(signs, SHAPE, strict=True)]
    images = {contrast: Volume(flipped, affine) for contrast in Contrast}
    return build_scene(images, Volume(np.zeros(SHAPE, np.uint8), affine))


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("plane", Plane)
def test_the_letters_are_where_the_patient_is(plane: Plane, signs: tuple[int, int, int]) -> None:
    """A marker to the patient's right is nearer the edge lettered R, and so on, in every order of axes."""
    middle = {Plane.AXIAL: 5, Plane.CORONAL: 4, Plane.SAGITTAL: 3}[plane]
    for edge, letter in zip(("left", "right", "top", "bottom"), EDGE_LETTERS[plane], strict=True):
        scene = scene_with_marker(letter, signs=signs)
        pixels = cut(scene.images[Contrast.T1C], scene, SliceChoice(plane, middle))
        row, column = np.unravel_index(int(pixels.argmax()), pixels.shape)
        distances = {
            "left": column,
            "right": pixels.shape[1] - 1 - column,
            "top": row,
            "bottom": pixels.shape[0] - 1 - row,
        }
        opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[edge]
        assert pixels.max() == 9
        assert distances[edge] < distances[opposite]


def test_the_slice_with_most_tumour_is_chosen() -> None:
    """Areas of the regions are added, so a core outweighs a little more oedema."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:5, 1, 2:7] = 2  # in each slice four voxels of oedema: area 4
    labels[1:3, 1, 7] = 3  # in one slice two of enhancing tumour: 2 WT + 2 TC + 2 ET = 6
    images = {contrast: Volume(np.ones(SHAPE, np.float32), np.eye(4)) for contrast in Contrast}
    axial, coronal, sagittal = choose_slices(build_scene(images, Volume(labels, np.eye(4))))
    assert axial == SliceChoice(Plane.AXIAL, 7)
    assert coronal == SliceChoice(Plane.CORONAL, 1)
    assert sagittal == SliceChoice(Plane.SAGITTAL, 1)


def test_a_part_elsewhere_does_not_decide_what_is_shown() -> None:
    """A flat false finding has the larger area, the tumour the larger volume."""
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[2:12, 2:12, 0] = 3  # 100 voxels in one slice
    labels[12:17, 12:17, 10:16] = 2  # 150 voxels in six
    images = {contrast: Volume(np.ones(labels.shape, np.float32), np.eye(4)) for contrast in Contrast}
    axial = choose_slices(build_scene(images, Volume(labels, np.eye(4))))[0]
    assert 10 <= axial.index < 16


def test_without_a_tumour_the_middle_of_the_head_is_shown() -> None:
    """The head fills slices 20 to 29, with the same margin on both sides: the middle is 25."""
    data = np.zeros((20, 20, 40), np.float32)
    data[5:15, 5:15, 20:30] = 1
    images = {contrast: Volume(data, np.eye(4)) for contrast in Contrast}
    scene = build_scene(images, Volume(np.zeros(data.shape, np.uint8), np.eye(4)))
    assert choose_slices(scene)[0] == SliceChoice(Plane.AXIAL, 25)


def test_pixels_keep_their_two_edge_lengths() -> None:
    """Height first, then width, of a 1 x 2 x 5 mm grid."""
    affine = np.diag([1.0, 2.0, 5.0, 1.0])
    images = {contrast: Volume(np.ones(SHAPE, np.float32), affine) for contrast in Contrast}
    scene = build_scene(images, Volume(np.zeros(SHAPE, np.uint8), affine))
    assert pixel_mm(scene, Plane.AXIAL) == (2.0, 1.0)
    assert pixel_mm(scene, Plane.CORONAL) == (5.0, 1.0)
    assert pixel_mm(scene, Plane.SAGITTAL) == (5.0, 2.0)
