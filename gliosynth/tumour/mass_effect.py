"""Mass effect: a tumour pushes the brain away, ventricles and sulci give way, and the skull does not move.

Tissue cannot be compressed, so it moves like a potential flow u = grad phi from where volume is gained to where it is
lost, on the nodes of the map, with no flow through the skull:

    div grad phi = gain - loss,   gain = 3 (R / s0 - 1) in tumour tissue,   loss_i = min(limit, load compliance_i)

s0 and R are the tumour's radius at rest and after growth, and compliance is that of ventricles and sulci, falling off
with distance from the tumour. The one load is what makes losses equal gains. So ventricles near the tumour shrink, the
midline shifts by what is left there, and what lies between tumour and skull slides aside. A large tumour grows in two
rounds. Each round's displacement is scaled down until its Jacobian determinant is above `LEAST_JACOBIAN` everywhere:
neither it nor the composition folds.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from gliosynth.anatomy import BRAIN_CSF, PARENCHYMA, Anatomy, Tissue
from gliosynth.elementary import exp
from gliosynth.tumour.deformation import CoarseMap
from gliosynth.tumour.growth import Field, add_diffusion, face_weights

VENTRICLE_COMPLIANCE: Final = 10.0
"""Compliance of ventricles relative to sulci."""

EDGE_SHARE: Final = 0.5
"""Compliance of the half-filled voxels at a sulcus's edge relative to sulci."""

LOSS_LIMIT: Final = 0.75
"""Largest share of its volume that fluid loses."""

LARGEST_SHARE: Final = 0.4
"""Largest displacement at the tumour's surface relative to its radius."""

ROUND_MM: Final = 5.0
"""Displacement from which a tumour grows in two rounds, mm."""

LEAST_JACOBIAN: Final = 0.12
"""Least determinant of the displacement's Jacobian."""

SOLVER_STEPS: Final = 50
"""Steps of conjugate gradients, at most."""

SOLVED: Final = 1e-7
"""Squared residual relative to the first at which they end: beyond it float32 has nothing left to gain."""

INVERSION_STEPS: Final = 5
"""Fixed-point steps that invert the displacement."""

BISECTIONS: Final = 30
"""Halvings of the interval of the load."""

SHRINK: Final = 0.85
"""Factor by which a folding displacement is scaled down until it does not fold."""


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
        amount_mm: Displacement wanted at the radius, mm; less is applied where there is no room.
        decay_mm: Distance from the tumour over which fluid becomes e times less compliant, mm.
    """
    rest_mm = radius_mm - min(amount_mm, LARGEST_SHARE * radius_mm)
    rounds = 2 if radius_mm - rest_mm > ROUND_MM else 1
    radii_mm = np.linspace(rest_mm, radius_mm, rounds + 1)
    for first_mm, last_mm in pairwise(radii_mm):
        coarse = _pushed(coarse, anatomy, centre, radii_mm=(float(first_mm), float(last_mm)), decay_mm=decay_mm)
    return coarse


def _pushed(
    coarse: CoarseMap,
    anatomy: Anatomy,
    centre: NDArray[np.float64],
    *,
    radii_mm: tuple[float, float],
    decay_mm: float,
) -> CoarseMap:
    """Returns the map after a tumour has grown from one radius to another."""
    rest_mm, radius_mm = radii_mm
    spacing_mm = coarse.grid.spacing_mm
    edges_mm = np.array([(n[1] - n[0]) * e for n, e in zip(coarse.nodes, spacing_mm, strict=True)])
    offsets = [(n - c) * e for n, c, e in zip(coarse.nodes, centre, spacing_mm, strict=True)]
    x, y, z = np.meshgrid(*offsets, indexing="ij")
    distance_mm = np.sqrt((x * x + y * y) + z * z)
    tissues = node_tissues(coarse, anatomy)
    source = sources_and_sinks(
        tissues, distance_mm, stretch=radius_mm / rest_mm - 1.0, rest_mm=rest_mm, decay_mm=decay_mm
    )
    moving = (_compliance() >= 0.0)[tissues]
    pushed = unfolded(flow(source, moving, edges_mm), edges_mm)
    return moved(coarse, pushed, edges_mm)


def node_tissues(coarse: CoarseMap, anatomy: Anatomy) -> NDArray[np.uint8]:
    """Returns the tissue at each node of a map, ``(A, B, C)`` uint8."""
    index = [
        np.clip(np.rint(source).astype(np.int64), 0, size - 1)
        for source, size in zip(coarse.sources, anatomy.tissues.shape, strict=True)
    ]
    found: NDArray[np.uint8] = anatomy.tissues[index[0], index[1], index[2]]
    return found


def sources_and_sinks(
    tissues: NDArray[np.uint8], distance_mm: NDArray[np.float64], *, stretch: float, rest_mm: float, decay_mm: float
) -> Field:
    """Returns the volume that each node gains relative to its own, ``(A, B, C)`` float32, with sum 0.

    Args:
        tissues: ``(A, B, C)`` uint8.
        distance_mm: ``(A, B, C)`` mm from the tumour's centre.
        stretch: Displacement at the tumour's surface relative to its radius at rest.
        rest_mm: That radius, mm.
        decay_mm: Distance over which fluid becomes e times less compliant, mm.
    """
    compliance = _compliance()[tissues]
    fluid = np.maximum(compliance, 0.0) * exp(-np.maximum(distance_mm - rest_mm, 0.0) / decay_mm)
    gain = np.where((compliance == 0.0) & (distance_mm <= rest_mm), 3.0 * stretch, 0.0)
    gained = float(gain.sum())
    low, high = 0.0, 100.0
    for _ in range(BISECTIONS):
        load = 0.5 * (low + high)
        short = float(np.minimum(LOSS_LIMIT, load * fluid).sum()) < gained
        low, high = (load, high) if short else (low, load)
    loss = np.minimum(LOSS_LIMIT, low * fluid)
    share = float(loss.sum()) / max(gained, 1e-9)
    return np.asarray(gain * min(share, 1.0) - loss, dtype=np.float32)


def flow(source: Field, moving: NDArray[np.bool_], edges_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the displacement ``(3, A, B, C)`` in mm whose divergence is the source; none crosses the skull.

    Args:
        source: ``(A, B, C)`` float32 with sum 0.
        moving: ``(A, B, C)`` bool: what is not skull.
        edges_mm: ``(3,)`` distance of the nodes, mm.
    """
    faces = face_weights(moving.astype(np.float32))
    weights = tuple((face / np.float32(edge * edge)) for face, edge in zip(faces, edges_mm, strict=True))
    potential = np.zeros_like(source)
    rest = -source
    search, power = rest.copy(), _dot(rest, rest)
    enough = SOLVED * power
    for _ in range(SOLVER_STEPS):
        if power <= enough:
            break
        image = np.zeros_like(search)
        add_diffusion(image, search, (weights[0], weights[1], weights[2]))
        image *= np.float32(-1.0)
        step = np.float32(power / max(_dot(search, image), 1e-30))
        potential += step * search
        rest -= step * image
        power, before = _dot(rest, rest), power
        search = rest + np.float32(power / max(before, 1e-30)) * search
    pushed = np.zeros((3, *source.shape))
    for axis, (face, edge) in enumerate(zip(faces, edges_mm, strict=True)):
        slope = np.diff(potential, axis=axis) * face / (2.0 * edge)
        lower = tuple(slice(None, -1) if other == axis else slice(None) for other in range(3))
        upper = tuple(slice(1, None) if other == axis else slice(None) for other in range(3))
        pushed[axis][lower] += slope
        pushed[axis][upper] += slope
    return pushed


