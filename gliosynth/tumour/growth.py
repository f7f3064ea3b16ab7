"""Growth of a tumour: two kinds of cells and a nutrient that react and diffuse on a coarse grid (METHODS.md C.4).

Proliferating cells P, necrotic cells N and a nutrient S, all between 0 and 1 (FK_2c of the TumorGrowthToolkit):

    dP/dt = div(D grad P) + rho S P (1 - P - N) - lambda P H(S)
    dN/dt = lambda P H(S)
    dS/dt = div(D_S grad S) - lambda_S S P

H(S) rises from 0 to 1 as the nutrient falls below its threshold sigma. D is that of white matter, a tenth of it in grey
matter, 0 where nothing grows (fluid, falx, beyond the brain: no flux crosses), and larger along tracts. Time steps are
explicit, ``dt = .8 min(dx^2 / (6 max D), 1 / max rho)``. Growth stops when its cells fill the wanted volume.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""``(A, B, C)`` float32 on the coarse grid."""

GREY_SHARE: Final = 0.1
"""Diffusion in grey matter relative to white matter."""

PRESENT: Final = 0.15
"""Density of cells from which a voxel counts as tumour (METHODS.md C.4: oedema .12 to .20)."""

SWITCH_WIDTH: Final = 0.2
"""Width of the nutrient's range over which necrosis sets in."""

SAFETY: Final = 0.8
"""Share of the largest stable time step that is taken."""

TRACE: Final = 1e-4
"""Density of cells below which nothing is computed."""

WINDOW_STEPS: Final = 6
"""Steps between looks at the volume and at the window that holds all cells, and the window's margin in voxels."""

MAX_STEPS: Final = 320
"""Steps after which growth stops in any case: where room is short the wanted volume is never filled."""


@dataclass(frozen=True)
class CellKinetics:
    """The constants of one growth; time is in units of TumorGrowthToolkit (100 units a tumour's life).

    Attributes:
        diffusion: D in white matter, mm² per unit.
        proliferation: rho, per unit.
        tract_gain: How much faster cells move along tracts: D (1 + gain) there.
        necrosis_rate: lambda, per unit.
        necrosis_threshold: sigma, the nutrient at which necrosis sets in.
        nutrient_diffusion: D_S, mm² per unit.
        nutrient_uptake: lambda_S, per unit.
        heterogeneity: Standard deviation of the logarithm of rho over the brain, correlated over a third of the radius.
    """

    diffusion: float
    proliferation: float
    tract_gain: float
    necrosis_rate: float
    necrosis_threshold: float
    nutrient_diffusion: float
    nutrient_uptake: float
    heterogeneity: float


@dataclass(frozen=True, eq=False)
class Host:
    """The tissue that a tumour grows in, on the coarse grid.

    Attributes:
        mobility: ``(A, B, C)`` float32: D relative to white matter away from tracts; 0 where nothing grows.
        vigour: ``(A, B, C)`` float32: rho relative to its mean.
        pitch_mm: Edge of the cubic voxels, mm.
    """

    mobility: Field
    vigour: Field
    pitch_mm: float


@dataclass(frozen=True, eq=False)
class GrowthFields:
    """What has grown.

    Attributes:
        exposure: ``(A, B, C)`` float32: integral of P + N over time; larger where cells came earlier.
        necrotic: ``(A, B, C)`` float32: N.
        steps: Time steps taken.
    """

    exposure: Field
    necrotic: Field
    steps: int


def face_weights(mobility: Field) -> tuple[Field, Field, Field]:
    """Returns the mobility between neighbours along each axis: the harmonic mean, 0 at any barrier."""
    faces = []
    for axis in range(3):
        low, high = np.delete(mobility, -1, axis), np.delete(mobility, 0, axis)
        faces.append((2.0 * low * high / np.maximum(low + high, 1e-9)).astype(np.float32))
    return faces[0], faces[1], faces[2]


def add_diffusion(target: Field, field: Field, faces: tuple[Field, Field, Field]) -> None:
    """Adds ``div(w grad field)`` of one time step to `target` in place; no flux crosses the border.

    Args:
        target: ``(A, B, C)`` float32.
        field: ``(A, B, C)`` float32, another array than `target`.
        faces: Weights between neighbours along each axis, ``D dt / dx^2``.
    """
    for axis, weight in enumerate(faces):
        lower = tuple(slice(None, -1) if other == axis else slice(None) for other in range(3))
        upper = tuple(slice(1, None) if other == axis else slice(None) for other in range(3))
        flux = field[upper] - field[lower]
        flux *= weight
        target[lower] += flux
        target[upper] -= flux


