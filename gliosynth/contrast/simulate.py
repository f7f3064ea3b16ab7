"""The simulator: an anatomy and settings in, a labelled four-contrast case out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from gliosynth.anatomy import Anatomy
from gliosynth.contrast.artefacts import Acquisition, acquire, draw_acquisition
from gliosynth.contrast.hard_negatives import add_negatives
from gliosynth.contrast.look import TumourLook, draw_look
from gliosynth.contrast.parenchyma import TissueLook, draw_tissue_look, vary_parenchyma
from gliosynth.contrast.physics import Physics, draw_physics
from gliosynth.contrast.render import render_tissues, render_tumour
from gliosynth.contrast.settings import SimulatorSettings
from gliosynth.contrast.tables import tissue_signals
from gliosynth.contrast.texture import add_texture
from gliosynth.elementary import power
from gliosynth.separable import Array, white_noise
from gliosynth.tumour.deformation import CoarseMap, draw_map
from gliosynth.tumour.mass_effect import add_mass_effect
from gliosynth.tumour.plan import TumourPlan, draw_centre, draw_plan
from gliosynth.tumour.scene import Box, Head, box_around, deform, stripped_mask, terrain_of
from gliosynth.tumour.shapes import grow

MIRRORS: Final[tuple[tuple[int, ...], ...]] = ((), (0,), (1,), (2,))
"""Axes along which each contrast takes the case's white noise mirrored."""

FULL_PUSH_MM: Final = 20.0
"""Core radius from which a tumour displaces tissue by all of the drawn mass effect, mm."""

DECAY_MM: Final = (20.0, 60.0)
"""Range over which fluid gives way less and less to the mass effect, mm."""

OEDEMA_EDGES: Final = 3.5
"""Margin around a tumour's labels that is rendered, in sigmas of the oedema's edge."""


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
        tissue_look: Borders and variation of the healthy tissue.
    """

    anatomy: str
    preset: str
    plan: TumourPlan | None
    physics: Physics
    acquisitions: tuple[Acquisition, ...]
    look: TumourLook | None
    tissue_look: TissueLook


@dataclass(frozen=True, eq=False)
class SimulatedCase:
    """One simulated case.

    Attributes:
        contrasts: ``(4, X, Y, Z)`` float32: t1n, t1c, t2w, t2f; white matter about 1, 0 outside the brain.
        labels: ``(X, Y, Z)`` uint8, values of `gliosynth.labels.Label`.
        brain: ``(X, Y, Z)`` bool: brain mask, with border error.
        tissues: ``(X, Y, Z)`` uint8, values of `gliosynth.anatomy.Tissue`, head included.
        spacing_mm: Voxel edges in mm; axes point right, anterior, superior.
        parameters: What was drawn.
    """

    contrasts: Array
    labels: Array
    brain: Array
    tissues: Array
    spacing_mm: tuple[float, float, float]
    parameters: CaseParameters


def simulate_case(
    anatomy: Anatomy, *, settings: SimulatorSettings, rng: np.random.Generator, xp: ModuleType = np
) -> SimulatedCase:
    """Returns one simulated case; the same generator state gives the same bytes.

    Args:
        anatomy: The head.
        settings: A preset or your own.
        rng: Random generator, used for this case alone; it draws the noise, too, see `white_noise`.
        xp: Array library that computes: numpy, or torch on its default device.
    """
    namespace = array_namespace(xp.asarray([0.0]))
    grid, spacing_mm = settings.grid, settings.grid.spacing_mm
    coarse = draw_map(anatomy, grid, settings.deformation, rng)
    plan = None if rng.random() < settings.tumour.free_share else draw_plan(settings.tumour, rng)
    centre = draw_centre(anatomy, coarse, settings.tumour, plan, rng)
    if plan is not None:
        coarse = push(
            coarse, anatomy, centre, plan, largest_mm=float(rng.uniform(*settings.deformation.mass_effect_mm)), rng=rng
        )
    head = deform(anatomy, coarse, namespace)
    bright_csf = bool(rng.random() < settings.negatives.bright_csf_share)
    physics = draw_physics(settings.physics, plan, bright_csf=bright_csf, rng=rng)
    tissue_look = draw_tissue_look(settings.physics, rng)
    signals = render_brain(head, physics, tissue_look, spacing_mm=spacing_mm, rng=rng)
    negatives = settings.negatives
    signals = add_negatives(signals, head.tissues, head.side_mm, negatives, spacing_mm=spacing_mm, rng=rng)
    labels = namespace.zeros(grid.shape, dtype=namespace.uint8)
    look = None
    if plan is not None:
        look = draw_look(settings, plan, rng)
        box = box_around(centre, plan.radius_mm, grid, namespace)
        labels[box.slices] = grow(terrain_of(head, box, plan, spacing_mm), plan, rng)
        paste_tumour(signals, labels, head, box, physics, look, spacing_mm=spacing_mm, rng=rng)
    strength, weights = settings.physics.texture, settings.physics.texture_by_contrast
    signals = add_texture(signals, strength=strength, weights=weights, spacing_mm=spacing_mm, rng=rng)
    contrasts, acquisitions = acquire_all(signals, settings, rng)
    error_mm = settings.acquisition.mask_error_mm
    brain = stripped_mask(head.inside, error_mm=error_mm, spacing_mm=spacing_mm, rng=rng)
    return SimulatedCase(
        contrasts=namespace.where(brain[None, ...], contrasts, namespace.zeros_like(contrasts)),
        labels=namespace.where(brain, labels, namespace.zeros_like(labels)),
        brain=brain,
        tissues=head.tissues,
        spacing_mm=spacing_mm,
        parameters=CaseParameters(anatomy.name, settings.name, plan, physics, acquisitions, look, tissue_look),
    )


def render_brain(
    head: Head, physics: Physics, look: TissueLook, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> list[Array]:
    """Returns the four noise-free signals of a head without tumour and lesions, ``(X, Y, Z)`` float32 each."""
    signals = render_tissues(head.tissues, physics)
    means = tissue_signals(physics)
    return vary_parenchyma(signals, head.tissues, means, look, spacing_mm=spacing_mm, rng=rng)


def push(
    coarse: CoarseMap,
    anatomy: Anatomy,
    centre: NDArray[np.float64],
    plan: TumourPlan,
    *,
    largest_mm: float,
    rng: np.random.Generator,
) -> CoarseMap:
    """Returns the map with the mass effect of a tumour, in proportion to the radius of its core.

    Args:
        coarse: The map before.
        anatomy: The head.
        centre: ``(3,)`` tumour centre in grid voxels.
        plan: The tumour.
        largest_mm: Displacement by a core of `FULL_PUSH_MM`.
        rng: Source of the decay length.
    """
    core_radius_mm = plan.radius_mm * power(plan.core_share, 1.0 / 3.0)
    amount_mm = largest_mm * min(core_radius_mm / FULL_PUSH_MM, 1.2)
    decay_mm = float(rng.uniform(*DECAY_MM))
    radius_mm = 0.85 * plan.radius_mm
    return add_mass_effect(coarse, anatomy, centre, radius_mm=radius_mm, amount_mm=amount_mm, decay_mm=decay_mm)


def paste_tumour(
    signals: list[Array],
    labels: Array,
    head: Head,
    box: Box,
    physics: Physics,
    look: TumourLook,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> None:
    """Writes a tumour's signals into its box, in place; all outside the tumour, hard negatives included, stays."""
    margin_mm = OEDEMA_EDGES * look.oedema_edge_mm + 1.0
    near = tight_slices(labels, box.slices, [math.ceil(margin_mm / edge) for edge in spacing_mm])
    host = [image[near] for image in signals]
    rendered = render_tumour(host, head.tissues[near], labels[near], physics, look, spacing_mm=spacing_mm, rng=rng)
    for image, local in zip(signals, rendered, strict=True):
        image[near] = local


