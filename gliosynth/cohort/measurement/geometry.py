"""What identifies an anatomy: its tissue map in a frame that no affine transform can hide it in.

A simulated brain is a donor's label map, bent. To ask how far it was bent (METHODS.md D.3), the affine part is taken
away first: the centroids of tissues are landmarks, a least-squares affine map carries them onto a common set, and the
tissue map is sampled there. The fit is equivariant: a donor and any affine copy of it give the same map.
"""

import base64
import zlib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.anatomy import Tissue, TissueMap
from gliosynth.cohort.measurement.regions import Spacing

GeometryMap = NDArray[np.uint8]
"""`FRAME_SHAPE` uint8, values of `PART_OF_TISSUE`: the tissue map in the common frame."""

FRAME_SHAPE: Final = (24, 29, 22)
"""Cells of the common frame along X, Y, Z."""

FRAME_CELL_MM: Final = 6.0
"""Edge of a cell in mm of the common frame."""

LANDMARK_MM: Final = 2.0
"""Centroids are those of voxels about this far apart, mm."""

FIT_ROUNDS: Final = 6
"""Rounds of halving tissues and fitting the affine map; it moves by less than 0.1 mm after them."""

IDENTITY: Final = np.eye(4, 3)
"""The affine map that changes nothing."""

NEEDED_LANDMARKS: Final = 8
"""An affine map is fitted to at least this many landmarks."""

PART_OF_TISSUE: Final = {
    Tissue.WHITE_MATTER: 1,
    Tissue.WHITE_MATTER_LESION: 1,
    Tissue.CORTICAL_GREY: 2,
    Tissue.CAUDATE: 3,
    Tissue.PUTAMEN: 3,
    Tissue.PALLIDUM: 3,
    Tissue.THALAMUS: 3,
    Tissue.HIPPOCAMPUS: 3,
    Tissue.VENTRICLE: 4,
    Tissue.CHOROID_PLEXUS: 4,
    Tissue.SULCAL_CSF: 5,
    Tissue.SULCUS_EDGE: 5,
    Tissue.BRAINSTEM: 6,
    Tissue.CEREBELLAR_GREY: 7,
    Tissue.CEREBELLAR_WHITE: 7,
}
"""Parts that are told apart in the common frame; every other tissue is 0."""

PAIRED: Final = (Tissue.CAUDATE, Tissue.PUTAMEN, Tissue.PALLIDUM, Tissue.THALAMUS, Tissue.HIPPOCAMPUS)
"""Tissues with one landmark on either side."""

SINGLE: Final = (Tissue.BRAINSTEM, Tissue.VENTRICLE, Tissue.CEREBELLAR_GREY, Tissue.CEREBELLAR_WHITE)
"""Tissues with one landmark."""

WIDE: Final = (Tissue.CORTICAL_GREY, Tissue.WHITE_MATTER)
"""Tissues that are halved along every axis, with a landmark in each half: they hold the frame's outside."""


def landmarks_of(tissues: TissueMap, *, spacing_mm: Spacing) -> NDArray[np.float64]:
    """Returns the centroids of tissues in mm, of an anatomy whose axes are those of the body.

    Args:
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`, axes right, anterior, superior.
        spacing_mm: Voxel edges in mm.

    Returns:
        ``(26, 3)`` float64; NaN in the row of a tissue that is missing.
    """
    return _landmarks(_clouds(tissues, spacing_mm), IDENTITY)


def geometry_of(tissues: TissueMap, frame: NDArray[np.float64], *, spacing_mm: Spacing) -> GeometryMap | None:
    """Returns the tissue map in the common frame, or None where too few landmarks are found.

    Tissues are halved across the axes of the frame, not of the grid, so the fit is repeated until both agree: only then
    does a turned copy have the landmarks of its original.

    Args:
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`, axes right, anterior, superior.
        frame: ``(26, 3)`` the landmarks' places in the common frame, mm from its centre.
        spacing_mm: Voxel edges in mm.
    """
    clouds = _clouds(tissues, spacing_mm)
    to_frame = IDENTITY
    for _ in range(FIT_ROUNDS):
        found = _landmarks(clouds, to_frame)
        usable = np.isfinite(found).all(axis=1) & np.isfinite(frame).all(axis=1)
        if np.count_nonzero(usable) < NEEDED_LANDMARKS:
            return None
        to_frame = fit_affine(found[usable], frame[usable])
    return _sample(tissues, fit_affine(frame[usable], found[usable]), spacing_mm)


