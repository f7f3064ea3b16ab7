"""The simulator: an anatomy and settings in, a labelled four-contrast case out."""

from dataclasses import dataclass, field
from types import ModuleType
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy, Tissue
from gliosynth.contrast.artefacts import Acquisition, acquire, draw_acquisition
from gliosynth.contrast.hard_negatives import add_negatives
from gliosynth.contrast.physics import Physics, draw_physics
from gliosynth.contrast.render import TumourLook, render_tissues, render_tumour
from gliosynth.contrast.settings import Growth, SimulatorSettings, TumourSettings
from gliosynth.separable import Array, random_field, smooth
from gliosynth.tumour.deformation import CoarseMap, add_mass_effect, draw_map
from gliosynth.tumour.plan import TumourPlan, draw_centre, draw_plan
from gliosynth.tumour.shapes import Terrain, grow

BRAIN_BIT: Final = 128
"""Bit of the warped byte that carries the brain mask; the lower bits are the tissue."""

BOX_RADII: Final = 2.2
"""Half edge of the tumour's box in tumour radii; no tumour reaches farther."""

BOX_MARGIN_MM: Final = 6.0
"""Added to the half edge, mm."""

CEREBRUM: Final = (
    Tissue.WHITE_MATTER,
    Tissue.CORTICAL_GREY,
    Tissue.CAUDATE,
    Tissue.PUTAMEN,
    Tissue.PALLIDUM,
    Tissue.THALAMUS,
    Tissue.HIPPOCAMPUS,
    Tissue.WHITE_MATTER_LESION,
    Tissue.SULCUS_EDGE,
)
"""Tissues that a tumour grows in."""

MISMATCH_SHARE: Final = 0.35
"""Non-enhancing tumours whose middle is fluid-like, with a solid rim (T2-FLAIR mismatch sign)."""


@dataclass(frozen=True, eq=False)
class SimulatedCase:
    """One simulated case.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32: t1n, t1c, t2w, t2f; white matter about 1, 0 outside the brain.
        labels: ``(X, Y, Z)`` uint8, values of `gliosynth.labels.Label`.
        brain: ``(X, Y, Z)`` bool: brain mask, with border error.
        tissues: ``(X, Y, Z)`` uint8, values of `Tissue`, head included.
        spacing_mm: Voxel edges in mm; axes point right, anterior, superior.
        parameters: What was drawn.
    """

    contrasts: Array
    labels: Array
    brain: Array
    tissues: Array
    spacing_mm: tuple[float, float, float]
    parameters: "CaseParameters"


@dataclass(frozen=True, eq=False)
class CaseParameters:
    """What was drawn for one case.

    Attributes:
        anatomy: Name of the anatomy.
        preset: Name of the settings.
        plan: The tumour, or None.
        physics: Relaxation constants and protocols.
        acquisitions: One per contrast.
        look: Composition and borders of the tumour, or None.
    """

    anatomy: str
    preset: str
    plan: TumourPlan | None
    physics: Physics
    acquisitions: tuple[Acquisition, ...] = field(default=())
    look: TumourLook | None = None


@dataclass(frozen=True, eq=False)
class _Box:
    """The part of the grid around a tumour."""

    slices: tuple[slice, slice, slice]
    offsets_mm: tuple[Array, Array, Array]


