"""Mass effect: a tumour pushes the brain away, ventricles and sulci give way first, and the skull does not move.

Every ray from the tumour's centre is a row of springs between the tumour's surface and the skull. A spring of soft CSF
is compressed more than one of tissue, so displacement u falls along a ray as the share of compliance still ahead:

    u(s) = u0 (1 - A(s) / A(end)),   A(s) = integral of compliance exp(-(s - s0) / decay) ds

Ventricles on the tumour's side shrink, the midline shifts by what is left of u there. A radial map of rest radius s to
r(s) has the Jacobian determinant (r / s)^2 dr/ds, so it never folds as long as dr/ds = 1 + u'(s) > 0: u0 is limited so
that no spring loses more than `MAX_STRAIN`. Rays are numbered without angles (height z / r and the diamond angle), in
operations that give the same bits everywhere.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, map_coordinates

from gliosynth.anatomy import BRAIN_CSF, PARENCHYMA, Anatomy, Tissue
from gliosynth.elementary import exp
from gliosynth.tumour.deformation import CoarseMap

FLUID_COMPLIANCE: Final = 6.0
"""Compliance of CSF relative to tissue."""

EDGE_COMPLIANCE: Final = 3.0
"""Compliance of the half-filled voxels at a sulcus's edge, relative to tissue."""

MAX_STRAIN: Final = 0.75
"""Largest share of its length that a spring loses."""

HEIGHTS: Final = 25
"""Rays from pole to pole, evenly spaced in z / r."""

TURNS: Final = 40
"""Rays around the axis, evenly spaced in the diamond angle."""

STEP_MM: Final = 2.0
"""Length of a spring, mm."""

LENGTH_MM: Final = 140.0
"""Length of a ray, mm."""

