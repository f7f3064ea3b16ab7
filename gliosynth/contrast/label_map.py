"""Paints any label map: deformation, intensities, blur, bias field and noise, a plane at a time on several threads.

For researchers who bring their own labels, and for augmentation at full resolution: 256^3 voxels in four contrasts take
half a second on two cores. The labels are warped once; each plane then goes through all steps while it lies in the
cache, so besides the result only a few planes are held. Each plane draws from its own stream of random numbers: the
same generator gives the same bytes whatever the number of threads, and on every machine.
"""

import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gliosynth.contrast.paint_plan import ContrastPlan, IntensityTable, PaintSettings, draw_paint
from gliosynth.contrast.plane_noise import PlaneNoise
from gliosynth.contrast.plane_steps import Plane, PlaneBlur, PlaneField, exponential
from gliosynth.errors import InvalidLabelError, InvalidParameterError

LabelMap: TypeAlias = NDArray[np.uint8]
"""``(X, Y, Z)`` uint8."""

DEFAULT_SETTINGS: Final = PaintSettings()
"""All steps, at usual amounts."""

SMALLEST_SLAB: Final = 32
"""Planes that a thread takes at least, so that the planes that two slabs share cost little."""


@dataclass(frozen=True, eq=False)
class PaintedMap:
    """A painted label map.

    Attributes:
        images: ``(C, X, Y, Z)`` float32.
        labels: ``(X, Y, Z)`` uint8: the deformed labels.
        blur_mm: Sigma of the blur of each contrast, mm.
        noise: Standard deviation of the noise of each contrast.
    """

    images: NDArray[np.float32]
    labels: LabelMap
    blur_mm: tuple[float, ...]
    noise: tuple[float, ...]