def simulate_case(
    anatomy: Anatomy, *, settings: SimulatorSettings, rng: np.random.Generator, xp: ModuleType = np
) -> SimulatedCase:
    """Returns one simulated case; the same generator state gives the same bytes.

    Args:
        anatomy: The head.
        settings: A preset or your own.
        rng: Random generator, used for this case alone; all noise is drawn in NumPy.
        xp: Array library that computes: numpy (default) or torch (its default device).
    """
    namespace = array_namespace(xp.asarray([0.0]))
    grid = settings.grid
    coarse = draw_map(anatomy, grid, settings.deformation, rng)
    plan = None if rng.random() < settings.tumour.free_share else draw_plan(settings.tumour, rng)
    centre = draw_centre(anatomy, coarse, rng)
    if plan is not None:
        coarse = _push(coarse, centre, plan, settings, rng)
    sources = coarse.dense(namespace)
    tissues, inside = _warp(anatomy, sources)
    labels = namespace.zeros(grid.shape, dtype=namespace.uint8)
    physics = draw_physics(
        settings.physics, plan, bright_csf=bool(rng.random() < settings.negatives.bright_csf_share), rng=rng
    )
    signals = render_tissues(tissues, physics)
    signals = add_negatives(signals, tissues, settings.negatives, spacing_mm=grid.spacing_mm, rng=rng)
    look = None
    if plan is not None:
        box = _box(centre, plan, settings, namespace)
        terrain = _terrain(anatomy, sources, tissues, box, plan, grid.spacing_mm)
        labels[box.slices] = grow(terrain, plan, rng)
        look = draw_look(settings, plan, rng)
        _paste(signals, tissues, labels, box, physics, look, settings, rng)
    signals = _textured(signals, settings, rng)
    contrasts, acquisitions = _acquire_all(signals, settings, rng)
    brain = _brain_mask(inside, settings, rng)
    contrasts = namespace.where(brain[None, ...], contrasts, namespace.zeros_like(contrasts))
    labels = namespace.where(brain, labels, namespace.zeros_like(labels))
    parameters = CaseParameters(anatomy.name, settings.name, plan, physics, acquisitions, look)
    return SimulatedCase(contrasts, labels, brain, tissues, grid.spacing_mm, parameters)


def draw_look(settings: SimulatorSettings, plan: TumourPlan, rng: np.random.Generator) -> TumourLook:
    """Returns the composition and the borders of a tumour.

    Args:
        settings: Ranges.
        plan: The tumour.
        rng: Random generator.
    """
    tumour: TumourSettings = settings.tumour
    mismatch = plan.growth is Growth.NON_ENHANCING and rng.random() < MISMATCH_SHARE
    necrotic = plan.growth in (Growth.RING, Growth.SOLID) or plan.cystic or mismatch
    texture = settings.physics.texture
    return TumourLook(
        oedema_edge_mm=float(rng.uniform(*tumour.oedema_edge_mm)),
        core_edge_mm=float(rng.uniform(*tumour.core_edge_mm)),
        label_margin_mm=float(rng.uniform(*tumour.label_margin_mm)),
        saturation=float(rng.uniform(0.55, 0.8) if plan.faint else rng.uniform(0.8, 1.0)),
        cortex_sparing=float(rng.uniform(0.2, 0.85)),
        necrosis=float(rng.uniform(0.8, 3.0) if necrotic else rng.uniform(-4.0, -0.8)),
        sharpness=float(rng.uniform(1.0, 5.0)),
        rim=float(rng.uniform(2.0, 8.0)) if mismatch or plan.cystic else float(rng.uniform(0.0, 2.0)),
        bleeding=float(rng.uniform(-1.5, 0.5)) if plan.bleeding else 0.0,
        texture_t1=texture * float(rng.uniform(0.04, 0.10)),
        texture_t2=texture * float(rng.uniform(0.05, 0.13)),
    )


def _push(
    coarse: CoarseMap, centre: NDArray[np.float64], plan: TumourPlan, settings: SimulatorSettings, rng: np.random.Generator
) -> CoarseMap:
    """Returns the map with the mass effect of the tumour's core."""
    core_radius_mm = plan.radius_mm * plan.core_share ** (1.0 / 3.0)
    amount_mm = float(rng.uniform(*settings.deformation.mass_effect_mm)) * min(core_radius_mm / 20.0, 1.2)
    return add_mass_effect(
        coarse, centre, radius_mm=0.85 * plan.radius_mm, amount_mm=amount_mm, decay_mm=float(rng.uniform(15.0, 35.0))
    )