BINOMIAL: Final = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""Smoothing over neighbouring rays."""

Rays = NDArray[np.float64]
"""``(HEIGHTS, TURNS, steps)`` float64."""


def add_mass_effect(
    coarse: CoarseMap,
    anatomy: Anatomy,
    centre: NDArray[np.float64],
    *,
    radius_mm: float,
    amount_mm: float,
    decay_mm: float,
) -> CoarseMap:
    """Returns the map with tissue pushed away from a tumour; inside its radius it is stretched evenly.

    Args:
        coarse: The map before.
        anatomy: The head, whose tissues decide what gives way.
        centre: ``(3,)`` tumour centre in grid voxels.
        radius_mm: Radius of the tumour, mm.
        amount_mm: Displacement wanted at the radius, mm; at most half the radius, and less where there is no room.
        decay_mm: Distance from the tumour over which tissue becomes e times stiffer, mm.
    """
    rest_mm = radius_mm - min(amount_mm, radius_mm / 2)
    compliance = ray_compliance(coarse, anatomy, centre)
    pushed = displacement(compliance, rest_mm=rest_mm, amount_mm=radius_mm - rest_mm, decay_mm=decay_mm)
    spacing = coarse.grid.spacing_mm
    grids = np.meshgrid(*[(n - c) * e for n, c, e in zip(coarse.nodes, centre, spacing, strict=True)], indexing="ij")
    offsets = np.stack(grids).reshape(3, -1)
    distance = np.sqrt((offsets[0] * offsets[0] + offsets[1] * offsets[1]) + offsets[2] * offsets[2]) + 1e-9
    share = 1.0 - at_offsets(pushed, offsets, distance) / distance
    points = (share * offsets) / np.array(spacing)[:, None] + centre[:, None]
    sources = coarse.at(points.T).T.reshape(coarse.sources.shape)
    return CoarseMap(sources.astype(np.float32), coarse.nodes, coarse.grid)


def ray_directions() -> NDArray[np.float64]:
    """Returns the unit vectors of the rays, ``(HEIGHTS, TURNS, 3)``."""
    height = np.linspace(-1.0, 1.0, HEIGHTS)[:, None]
    turn = np.arange(TURNS) * (4.0 / TURNS)
    x = np.abs(turn - 2.0) - 1.0
    y = np.where(turn <= 2.0, 1.0 - np.abs(turn - 1.0), np.abs(turn - 3.0) - 1.0)
    flat = np.sqrt(np.maximum(1.0 - height * height, 0.0)) / np.sqrt(x * x + y * y)
    return np.stack(np.broadcast_arrays(flat * x, flat * y, height + 0.0 * turn), axis=-1)


def ray_compliance(coarse: CoarseMap, anatomy: Anatomy, centre: NDArray[np.float64]) -> Rays:
    """Returns the compliance along the rays from a centre: 0 from the skull on."""
    radii = np.arange(0.0, LENGTH_MM, STEP_MM) + STEP_MM / 2
    points = ray_directions()[:, :, None, :] * radii[:, None] / np.array(coarse.grid.spacing_mm) + centre
    sources = np.rint(coarse.at(points.reshape(-1, 3))).astype(np.int64)
    voxels = np.clip(sources, 0, np.array(anatomy.tissues.shape) - 1)
    soft = _compliance_table()[anatomy.tissues[tuple(voxels.T)]].reshape(points.shape[:3])
    result: Rays = soft * np.cumprod(soft > 0.0, axis=2)
    return result


def displacement(compliance: Rays, *, rest_mm: float, amount_mm: float, decay_mm: float) -> Rays:
    """Returns how far what lies at radius r now has come from, mm, at radii 0, `STEP_MM`, ... of every ray.

    Args:
        compliance: Of the springs, at rest.
        rest_mm: Radius of the tumour's surface before the push.
        amount_mm: Displacement wanted there.
        decay_mm: Distance over which springs become e times stiffer.
    """
    radii = np.arange(compliance.shape[2] + 1) * STEP_MM
    outside = np.clip((radii[1:] - rest_mm) / STEP_MM, 0.0, 1.0)
    softness = compliance * outside * exp(-np.maximum(radii[1:] - rest_mm, 0.0) / decay_mm)
    ahead = np.concatenate([np.zeros((*softness.shape[:2], 1)), np.cumsum(softness, axis=2) * STEP_MM], axis=2)
    total = np.maximum(ahead[..., -1:], 1e-9)
    surface = np.minimum(amount_mm, MAX_STRAIN * total / np.maximum(softness.max(axis=2, keepdims=True), 1e-9))
    inside = np.minimum(radii / rest_mm, 1.0)
    forward = radii + surface * inside * (1.0 - ahead / total)
    came = np.empty_like(forward)
    for ray in np.ndindex(forward.shape[:2]):
        came[ray] = radii - np.interp(radii, forward[ray], radii)
    came = correlate1d(came, BINOMIAL, axis=0, mode="nearest")
    result: Rays = correlate1d(came, BINOMIAL, axis=1, mode="wrap")
    return result


def at_offsets(rays: Rays, offsets_mm: NDArray[np.float64], distance_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns values of rays at points ``(3, N)`` mm from the centre, linear between rays and radii, ``(N,)``."""
    x, y, z = offsets_mm
    height = (z / distance_mm + 1.0) * ((HEIGHTS - 1) / 2)
    flat = np.abs(x) + np.abs(y) + 1e-12
    turn = np.where(y >= 0, 1.0 - x / flat, 3.0 + x / flat) * (TURNS / 4.0)
    around = np.concatenate([rays, rays[:, :1]], axis=1)
    found: NDArray[np.float64] = map_coordinates(
        around, np.stack([height, turn, distance_mm / STEP_MM]), order=1, mode="nearest"
    )
    return found


def _compliance_table() -> NDArray[np.float64]:
    """Returns the compliance of each tissue; 0 for what cannot move."""
    table = np.zeros(256)
    table[list(PARENCHYMA)] = 1.0
    table[[Tissue.ARTERY, Tissue.VEIN, Tissue.DURA, Tissue.OPTIC_NERVE]] = 1.0
    table[[*BRAIN_CSF, Tissue.OUTER_CSF, Tissue.CHOROID_PLEXUS]] = FLUID_COMPLIANCE
    table[Tissue.SULCUS_EDGE] = EDGE_COMPLIANCE
    return table
