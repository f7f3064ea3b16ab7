"""What is drawn for a painted label map: intensities, settings, and the plan of one map.

See `gliosynth.contrast.label_map.paint_label_map`, which carries the plan out.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gliosynth.contrast.physics import Physics
from gliosynth.contrast.plane_steps import HalfKernel, PlaneField, blur_kernel, draw_field
from gliosynth.contrast.tables import tissue_signals
from gliosynth.errors import InvalidParameterError
from gliosynth.ranges import Range

LARGEST_BIAS: Final = 0.5
"""Largest standard deviation of the logarithm of the bias field that `plane_steps.exponential` is good for."""

LARGEST_DISPLACEMENT_MM: Final = 100.0
"""Largest standard deviation of the deformation, mm: half a head, far beyond any use."""


@dataclass(frozen=True, eq=False)
class IntensityTable:
    """Intensities of labels.

    Attributes:
        mean: ``(C, L)`` float32: mean of each label in each contrast.
        deviation: ``(C, L)`` float32: standard deviation of the voxels of a label, before the blur.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True)
class PaintSettings:
    """What happens to a painted label map; 0 switches a step off."""

    displacement_mm: float = 4.0
    """Standard deviation of the deformation along each axis, mm."""
    displacement_sigma_mm: float = 40.0
    """Kernel width of the deformation field, mm, see `gliosynth.separable.field_matrix`."""
    blur_mm: Range = (0.4, 1.2)
    """Sigma of the blur, mm; drawn for each contrast."""
    bias: float = 0.2
    """Standard deviation of the logarithm of the bias field; at most `LARGEST_BIAS`."""
    bias_sigma_mm: float = 60.0
    """Kernel width of the bias field, mm."""
    noise: Range = (0.01, 0.03)
    """Standard deviation of the noise, in the table's unit; drawn for each contrast."""
    rician: bool = False
    """Whether the noise is that of a magnitude image; else it is normal."""

    def check(self) -> None:
        """Raises InvalidParameterError naming the first setting that is out of its range."""
        for name, limits in (("blur_mm", self.blur_mm), ("noise", self.noise)):
            if not 0.0 <= limits[0] <= limits[1] < math.inf:
                raise InvalidParameterError(
                    f"{name} is {limits}; give a range of at least 0", field=name, got=str(limits)
                )
        for name, value, most in (
            ("displacement_mm", self.displacement_mm, LARGEST_DISPLACEMENT_MM),
            ("bias", self.bias, LARGEST_BIAS),
        ):
            if not 0.0 <= value <= most:
                raise InvalidParameterError(f"{name} is {value}; give 0 to {most}", field=name, got=str(value))
        for name, value in (
            ("displacement_sigma_mm", self.displacement_sigma_mm),
            ("bias_sigma_mm", self.bias_sigma_mm),
        ):
            if not 0.0 < value < math.inf:
                raise InvalidParameterError(f"{name} is {value}; give a length above 0", field=name, got=str(value))


@dataclass(frozen=True, eq=False)
class ContrastPlan:
    """What was drawn for one contrast.

    Attributes:
        index: Which contrast.
        mean: ``(L,)`` float32.
        deviation: ``(L,)`` float32.
        blur: Half of the symmetric kernel along each axis, float32, centre first.
        bias: The logarithm of the bias field, or None.
        noise: Standard deviation of the noise.
        rician: Whether the noise is Rician.
        entropy: Seeds the planes' noise.
    """

    index: int
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    blur: tuple[HalfKernel, HalfKernel, HalfKernel]
    bias: PlaneField | None
    noise: float
    rician: bool
    entropy: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PaintPlan:
    """Everything random of a painted map.

    Attributes:
        displacement: Displacement in voxels along X, Y, Z, or None.
        contrasts: One plan per contrast.
        blur_mm: Sigma of the blur of each contrast, mm.
    """

    displacement: tuple[PlaneField, PlaneField, PlaneField] | None
    contrasts: tuple[ContrastPlan, ...]
    blur_mm: tuple[float, ...]


def tissue_intensities(physics: Physics, *, texture: float = 0.03) -> IntensityTable:
    """Returns the intensities of the values of `gliosynth.anatomy.Tissue` in t1n, t1c, t2w, t2f by the MR physics.

    Args:
        physics: Relaxation constants and protocols, see `gliosynth.contrast.physics.draw_physics`.
        texture: Standard deviation of a tissue's voxels relative to its signal.
    """
    mean = tissue_signals(physics)
    return IntensityTable(mean, (np.abs(mean) * np.float32(texture)).astype(np.float32))


def draw_paint(
    shape: tuple[int, int, int],
    table: IntensityTable,
    *,
    spacing_mm: tuple[float, float, float],
    settings: PaintSettings,
    rng: np.random.Generator,
) -> PaintPlan:
    """Returns everything random of one painted map but the noise itself, of which it holds the seeds."""
    displacement = None
    if settings.displacement_mm > 0.0:
        x, y, z = (
            draw_field(
                shape,
                spacing_mm=spacing_mm,
                sigma_mm=settings.displacement_sigma_mm,
                amount=settings.displacement_mm / edge,
                rng=rng,
            )
            for edge in spacing_mm
        )
        displacement = (x, y, z)
    entropy = tuple(int(word) for word in rng.integers(0, 1 << 32, 4))
    contrasts, blurs = [], []
    for index, (mean, deviation) in enumerate(zip(table.mean, table.deviation, strict=True)):
        blur_mm, noise = float(rng.uniform(*settings.blur_mm)), float(rng.uniform(*settings.noise))
        bias = None
        if settings.bias > 0.0:
            bias = draw_field(
                shape, spacing_mm=spacing_mm, sigma_mm=settings.bias_sigma_mm, amount=settings.bias, rng=rng
            )
        kx, ky, kz = (blur_kernel(blur_mm / edge) for edge in spacing_mm)
        blurs.append(blur_mm)
        contrasts.append(ContrastPlan(index, mean, deviation, (kx, ky, kz), bias, noise, settings.rician, entropy))
    return PaintPlan(displacement, tuple(contrasts), tuple(blurs))
