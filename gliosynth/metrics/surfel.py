"""Areas of marching-cubes surface elements ("surfels"), the weights of the BraTS surface metrics.

A surfel sits at a corner between eight voxels. Which of the eight are inside the mask makes an 8-bit neighbour code;
the code selects the triangles that marching cubes draws there, and their areas sum to the surfel's area.

Source of the numbers: google-deepmind/surface-distance 0.1 (Apache-2.0), ``lookup_tables.py``. That table lists signed
normals; areas need their magnitudes alone, of which nine occur, and a code and its complement have the same surface.
Nikolov et al., "Clinically applicable segmentation of head and neck anatomy for radiotherapy", J Med Internet Res 2021.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.metrics.box import Triple

FULL_CODE: Final = 255
"""Neighbour code of a corner whose eight voxels are all inside."""

_TRIANGLES: Final = {
    "a": (1, 1, 1),
    "b": (2, 2, 2),
    "c": (3, 3, 3),
    "u": (0, 2, 2),
    "v": (2, 0, 2),
    "w": (2, 2, 0),
    "x": (4, 0, 0),
    "y": (0, 4, 0),
    "z": (0, 0, 4),
}
"""Magnitude of each kind of triangle's normal along X, Y, Z, in eighths of a voxel face."""

_TRIANGLES_OF_CODE: Final = """
- a a ww a vv aa abx a aa vv abx ww abx abx xx
a uu aa aby aa abz aaa aabb aa auu avv acuv aww acuw aabx abx
a aa uu aby aa avv auu acuv aa aaa abz aabb aww aabx acuw abx
ww aby aby yy aww acvw aaby aby aww aaby acvw aby wwww aww aww ww
a aa aa aww uu abz auu acuw aa aaa avv aabx aby aabb acuv abx
vv abz avv acvw abz zz aabz abz avv aabz vvvv avv acvw abz avv vv
aa aaa auu aaby auu aabz uuuu auu aaa aaaa aabz aaa aaby aaa auu aa
abx aabb acuv aby acuw abz auu uu aabx aaa avv aa aww aa aa a
"""
"""Triangles of the codes 0 to 127; code ``c`` above 127 has those of ``255 - c``."""


def surfel_areas_mm2(spacing_mm: Triple) -> NDArray[np.float64]:
    """Returns the surface area at a voxel corner for each neighbour code.

    Args:
        spacing_mm: Voxel edges in mm.

    Returns:
        ``(256,)`` in mm²; zero for the codes 0 and 255, which are no surface.
    """
    x, y, z = spacing_mm
    face_mm2 = np.array([y * z, x * z, x * y])
    area = {kind: float(np.linalg.norm(np.array(normal) / 8.0 * face_mm2)) for kind, normal in _TRIANGLES.items()}
    half = [sum(area[kind] for kind in kinds if kind != "-") for kinds in _TRIANGLES_OF_CODE.split()]
    return np.array(half + half[::-1])


def neighbour_codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Returns the neighbour code of every voxel corner; outside the array is background.

    Corner ``(i, j, k)`` lies between the voxels ``i - 1`` and ``i`` along X, and so on; the voxel
    ``(i - 1 + a, j - 1 + b, k - 1 + c)`` sets the bit ``7 - (4 a + 2 b + c)``.

    Args:
        mask: ``(X, Y, Z)``.

    Returns:
        ``(X + 1, Y + 1, Z + 1)`` uint8.
    """
    bits: NDArray[np.uint8] = np.pad(mask.view(np.uint8), 1)
    for axis, shift in ((2, 1), (1, 2), (0, 4)):
        lower, upper = _pairs(bits, axis=axis)
        bits = np.left_shift(lower, np.uint8(shift))
        bits |= upper
    return bits


def _pairs(bits: NDArray[np.uint8], *, axis: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns the array without its last and without its first layer along an axis."""
    lower = tuple(slice(None, -1) if i == axis else slice(None) for i in range(3))
    upper = tuple(slice(1, None) if i == axis else slice(None) for i in range(3))
    return bits[lower], bits[upper]