def fit_affine(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the affine map that carries points onto points with the least squared error.

    Args:
        source: ``(N, 3)``.
        target: ``(N, 3)``.

    Returns:
        ``(4, 3)``: ``target = source @ map[:3] + map[3]``.
    """
    rows = np.column_stack([source, np.ones(len(source))])
    return np.asarray(np.linalg.lstsq(rows, target, rcond=None)[0], dtype=np.float64)


def common_frame(landmarks: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Returns the mean of several anatomies' landmarks, each about its own centre.

    Args:
        landmarks: Of each anatomy, ``(26, 3)``.

    Returns:
        ``(26, 3)`` mm from the centre.
    """
    centred = np.stack([points - np.nanmean(points, axis=0) for points in landmarks])
    return np.asarray(centred.mean(axis=0), dtype=np.float64)


@lru_cache(maxsize=1)
def load_frame() -> NDArray[np.float64]:
    """Returns the landmarks of the built-in anatomies' common frame, ``(26, 3)`` mm, read-only."""
    with np.load(BytesIO(files("gliosynth.cohort.measurement").joinpath("donor_geometry.npz").read_bytes())) as stored:
        frame: NDArray[np.float64] = stored["frame"]
    frame.setflags(write=False)
    return frame


def pack(values: NDArray[np.uint8]) -> str:
    """Returns an array as text: zlib, then base64."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 9)).decode()


def unpack(text: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Returns the array that `pack` turned into text."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(shape)


def _clouds(tissues: TissueMap, spacing_mm: Spacing) -> tuple[NDArray[np.float64], ...]:
    """Returns the places in mm of each landmark tissue's voxels, about `LANDMARK_MM` apart."""
    steps = [max(1, round(LANDMARK_MM / edge)) for edge in spacing_mm]
    thinned = tissues[tuple(slice(None, None, step) for step in steps)]
    edges = np.asarray(spacing_mm) * steps
    return tuple(np.argwhere(thinned == tissue) * edges for tissue in (*PAIRED, *SINGLE, *WIDE))


def _landmarks(clouds: tuple[NDArray[np.float64], ...], to_frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the centroids of the tissues, halved across the axes of the frame."""
    axes = [(0,)] * len(PAIRED) + [()] * len(SINGLE) + [(0, 1, 2)] * len(WIDE)
    rows = [row for points, halved in zip(clouds, axes, strict=True) for row in _centroids(points, halved, to_frame)]
    return np.array(rows)


def _centroids(
    points: NDArray[np.float64], axes: tuple[int, ...], to_frame: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Returns the centroid, or those of the halves on either side of it across each of the frame's axes."""
    if len(points) == 0:
        return [np.full(3, np.nan)] * max(1, 2 * len(axes))
    if not axes:
        return [points.mean(axis=0)]
    places = points @ to_frame[:3]
    halves = [points[side] for axis in axes for side in _sides(places[:, axis], float(places[:, axis].mean()))]
    return [half.mean(axis=0) if len(half) else np.full(3, np.nan) for half in halves]


def _sides(values: NDArray[np.float64], middle: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return values < middle, values >= middle


def _sample(tissues: TissueMap, to_case: NDArray[np.float64], spacing_mm: Spacing) -> GeometryMap:
    """Returns the part at each cell of the frame, 0 outside the grid."""
    index = np.rint((_cell_centres() @ to_case[:3] + to_case[3]) / np.asarray(spacing_mm)).astype(np.int64)
    inside = ((index >= 0) & (index < tissues.shape)).all(axis=1)
    parts = np.zeros(len(index), np.uint8)
    x, y, z = index[inside].T
    parts[inside] = _part_table()[tissues[x, y, z]]
    return parts.reshape(FRAME_SHAPE)


def _cell_centres() -> NDArray[np.float64]:
    """Returns ``(N, 3)``: the cells' centres in mm from the middle of the frame."""
    axes = [(np.arange(count) - (count - 1) / 2) * FRAME_CELL_MM for count in FRAME_SHAPE]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _part_table() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for tissue, part in PART_OF_TISSUE.items():
        table[tissue] = part
    return table