def tight_slices(
    labels: Array, within: tuple[slice, slice, slice], margins: Sequence[int]
) -> tuple[slice, slice, slice]:
    """Returns the smallest box of the labelled voxels inside a box, wider by a margin, cut at the grid's border.

    Args:
        labels: ``(X, Y, Z)`` uint8.
        within: Box that holds all labels; it is returned where there are none.
        margins: Voxels added at both ends of each axis.
    """
    xp = array_namespace(labels)
    marked, result = labels[within] > 0, []
    for axis in range(3):
        found = np.flatnonzero(np.asarray(xp.any(marked, axis=tuple({0, 1, 2} - {axis}))))
        if not found.size:
            return within
        first, last = within[axis].start + int(found[0]), within[axis].start + int(found[-1]) + 1
        result.append(slice(max(first - margins[axis], 0), min(last + margins[axis], labels.shape[axis])))
    x, y, z = result
    return x, y, z


def acquire_all(
    signals: list[Array], settings: SimulatorSettings, rng: np.random.Generator
) -> tuple[Array, tuple[Acquisition, ...]]:
    """Returns the four images ``(4, X, Y, Z)`` float32, and how each was acquired.

    Two white-noise volumes serve all contrasts: each takes them mirrored along other axes, so that no voxel shares its
    noise between contrasts.
    """
    xp = array_namespace(signals[0])
    spacing_mm = settings.grid.spacing_mm
    white = [white_noise(rng, signals[0].shape, xp=xp) for _ in range(2)]
    images, acquisitions = [], []
    for contrast, (image, axes) in enumerate(zip(signals, MIRRORS, strict=True)):
        acquisition = draw_acquisition(settings.acquisition.of(contrast), rng)
        real, imaginary = (xp.flip(noise, axis=axes) if axes else noise for noise in white)
        images.append(acquire(image, (real, imaginary), acquisition, spacing_mm=spacing_mm, rng=rng))
        acquisitions.append(acquisition)
    return xp.stack(images), tuple(acquisitions)
