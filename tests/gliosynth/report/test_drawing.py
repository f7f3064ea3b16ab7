"""Pictures are true to scale, and outlines run along the edge of what they outline."""

import numpy as np

from gliosynth.labels import Region
from gliosynth.report.drawing import contour_layer, grey_picture, window_of, with_layer, with_letters
from gliosynth.report.palette import REGION_COLOURS
from gliosynth.report.views import Plane


def test_millimetres_are_true_to_scale_along_both_axes() -> None:
    """10 rows of 5 mm and 40 columns of 1 mm are 50 x 40 mm: 100 dots high and 80 wide at 2 dots per mm."""
    picture = grey_picture(np.zeros((10, 40), np.float32), window=(0, 1), pixel_mm=(5.0, 1.0))
    assert picture.size == (80, 100)


def test_the_window_maps_black_and_white() -> None:
    """What lies below the window is black, above it white, in the middle grey."""
    pixels = np.repeat(np.array([[-5.0, 10.0, 15.0, 20.0, 99.0]], np.float32), 3, axis=0).repeat(9, axis=1)
    greys = np.asarray(grey_picture(pixels, window=(10, 20), pixel_mm=(0.5, 0.5)))[1, 4::9, 0]
    assert greys.tolist() == [0, 0, 127, 255, 255]


def test_bright_fat_does_not_dim_the_brain() -> None:
    """A tenth of the head is eight times brighter; white stays at three times the middle."""
    image = np.ones((10, 10, 10), np.float32)
    image[0] = 8.0
    assert window_of(image) == (1.0, 3.0)


def test_an_empty_image_has_a_window_all_the_same() -> None:
    """Nothing is divided by zero."""
    assert window_of(np.zeros((3, 3, 3), np.float32)) == (0.0, 1.0)


def test_the_outline_lies_on_the_edge_and_nowhere_else() -> None:
    """A square of 20 x 20 mm: colour just inside its edge, nothing in its middle and nothing outside."""
    labels = np.zeros((40, 40), np.uint8)
    labels[10:30, 10:30] = 2
    layer = np.asarray(contour_layer(labels, pixel_mm=(1.0, 1.0)))
    assert layer.shape == (80, 80, 4)
    assert layer[40, 20].tolist() == [*REGION_COLOURS[Region.WT], 255]
    assert layer[40, 40, 3] == 0
    assert layer[40, 10, 3] == 0
    assert layer[:18, :, 3].max() == 0


def test_inner_regions_are_drawn_on_top() -> None:
    """Enhancing tumour alone is WT, TC and ET at once; the reader sees ET."""
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 3
    layer = np.asarray(contour_layer(labels, pixel_mm=(1.0, 1.0)))
    assert layer[20, 10, :3].tolist() == list(REGION_COLOURS[Region.ET])


def test_no_tumour_means_no_outline() -> None:
    """A transparent layer leaves the picture as it is."""
    layer = contour_layer(np.zeros((8, 8), np.uint8), pixel_mm=(1.0, 1.0))
    picture = grey_picture(np.ones((8, 8), np.float32), window=(0, 2), pixel_mm=(1.0, 1.0))
    np.testing.assert_array_equal(np.asarray(with_layer(picture, layer)), np.asarray(picture))


def test_letters_stand_at_the_four_edges_only() -> None:
    """The middle of the picture is left to the patient."""
    plain = grey_picture(np.zeros((60, 60), np.float32), window=(0, 1), pixel_mm=(1.0, 1.0))
    changed = np.asarray(with_letters(plain, Plane.AXIAL)) != np.asarray(plain)
    assert changed[:25, 40:80].any()
    assert changed[-25:, 40:80].any()
    assert changed[40:80, :25].any()
    assert changed[40:80, -25:].any()
    assert not changed[30:90, 30:90].any()
