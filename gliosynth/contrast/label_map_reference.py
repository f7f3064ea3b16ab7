"""The plain form of `gliosynth.contrast.label_map.paint_label_map`: whole arrays in float64, one step after the other.

It says in a few lines what the fast form does; a test holds the two together. It needs many times the memory and time.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from gliosynth.contrast.paint_plan import ContrastPlan, IntensityTable, PaintSettings, draw_paint
from gliosynth.contrast.plane_noise import PlaneNoise
from gliosynth.contrast.plane_steps import HalfKernel, PlaneField


def paint_plainly(
    labels: NDArray[np.uint8],
    table: IntensityTable,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    settings: PaintSettings,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Returns images ``(C, X, Y, Z)`` float64 and deformed labels ``(X, Y, Z)`` uint8, see `paint_label_map`."""
    size_x, size_y, size_z = labels.shape
    plan = draw_paint((size_x, size_y, size_z), table, spacing_mm=spacing_mm, settings=settings, rng=rng)
    warped = labels if plan.displacement is None else _warped(labels, plan.displacement)
    return np.stack([_image(warped, contrast) for contrast in plan.contrasts]), warped


def _warped(labels: NDArray[np.uint8], displacement: tuple[PlaneField, ...]) -> NDArray[np.uint8]:
    """Returns each voxel's label at the nearest voxel to where its displacement points."""
    own = np.indices(labels.shape)
    sources = [
        np.clip(np.rint(coordinate + _dense(field)), 0, size - 1).astype(np.intp)
        for coordinate, field, size in zip(own, displacement, labels.shape, strict=True)
    ]
    result: NDArray[np.uint8] = labels[sources[0], sources[1], sources[2]]
    return result


def _image(labels: NDArray[np.uint8], plan: ContrastPlan) -> NDArray[np.float64]:
    """Returns one contrast: intensities, blur, bias field, noise."""
    image = plan.mean.astype(np.float64)[labels] + plan.deviation[labels] * _white(labels.shape, plan, 0)[0]
    for axis, half in enumerate(plan.blur):
        image = correlate1d(image, _whole(half), axis=axis, mode="nearest")
    if plan.bias is not None:
        image = image * np.exp(_dense(plan.bias))
    real, imaginary = (plan.noise * white for white in _white(labels.shape, plan, 1))
    return np.hypot(image + real, imaginary) if plan.rician else image + real


def _dense(field: PlaneField) -> NDArray[np.float64]:
    """Returns a field at every voxel."""
    dense: NDArray[np.float64] = np.einsum("yb,cz,xbc->xyz", field.along_y, field.along_z, field.inner)
    return field.amount * dense


def _whole(half: HalfKernel) -> NDArray[np.float64]:
    """Returns a symmetric kernel from its half."""
    return np.concatenate([half[:0:-1], half]).astype(np.float64)


def _white(shape: tuple[int, ...], plan: ContrastPlan, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the first two volumes of white noise of a step, each plane from its own stream."""
    volumes = np.empty((2, *shape), dtype=np.float32)
    for x in range(shape[0]):
        stream = PlaneNoise(plan.entropy, plan.index, step, x)
        for volume in volumes:
            stream.fill(volume[x])
    return volumes[0].astype(np.float64), volumes[1].astype(np.float64)
