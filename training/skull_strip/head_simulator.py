"""Simulated whole heads of any contrast, for training the brain extractor (SynthStrip's idea, Hoopes et al. 2022).

One head is a warped anatomy with four independent renderings: physical contrasts or random intensities per tissue,
thick slices, bias, noise, and all that scans arrive with: de-faced, partly stripped, cut by the field of view, with
tumours. What matters is where the brain ends, so nothing of this need look like a patient; it must only be wider than
reality.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gliosynth.anatomy import Anatomy, Tissue
from gliosynth.contrast.physics import draw_physics
from gliosynth.contrast.settings import TRAINING
from gliosynth.contrast.tables import tissue_signals
from gliosynth.preprocessing.skull_strip import robust_scaled
from gliosynth.separable import acquisition_matrix, apply_separable, random_field, smooth

SPACING_MM: Final = (1.0, 1.0, 2.0)
"""Voxel edges in mm at which a head is simulated."""

SHAPE: Final = (192, 224, 96)
"""Voxels at which a head is simulated."""

POOLED_SHAPE: Final = (96, 112, 96)
"""Voxels of a simulated head: pixels averaged two by two, so that it is isotropic at the network's 2 mm."""

RENDERINGS: Final = 4
"""Images made of one warped head."""

TISSUE_COUNT: Final = max(Tissue) + 1
"""Values of a tissue map; tumour classes follow."""

TUMOUR_CLASSES: Final = 2
"""Tumour parts with an intensity of their own."""

BRAIN_TISSUES: Final = tuple(range(Tissue.WHITE_MATTER, Tissue.OUTER_CSF))
"""Tissues of the brain mask, whose random intensities lie closer together than those of the head."""

ROTATION_SD: Final = 0.12
"""Standard deviation of the head's rotation about each axis, radians."""

SCALE_RANGE: Final = (0.85, 1.12)
"""Head size relative to the anatomy."""

SHIFT_SD_MM: Final = 8.0
"""Standard deviation of the head's position along each axis, mm."""

STORED_PER_UNIT: Final = 3.0
"""A scaled intensity of 1 is stored as 3, so that 0 to 1.5 fills the ring's range of z-scores up to 5."""


@dataclass(frozen=True, eq=False)
class SimulatedHead:
    """A head in the form that `training.data.ring.Ring` stores.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32, `POOLED_SHAPE`: four renderings, robustly scaled to 0 to 1.5, times
            `STORED_PER_UNIT`.
        labels: ``(X, Y, Z)`` uint8, all 0.
        brain: Brain mask ``(X, Y, Z)``.
    """

    contrasts: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]


def simulate_head(anatomy: Anatomy, *, rng: np.random.Generator) -> SimulatedHead:
    """Returns one random head with four renderings.

    Args:
        anatomy: Head to start from.
        rng: Random generator; the same one gives the same head.
    """
    tissues, brain = warp(anatomy, rng)
    classes = add_tumour(tissues, brain, rng)
    near_mm = ndimage.distance_transform_edt(~brain[::2, ::2], sampling=(2.0, 2.0, 2.0)).astype(np.float32)
    distance_mm = np.repeat(np.repeat(near_mm, 2, axis=0), 2, axis=1)
    physical = tissue_signals(draw_physics(TRAINING.physics, None, bright_csf=bool(rng.random() < 0.2), rng=rng))
    images = []
    for row in range(RENDERINGS):
        table = class_table(physical[row], rng)
        image = acquire_head(classes, table, rng)
        image = cut(image, brain, distance_mm, rng)
        images.append(robust_scaled(pooled(image)) * np.float32(STORED_PER_UNIT))
    half = pooled(brain.astype(np.float32)) >= 0.5
    return SimulatedHead(np.stack(images), np.zeros(POOLED_SHAPE, dtype=np.uint8), half)


