"""Outlines of a hand-made glioblastoma: necrotic centre, enhancing rim, oedema, each a deformed polygon in the last."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Label
from gliosynth.ranges import Range

CORNERS: Final = (7, 16)
"""Fewest and most corners of an outline."""

CORE_RADIUS_PX: Final[Range] = (7.0, 30.0)
"""Mean radius of the enhancing rim's outer border, pixels of 1 mm; drawn evenly in the logarithm."""

RIM_PX: Final[Range] = (2.0, 7.0)
"""Mean thickness of the rim, pixels."""

OEDEMA_PX: Final[Range] = (3.0, 30.0)
"""Mean reach of the oedema beyond the rim, pixels."""

CORNER_SD: Final = 0.16
"""Standard deviation of the logarithm of a core's corner radii."""

OEDEMA_CORNER_SD: Final = 0.35
"""The same of the oedema, which follows the tracts rather than the core."""

AXIS_RATIO: Final[Range] = (0.6, 1.0)
"""Short axis over long axis."""

LEAST_DEPTH_PX: Final = 5.0
"""Least distance of the centre from the border of the brain."""


def draw_tumour(brain: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Returns the labels of one hand-made tumour inside a slice's brain.

    Args:
        brain: ``(X, Y)`` bool, pixels of 1 mm.
        rng: Decides everything.

    Returns:
        ``(X, Y)`` uint8, values of `gliosynth.labels.Label`.

    Raises:
        InvalidInputError: No pixel lies deep enough in the brain.
    """
    deep = np.argwhere(ndimage.distance_transform_edt(brain) >= LEAST_DEPTH_PX)
    if not len(deep):
        raise InvalidInputError("the slice's brain is too small for a tumour; draw a slice with more brain")
    centre = deep[int(rng.integers(len(deep)))]
    angles, distances = polar(brain.shape, centre, rng)
    core_px = float(np.exp(rng.uniform(*np.log(CORE_RADIUS_PX))))
    core = draw_outline(angles, CORNER_SD, rng) * core_px
    thickness = draw_outline(angles, CORNER_SD, rng) * float(rng.uniform(*RIM_PX))
    reach = draw_outline(angles, OEDEMA_CORNER_SD, rng) * float(rng.uniform(*OEDEMA_PX))
    inside = [distances < core - thickness, distances < core, distances < core + reach]
    labels = np.select(inside, [Label.NCR, Label.ET, Label.ED]) * brain
    return np.asarray(labels, dtype=np.uint8)


def draw_outline(angles: NDArray[np.float64], corner_sd: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns a polygon's radius in each direction, 1 on average or nearly.

    Args:
        angles: Directions in radians, any shape.
        corner_sd: Standard deviation of the logarithm of the radius at a corner.
        rng: Decides the corners.
    """
    corners = np.sort(rng.uniform(-np.pi, np.pi, int(rng.integers(CORNERS[0], CORNERS[1] + 1))))
    radii = np.exp(rng.normal(0.0, corner_sd, len(corners)))
    return np.interp(angles, corners, radii, period=2 * np.pi)


def polar(
    shape: tuple[int, ...], centre: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns direction (radians) and distance (pixels) of each pixel from a centre, in a plane stretched at random.

    Args:
        shape: Of the slice, two numbers.
        centre: Pixel position, two numbers.
        rng: Decides the direction and the ratio of the axes.
    """
    x, y = np.arange(shape[0])[:, None] - centre[0], np.arange(shape[1])[None, :] - centre[1]
    turn, ratio = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(*AXIS_RATIO))
    along, across = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / ratio
    return np.arctan2(across, along), np.hypot(along, across)
