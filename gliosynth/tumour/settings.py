"""Settings of the simulated head and its tumour: the grid, the deformation, the shapes.

Ranges are `Range` (uniform draw), probabilities end in ``_share``. Sources: METHODS.md C.4 and C.5, PROTOTYPE.md 9.
"""

from dataclasses import dataclass
from enum import StrEnum

from gliosynth.ranges import Range


class Growth(StrEnum):
    """How a tumour is built."""

    RING = "ring"
    """Necrotic core inside an enhancing shell."""
    SOLID = "solid"
    """Nearly all of the core enhances."""
    PATCHY = "patchy"
    """Enhancing patches inside a solid core."""
    NON_ENHANCING = "non-enhancing"
    """Solid core without, or with a spot of, enhancement (low grade)."""
    OEDEMA = "oedema"
    """No core."""


@dataclass(frozen=True)
class GridSettings:
    """The grid that is simulated."""

    shape: tuple[int, int, int] = (160, 192, 80)
    """Voxels along X, Y, Z."""
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 2.0)
    """Voxel edges in mm."""


@dataclass(frozen=True)
class DeformationSettings:
    """How the anatomy varies."""

    scale: Range = (0.95, 1.05)
    """Scale of the head relative to a brain of typical volume, drawn per axis around a common draw."""
    rotation_deg: float = 9.0
    """Largest rotation about each axis."""
    coarse_mm: float = 3.0
    """Standard deviation of the wide elastic displacement, mm."""
    fine_mm: float = 1.0
    """Standard deviation of the narrow elastic displacement, mm."""
    mass_effect_mm: Range = (0.0, 8.0)
    """Largest displacement by the tumour, mm."""


@dataclass(frozen=True)
class TumourSettings:
    """Shapes and composition of the tumour."""

    free_share: float = 0.12
    """Cases without a tumour."""
    growth_shares: tuple[float, float, float, float, float] = (0.45, 0.09, 0.17, 0.26, 0.03)
    """How often ring, solid, patchy, non-enhancing and oedema are drawn (order of `Growth`)."""
    volume_median_ml: float = 85.0
    """Median volume of the whole tumour, ml (log-normal)."""
    volume_log_sd: float = 0.6
    """Standard deviation of the logarithm of the volume."""
    small_share: float = 0.15
    """Cases of 3 to 15 ml."""
    irregularity: Range = (0.12, 0.42)
    """Logarithmic amplitude of the surface noise (METHODS.md C.5: s)."""
    white_matter_preference: Range = (0.1, 0.6)
    """How far oedema avoids other tissue, in tumour radii."""
    one_hemisphere_share: float = 0.85
    """Tumours that stay in their hemisphere."""
    satellite_share: float = 0.2
    """Tumours with one or two satellite foci."""
    label_margin_mm: Range = (0.4, 1.0)
    """How far labels reach outside the half height of the oedema's edge, mm."""
    oedema_edge_mm: Range = (1.0, 2.4)
    """Sigma of the oedema's edge, mm."""
    core_edge_mm: Range = (0.6, 1.2)
    """Sigma of the core's edge, mm."""
    faint_oedema_share: float = 0.1
    wet_oedema_share: float = 0.3
    """Rings whose oedema is as bright as tumour."""
    cystic_share: float = 0.10
    """Cores filled with CSF-like fluid."""
    haemorrhage_share: float = 0.10
    isointense_share: float = 0.12
    """Solid tumours nearly as bright as cortex in T2 and FLAIR, hardly any oedema."""