def paint_label_map(
    labels: LabelMap,
    table: IntensityTable,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
    settings: PaintSettings = DEFAULT_SETTINGS,
    threads: int = 2,
) -> PaintedMap:
    """Returns the images of a label map.

    Args:
        labels: ``(X, Y, Z)`` uint8; every value below the table's L.
        table: Intensities of every label in every contrast.
        spacing_mm: Voxel edges in mm.
        rng: Random generator; the same state gives the same bytes.
        settings: Amounts.
        threads: Number of threads; it does not change the result.

    Raises:
        InvalidLabelError: `labels` is not uint8 with three axes, or holds a value that the table lacks.
        InvalidParameterError: The table's shapes differ, a setting or voxel edge is out of its range, or there is
            no thread.
    """
    _check(labels, table, spacing_mm, threads)
    settings.check()
    labels = np.ascontiguousarray(labels)
    size_x, size_y, size_z = labels.shape
    plan = draw_paint((size_x, size_y, size_z), table, spacing_mm=spacing_mm, settings=settings, rng=rng)
    images = np.empty((len(plan.contrasts), *labels.shape), dtype=np.float32)
    with ThreadPoolExecutor(threads) as pool:
        warped = labels if plan.displacement is None else np.empty_like(labels)
        if plan.displacement is not None:
            warp = partial(_warp, labels, plan.displacement, warped)
            _finish([pool.submit(warp, slab) for slab in _slabs(labels.shape[0], 2 * threads)])
        slabs = _slabs(labels.shape[0], -(-3 * threads // len(plan.contrasts)))
        _finish(
            [
                pool.submit(_paint, warped, contrast, images[contrast.index], slab)
                for contrast in plan.contrasts
                for slab in slabs
            ]
        )
    return PaintedMap(images, warped, plan.blur_mm, tuple(contrast.noise for contrast in plan.contrasts))


def _slabs(planes: int, count: int) -> list[range]:
    """Returns the planes cut into at most `count` even slabs of at least `SMALLEST_SLAB`."""
    count = max(1, min(count, planes // SMALLEST_SLAB))
    edges = [round(planes * k / count) for k in range(count + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


def _finish(tasks: list[Future[None]]) -> None:
    """Waits for the tasks and raises what they raise."""
    for task in tasks:
        task.result()


def _warp(labels: LabelMap, displacement: tuple[PlaneField, ...], warped: LabelMap, slab: range) -> None:
    """Writes some planes of the labels under a displacement, by nearest voxel; outside, the last voxel continues."""
    flat, sizes = labels.reshape(-1), labels.shape
    own = np.ogrid[: sizes[0], : sizes[1], : sizes[2]]
    index, source = np.empty(sizes[1:]), np.empty(sizes[1:])
    for x in slab:
        index[:] = 0.0
        for axis, field in enumerate(displacement):
            field.plane(x, source)
            source += x if axis == 0 else own[axis][0]
            np.rint(source, out=source)
            np.clip(source, 0.0, sizes[axis] - 1.0, out=source)
            index *= sizes[axis]
            index += source
        flat.take(index.astype(np.intp), out=warped[x], mode="clip")


def _paint(labels: LabelMap, plan: ContrastPlan, image: NDArray[np.float32], slab: range) -> None:
    """Writes some planes of one contrast."""
    size_x, size_y, size_z = labels.shape
    values, other = (np.empty((size_y, size_z), dtype=np.float32) for _ in range(2))
    field = np.empty((size_y, size_z))

    def texture(x: int, out: Plane) -> None:
        PlaneNoise(plan.entropy, plan.index, 0, x).fill(values)
        plan.deviation.take(labels[x], out=other, mode="clip")
        np.multiply(values, other, out=values)
        plan.mean.take(labels[x], out=other, mode="clip")
        np.add(values, other, out=out)

    for x, blurred in PlaneBlur((size_x, size_y, size_z), plan.blur).planes(texture, slab):
        image[x] = blurred
        if plan.bias is not None:
            plan.bias.plane(x, field)
            values[:] = field
            exponential(values, other)
            image[x] *= other
        if plan.noise > 0.0:
            _add_noise(image[x], plan, PlaneNoise(plan.entropy, plan.index, 1, x), values)


def _add_noise(plane: Plane, plan: ContrastPlan, stream: PlaneNoise, scratch: Plane) -> None:
    """Adds normal noise to a plane, or turns it into the magnitude of a signal with complex noise, in place."""
    stream.fill(scratch)
    scratch *= np.float32(plan.noise)
    plane += scratch
    if plan.rician:
        stream.fill(scratch)
        scratch *= np.float32(plan.noise)
        plane *= plane
        scratch *= scratch
        plane += scratch
        np.sqrt(plane, out=plane)


def _check(labels: LabelMap, table: IntensityTable, spacing_mm: tuple[float, float, float], threads: int) -> None:
    """Raises where the arguments do not fit together."""
    if labels.dtype != np.uint8 or labels.ndim != 3 or not labels.size:
        raise InvalidLabelError(
            f"the label map is {labels.dtype} of shape {labels.shape}; give uint8 with three axes", field="labels"
        )
    if table.mean.ndim != 2 or table.mean.shape != table.deviation.shape or not table.mean.size:
        raise InvalidParameterError(
            f"means are {table.mean.shape}, deviations {table.deviation.shape}; give both as (contrasts, labels)",
            field="table",
        )
    if int(labels.max()) >= table.mean.shape[1]:
        raise InvalidLabelError(
            f"the label map holds {int(labels.max())}, but the table ends at label {table.mean.shape[1] - 1}",
            field="labels",
            got=str(int(labels.max())),
        )
    if threads < 1:
        raise InvalidParameterError(
            f"{threads} threads cannot work; give at least 1", field="threads", got=str(threads)
        )
    if not all(0.0 < edge < math.inf for edge in spacing_mm):
        raise InvalidParameterError(
            f"voxel edges are {spacing_mm} mm; give three lengths above 0", field="spacing_mm", got=str(spacing_mm)
        )