def pooled(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the image with pixels averaged two by two, `SHAPE` to `POOLED_SHAPE`."""
    x, y, z = POOLED_SHAPE
    return np.asarray(image.reshape(x, 2, y, 2, z).mean(axis=(1, 3)), dtype=np.float32)


def warp(anatomy: Anatomy, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Returns tissues and brain mask of the anatomy under a random affine and elastic deformation, nearest voxel.

    Args:
        anatomy: Head to warp; 1 mm, RAS.
        rng: Random generator.

    Returns:
        Tissue map uint8 and brain mask, both `SHAPE`; air beyond the anatomy.
    """
    matrix = _rotation(rng.normal(0.0, ROTATION_SD, 3)) @ np.diag(1.0 / rng.uniform(*SCALE_RANGE, 3))
    if rng.random() < 0.5:
        matrix[:, 0] *= -1.0
    centre = (np.asarray(SHAPE) - 1) / 2 * SPACING_MM
    offset = anatomy.brain_centre + rng.normal(0.0, SHIFT_SD_MM, 3) - matrix @ centre
    i, j, k = (np.arange(size) * edge for size, edge in zip(SHAPE, SPACING_MM, strict=True))
    strength = float(rng.uniform(0.0, 4.0))
    index, inside = [], np.ones(SHAPE, dtype=np.bool_)
    for axis in range(3):
        row = matrix[axis]
        affine = (row[0] * i[:, None, None] + row[1] * j[None, :, None]) + (row[2] * k + offset[axis])[None, None, :]
        bend = random_field(rng, SHAPE, spacing_mm=SPACING_MM, sigma_mm=25.0, xp=np)
        found = np.rint(affine + strength * bend).astype(np.int32)
        limit = anatomy.tissues.shape[axis] - 1
        inside &= (found >= 0) & (found <= limit)
        index.append(np.clip(found, 0, limit))
    source = tuple(index)
    return np.where(inside, anatomy.tissues[source], np.uint8(0)), np.where(inside, anatomy.brain[source], False)


def add_tumour(tissues: NDArray[np.uint8], brain: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Returns the classes to render: tissues, with a blob of one or two tumour classes in most brains.

    Args:
        tissues: Tissue map.
        brain: Brain mask; a tumour stays inside it.
        rng: Random generator.
    """
    classes = tissues.copy()
    if rng.random() < 0.3 or not brain.any():
        return classes
    candidates = np.argwhere(brain)
    centre = candidates[rng.integers(len(candidates))]
    radius_mm = rng.uniform(8.0, 35.0) * rng.uniform(0.7, 1.3, 3)
    i, j, k = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    reach = sum(
        ((axis - c) * edge / r) ** 2 for axis, c, edge, r in zip((i, j, k), centre, SPACING_MM, radius_mm, strict=True)
    )
    field = 0.35 * random_field(rng, SHAPE, spacing_mm=SPACING_MM, sigma_mm=8.0, xp=np)
    level = np.sqrt(np.asarray(reach, dtype=np.float32)) + field
    classes[(level < 1.0) & brain] = TISSUE_COUNT
    classes[(level < rng.uniform(0.3, 0.8)) & brain] = TISSUE_COUNT + 1
    return classes


def class_table(physical: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns the mean intensity of each class, ``(TISSUE_COUNT + TUMOUR_CLASSES,)`` float32, at least 0.

    Args:
        physical: Signals of the tissues in one physical contrast, white matter about 1.
        rng: Random generator.
    """
    if rng.random() < 0.6:
        table = physical.astype(np.float64) * np.exp(rng.normal(0.0, 0.1, physical.shape))
    else:
        table = rng.uniform(0.0, 2.0, physical.shape)
        brain = list(BRAIN_TISSUES)
        table[brain] = rng.uniform(0.4, 1.4) + rng.uniform(0.05, 0.5) * rng.normal(0.0, 1.0, len(brain))
        table[Tissue.CORTICAL_BONE] = rng.uniform(0.0, 0.4)
    table[Tissue.BACKGROUND] = 0.0
    tumour = float(table[Tissue.WHITE_MATTER]) * rng.uniform(0.3, 2.5, TUMOUR_CLASSES)
    return np.asarray(np.maximum(np.concatenate([table, tumour]), 0.0), dtype=np.float32)


def acquire_head(
    classes: NDArray[np.uint8], table: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Returns a magnitude image of the classes: texture, point spread, thick slices, bias, noise, gamma."""
    image = table[classes]
    texture = random_field(rng, SHAPE, spacing_mm=SPACING_MM, sigma_mm=float(rng.uniform(2.0, 5.0)), xp=np)
    image *= 1.0 + float(rng.uniform(0.0, 0.12)) * texture
    thick_mm = float(rng.uniform(3.0, 7.0)) if rng.random() < 0.65 else 0.0
    coarse_mm = float(rng.uniform(1.0, 2.0)) if rng.random() < 0.3 else 0.0
    operators = [
        acquisition_matrix(
            size,
            edge,
            psf_mm=float(rng.uniform(0.2, 0.8)),
            slice_mm=max(edge, thick_mm if axis == 2 else coarse_mm),
            shift_mm=0.0,
        )
        for axis, (size, edge) in enumerate(zip(SHAPE, SPACING_MM, strict=True))
    ]
    bias = random_field(rng, SHAPE, spacing_mm=SPACING_MM, sigma_mm=float(rng.uniform(35.0, 70.0)), xp=np)
    image *= np.exp(float(rng.uniform(0.0, 0.35)) * bias)
    sigma = float(rng.uniform(0.005, 0.07)) * float(np.percentile(image[::4, ::4, ::4], 98))
    real = image + sigma * rng.standard_normal(SHAPE, dtype=np.float32)
    image = np.abs(apply_separable(real, *operators)) + np.float32(1e-4)
    return np.asarray(image ** np.float32(np.exp(rng.normal(0.0, 0.2))), dtype=np.float32)


def cut(
    image: NDArray[np.float32],
    brain: NDArray[np.bool_],
    distance_mm: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Returns the image with exact zeros where a scan was de-faced, stripped, masked or ends.

    Args:
        image: Magnitude image, above 0.
        brain: Brain mask.
        distance_mm: Distance from the brain in mm, 0 inside.
        rng: Random generator.
    """
    keep = np.ones(SHAPE, dtype=np.bool_)
    if rng.random() < 0.4:
        keep &= ~_face(brain, distance_mm, rng)
    if rng.random() < 0.25:
        wobble = float(rng.uniform(0.0, 4.0)) * random_field(rng, SHAPE, spacing_mm=SPACING_MM, sigma_mm=10.0, xp=np)
        keep &= distance_mm <= np.maximum(rng.uniform(0.0, 12.0) + wobble, 0.0)
    if rng.random() < 0.5:
        head = smooth(image, 2.0, SPACING_MM)
        keep &= head > rng.uniform(0.03, 0.1) * float(np.percentile(image[::4, ::4, ::4], 98))
    if rng.random() < 0.3:
        low, high = int(rng.integers(0, SHAPE[2] // 3)), int(rng.integers(2 * SHAPE[2] // 3, SHAPE[2]))
        keep[:, :, :low] = False
        keep[:, :, high:] = False
    return np.where(keep, image, np.float32(0.0))


def _face(brain: NDArray[np.bool_], distance_mm: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Returns what a de-facer removes: in front of a tilted plane, or in front and away from the brain."""
    tilt = float(rng.uniform(0.2, 1.1))
    j, k = np.arange(SHAPE[1]) * SPACING_MM[1], np.arange(SHAPE[2]) * SPACING_MM[2]
    forward = np.cos(tilt) * j[:, None] - np.sin(tilt) * k[None, :]
    if rng.random() < 0.5:
        front = float(forward[brain.any(axis=0)].max()) if brain.any() else 0.0
        return np.broadcast_to((forward > front + rng.uniform(1.0, 12.0))[None], SHAPE)
    middle = float(forward[brain.any(axis=0)].mean()) if brain.any() else 0.0
    ahead = np.broadcast_to((forward > middle + rng.uniform(-20.0, 40.0))[None], SHAPE)
    return np.asarray(ahead & (distance_mm > rng.uniform(4.0, 14.0)))


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the rotation matrix ``(3, 3)`` of angles about x, y and z in radians, applied in this order."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        one = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        one[first, first] = one[second, second] = np.cos(angle)
        one[first, second], one[second, first] = -np.sin(angle), np.sin(angle)
        matrix = one @ matrix
    return matrix