def time_step(kinetics: CellKinetics, host: Host) -> float:
    """Returns a stable time step: `SAFETY` times ``min(dx^2 / (6 D), 1 / rho)``, over cells and nutrient."""
    largest = max(kinetics.diffusion * float(host.mobility.max(initial=0.0)), kinetics.nutrient_diffusion)
    rho = kinetics.proliferation * float(host.vigour.max(initial=0.0))
    return SAFETY * min(host.pitch_mm * host.pitch_mm / (6.0 * largest), 1.0 / rho)


def solve(host: Host, kinetics: CellKinetics, *, seed: tuple[int, int, int], volume_ml: float) -> GrowthFields:
    """Returns the fields of a tumour that has grown from a seed to a volume.

    Args:
        host: The tissue.
        kinetics: The constants.
        seed: Voxel in which the first cells are; growth needs its mobility above 0.
        volume_ml: Volume of voxels with P + N above `PRESENT` at which growth stops.
    """
    step = time_step(kinetics, host)
    wanted = volume_ml * 1000.0 / host.pitch_mm**3
    alive = np.zeros_like(host.mobility)
    alive[seed] = 1.0
    state = _State(alive, np.zeros_like(alive), np.ones_like(alive), np.zeros_like(alive))
    faces = face_weights(host.mobility)
    open_faces = face_weights((host.mobility > 0).astype(np.float32))
    scale = step / host.pitch_mm**2
    steps = 0
    while steps < MAX_STEPS and np.count_nonzero(state.alive + state.necrotic > PRESENT) < wanted:
        window = _window(state.alive + state.necrotic)
        part = _State(*(field[window] for field in (state.alive, state.necrotic, state.nutrient, state.exposure)))
        moving = _cut(faces, window, kinetics.diffusion * scale)
        feeding = _cut(open_faces, window, kinetics.nutrient_diffusion * scale)
        vigour = host.vigour[window] * np.float32(kinetics.proliferation * step)
        for _ in range(WINDOW_STEPS):
            part.advance(kinetics, step, vigour, moving, feeding)
        steps += WINDOW_STEPS
    return GrowthFields(state.exposure, state.necrotic, steps)


@dataclass(eq=False)
class _State:
    """The fields in time; `advance` changes them in place."""

    alive: Field
    necrotic: Field
    nutrient: Field
    exposure: Field

    def advance(
        self,
        kinetics: CellKinetics,
        step: float,
        vigour: Field,
        moving: tuple[Field, Field, Field],
        feeding: tuple[Field, Field, Field],
    ) -> None:
        """Takes one time step, diffusion before reaction, so that no density falls below 0; `vigour` is rho dt."""
        alive, necrotic, nutrient = self.alive, self.necrotic, self.nutrient
        self.exposure += np.float32(step) * (alive + necrotic)
        add_diffusion(alive, alive.copy(), moving)
        add_diffusion(nutrient, nutrient.copy(), feeding)
        dying = np.clip((kinetics.necrosis_threshold - nutrient) / np.float32(SWITCH_WIDTH) + np.float32(0.5), 0, 1)
        dying *= np.float32(min(kinetics.necrosis_rate * step, 1.0))
        dying *= alive
        born = np.clip(1.0 - alive - necrotic, 0.0, 1.0)
        born *= vigour
        born *= nutrient
        born *= alive
        eaten = np.float32(min(kinetics.nutrient_uptake * step, 1.0)) * alive
        eaten *= nutrient
        alive += born
        alive -= dying
        necrotic += dying
        nutrient -= eaten


def _window(cells: Field) -> tuple[slice, slice, slice]:
    """Returns the box of the voxels that hold cells, with the margin that one round of steps can reach."""
    bounds = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero((cells > TRACE).any(axis=others))
        bounds.append(slice(max(int(found[0]) - WINDOW_STEPS, 0), int(found[-1]) + WINDOW_STEPS + 1))
    return bounds[0], bounds[1], bounds[2]


def _cut(
    faces: tuple[Field, Field, Field], window: tuple[slice, slice, slice], factor: float
) -> tuple[Field, Field, Field]:
    """Returns the weights between the voxels of a window, scaled."""
    cut = []
    for axis, weight in enumerate(faces):
        inner = list(window)
        inner[axis] = slice(window[axis].start, min(window[axis].stop, weight.shape[axis] + 1) - 1)
        cut.append(weight[tuple(inner)] * np.float32(factor))
    return cut[0], cut[1], cut[2]