def _warp(anatomy: Anatomy, sources: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """Returns tissues ``(X, Y, Z)`` uint8 and brain ``(X, Y, Z)`` bool of the anatomy at the sources (nearest voxel)."""
    xp = array_namespace(sources[0])
    size_x, size_y, size_z = anatomy.tissues.shape
    index = None
    for source, size in zip(sources, (size_x, size_y, size_z), strict=True):
        rounded = xp.astype(xp.clip(source + 0.5, 0.0, size - 0.5), xp.int32)
        index = rounded if index is None else index * size + rounded
    packed = xp.asarray((anatomy.tissues | (anatomy.brain.astype(np.uint8) * BRAIN_BIT)).ravel())
    found = xp.reshape(xp.take(packed, xp.reshape(index, (-1,)), axis=0), sources[0].shape)
    return found & (BRAIN_BIT - 1), found >= BRAIN_BIT


def _box(centre: NDArray[np.float64], plan: TumourPlan, settings: SimulatorSettings, xp: ModuleType) -> _Box:
    """Returns the box of a tumour, cut at the grid's border."""
    half_mm = BOX_RADII * plan.radius_mm + BOX_MARGIN_MM
    slices, offsets = [], []
    for axis, (size, edge) in enumerate(zip(settings.grid.shape, settings.grid.spacing_mm, strict=True)):
        first = max(int(np.floor(centre[axis] - half_mm / edge)), 0)
        last = min(int(np.ceil(centre[axis] + half_mm / edge)) + 1, size)
        slices.append(slice(first, last))
        view = [1, 1, 1]
        view[axis] = last - first
        positions = ((np.arange(first, last) - centre[axis]) * edge).astype(np.float32)
        offsets.append(xp.reshape(xp.asarray(positions), tuple(view)))
    return _Box((slices[0], slices[1], slices[2]), (offsets[0], offsets[1], offsets[2]))


def _terrain(
    anatomy: Anatomy,
    sources: tuple[Array, Array, Array],
    tissues: Array,
    box: _Box,
    plan: TumourPlan,
    spacing_mm: tuple[float, float, float],
) -> Terrain:
    """Returns where the tumour may grow, inside its box."""
    local = tissues[box.slices]
    xp = array_namespace(local)
    member = np.zeros(256, dtype=np.bool_)
    member[list(CEREBRUM)] = True
    flat = xp.astype(xp.reshape(local, (-1,)), xp.int32)
    allowed = xp.reshape(xp.take(xp.asarray(member), flat, axis=0), local.shape)
    x, y, z = box.offsets_mm
    allowed = allowed & ((x * x + y * y) + z * z < (BOX_RADII * plan.radius_mm) ** 2)
    white = (local == int(Tissue.WHITE_MATTER)) | (local == int(Tissue.WHITE_MATTER_LESION))
    if plan.one_hemisphere:
        side = _signed_side_mm(anatomy, sources, box)
        centre = tuple(int(xp.argmin(xp.abs(xp.reshape(offset, (-1,))))) for offset in box.offsets_mm)
        sign = 1.0 if float(side[centre]) >= 0.0 else -1.0
        allowed = allowed & (side * sign > -0.5)
    else:
        side = _signed_side_mm(anatomy, sources, box)
        centre = tuple(int(xp.argmin(xp.abs(xp.reshape(offset, (-1,))))) for offset in box.offsets_mm)
        sign = 1.0 if float(side[centre]) >= 0.0 else -1.0
        allowed = allowed & ((side * sign > -0.5) | white)
    return Terrain(
        allowed=allowed,
        fluid=local == int(Tissue.VENTRICLE),
        white=smooth(xp.astype(white, xp.float32), 1.5, spacing_mm),
        offsets_mm=box.offsets_mm,
        spacing_mm=spacing_mm,
    )


def _signed_side_mm(anatomy: Anatomy, sources: tuple[Array, Array, Array], box: _Box) -> Array:
    """Returns the distance from the midline in anatomy mm, positive to the right, inside the box."""
    x, y, z = (source[box.slices] for source in sources)
    constant, per_y, per_z = (float(value) for value in anatomy.midline)
    return x - (constant + per_y * y + per_z * z)


def _paste(
    signals: list[Array],
    tissues: Array,
    labels: Array,
    box: _Box,
    physics: Physics,
    look: TumourLook,
    settings: SimulatorSettings,
    rng: np.random.Generator,
) -> None:
    """Writes the tumour's signals into its box, in place; hard negatives outside the tumour stay."""
    local_labels = labels[box.slices]
    xp = array_namespace(local_labels)
    local = render_tumour(
        tissues[box.slices], local_labels, physics, look, spacing_mm=settings.grid.spacing_mm, rng=rng
    )
    near = smooth(xp.astype(local_labels > 0, xp.float32), look.oedema_edge_mm + 1.0, settings.grid.spacing_mm)
    fade = xp.clip(near * 8.0 - 0.1, 0.0, 1.0)
    for image, rendered in zip(signals, local, strict=True):
        host = image[box.slices]
        image[box.slices] = host + fade * (rendered - host)


def _textured(signals: list[Array], settings: SimulatorSettings, rng: np.random.Generator) -> list[Array]:
    """Returns the signals multiplied by two shared fields of fine texture and one of slow variation."""
    xp = array_namespace(signals[0])
    if settings.physics.texture <= 0.0:
        return signals

    def noise(sigma_mm: float) -> Array:
        return random_field(rng, signals[0].shape, spacing_mm=settings.grid.spacing_mm, sigma_mm=sigma_mm, xp=xp)

    first, second, slow = noise(1.2), noise(2.5), noise(14.0)
    amount = settings.physics.texture * float(rng.uniform(0.015, 0.05))
    result = []
    for image in signals:
        angle = float(rng.uniform(0.0, 2.0 * np.pi))
        mixed = (amount * float(np.cos(angle))) * first + (amount * float(np.sin(angle))) * second
        result.append(image * (1.0 + mixed + (amount * float(rng.normal(0.0, 0.7))) * slow))
    return result


def _acquire_all(
    signals: list[Array], settings: SimulatorSettings, rng: np.random.Generator
) -> tuple[Array, tuple[Acquisition, ...]]:
    """Returns the four images stacked, and how each was acquired.

    Two white-noise volumes serve all contrasts: each takes them mirrored along other axes, so that no voxel shares its
    noise between contrasts.
    """
    xp = array_namespace(signals[0])
    shape = signals[0].shape
    white = [xp.asarray(rng.standard_normal(shape, dtype=np.float32)) for _ in range(2)]
    images, acquisitions = [], []
    for image, axes in zip(signals, ((), (0,), (1,), (2,)), strict=True):
        acquisition = draw_acquisition(settings.acquisition, rng)
        real, imaginary = (xp.flip(noise, axis=axes) if axes else noise for noise in white)
        images.append(
            acquire(image, (real, imaginary), acquisition, spacing_mm=settings.grid.spacing_mm, rng=rng)
        )
        acquisitions.append(acquisition)
    return xp.stack(images), tuple(acquisitions)


def _brain_mask(inside: Array, settings: SimulatorSettings, rng: np.random.Generator) -> Array:
    """Returns the brain mask ``(X, Y, Z)`` bool with a smooth border error."""
    xp = array_namespace(inside)
    spacing_mm = settings.grid.spacing_mm
    soft = smooth(xp.astype(inside, xp.float32), 2.0, spacing_mm)
    error_mm = settings.acquisition.mask_error_mm
    field = random_field(rng, inside.shape, spacing_mm=spacing_mm, sigma_mm=12.0, xp=xp)
    level = 0.5 + 0.2 * error_mm * (field + float(rng.normal(0.0, 0.6)))
    return soft > xp.clip(level, 0.12, 0.88)