def unfolded(pushed: NDArray[np.float64], edges_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a displacement ``(3, A, B, C)`` in mm, scaled down until its least determinant is `LEAST_JACOBIAN`."""
    slopes = [np.gradient(part, *edges_mm) for part in pushed]
    scale = 1.0
    while _determinant(slopes, scale).min() < LEAST_JACOBIAN:
        scale *= SHRINK
    return pushed * scale


def moved(coarse: CoarseMap, pushed: NDArray[np.float64], edges_mm: NDArray[np.float64]) -> CoarseMap:
    """Returns the map after everything has moved: what is at g now was at the rest position x with x + u(x) = g.

    Args:
        coarse: The map before.
        pushed: ``(3, A, B, C)`` displacement in mm of what is at each node at rest.
        edges_mm: ``(3,)`` distance of the nodes, mm.
    """
    nodes = np.stack(np.meshgrid(*[np.arange(n.size, dtype=np.float64) for n in coarse.nodes], indexing="ij"))
    shift = pushed / edges_mm[:, None, None, None]
    rest = nodes - shift
    for _ in range(INVERSION_STEPS):
        rest = nodes - np.stack([map_coordinates(part, rest, order=1, mode="nearest") for part in shift])
    sources = np.stack([map_coordinates(part, rest, order=1, mode="nearest") for part in coarse.sources])
    return CoarseMap(sources.astype(np.float32), coarse.nodes, coarse.grid)


def _determinant(slopes: list[list[NDArray[np.float64]]], scale: float) -> NDArray[np.float64]:
    """Returns the determinant of the identity plus a scaled gradient at every node."""
    (a, b, c), (d, e, f), (g, h, i) = slopes
    a, e, i = 1.0 + scale * a, 1.0 + scale * e, 1.0 + scale * i
    square, cross = scale * scale, scale * scale * scale
    found: NDArray[np.float64] = (
        a * e * i - a * (square * f * h) - e * (square * c * g) - i * (square * b * d) + cross * (b * f * g + c * d * h)
    )
    return found


def _dot(first: Field, second: Field) -> float:
    """Returns the scalar product in float64."""
    return float((first * second).sum(dtype=np.float64))


def _compliance() -> NDArray[np.float64]:
    """Returns the compliance of each tissue: above 0 for fluid, 0 for what only flows, -1 for what stays."""
    table = np.full(256, -1.0)
    table[[*PARENCHYMA, Tissue.ARTERY, Tissue.VEIN, Tissue.DURA, Tissue.OPTIC_NERVE]] = 0.0
    table[[*BRAIN_CSF, Tissue.OUTER_CSF]] = 1.0
    table[[Tissue.VENTRICLE, Tissue.CHOROID_PLEXUS]] = VENTRICLE_COMPLIANCE
    table[Tissue.SULCUS_EDGE] = EDGE_SHARE
    return table
