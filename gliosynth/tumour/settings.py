"""Settings of the simulated head and its tumour: the grid, the deformation, the shapes.

Ranges are `Range` (uniform draw), probabilities end in ``_share``. Sources: METHODS.md C.4 and C.5, PROTOTYPE.md 9.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

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


class Family(StrEnum):
    """Where a tumour's shape comes from (METHODS.md C.4 and C.5)."""

    GROWN = "grown"
    """Reaction and diffusion of cells through the anatomy."""
    NOISY = "noisy"
    """Noisy nested ellipsoids."""
    COMPOSITE = "composite"
    """Union of a grown and a noisy shape."""


class Hemisphere(StrEnum):
    """Where a tumour starts."""

    EITHER = "either"
    LEFT = "left"
    RIGHT = "right"


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
    mass_effect_mm: Range = (0.0, 12.0)
    """Largest displacement by the tumour, mm."""


@dataclass(frozen=True)
class TumourSettings:
    """Shapes and composition of the tumour."""

    free_share: float = 0.12
    """Cases without a tumour."""
    family_shares: tuple[float, float, float] = (0.35, 0.5, 0.15)
    """How often grown, noisy and composite shapes are drawn (order of `Family`)."""
    pitch_mm: float = 3.0
    """Edge of the voxels on which growth is solved, mm; finer for small tumours. Cohorts take 2 mm."""
    front_mm: Range = (1.5, 4.5)
    """Width of the front of growing cells, sqrt(D / rho) along tracts, mm."""
    tract_gain: Range = (0.0, 8.0)
    """How much faster cells move along tracts (METHODS.md C.4: a)."""
    heterogeneity: Range = (0.1, 0.6)
    """Standard deviation of the logarithm of the proliferation over the brain."""
    hemisphere: Hemisphere = Hemisphere.EITHER
    """Side on which tumours start."""
    volume_range_ml: Range = (3.0, 250.0)
    """Least and largest whole tumour, ml."""
    growth_shares: tuple[float, float, float, float, float] = (0.5, 0.1, 0.18, 0.19, 0.03)
    """How often ring, solid, patchy, non-enhancing and oedema are drawn (order of `Growth`)."""
    volume_median_ml: float = 95.0
    """Median volume of the whole tumour, ml (log-normal)."""
    volume_log_sd: float = 0.6
    """Standard deviation of the logarithm of the volume."""
    small_share: float = 0.15
    """Cases of 3 to 15 ml."""
    irregularity: Range = (0.12, 0.42)
    """Logarithmic amplitude of the surface noise (METHODS.md C.5: s)."""
    white_matter_preference: Range = (0.1, 0.6)
    """How far oedema avoids other tissue, in tumour radii."""
    butterfly_share: float = 0.05
    """Tumours that start beside the midline and grow through the corpus callosum to the other hemisphere."""
    satellite_share: float = 0.25
    """Tumours with one to three satellite foci."""
    satellite_radius_mm: Range = (2.0, 8.0)
    """Radius of a satellite, mm."""
    rim_mm: Range = (2.2, 7.0)
    """Mean thickness of a ring's rim, mm (drawn evenly in the logarithm)."""
    gap_share: Range = (0.0, 0.25)
    """Share of a rim's surface that does not enhance."""
    nodularity: Range = (0.0, 1.0)
    """How strongly nodules thicken a rim."""
    spared_cortex_share: float = 0.8
    """Tumours whose oedema ends 1 mm outside white matter, so that cortex and U-fibres stay dark."""
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


COHORT_TUMOURS: Final = TumourSettings(
    family_shares=(0.5, 0.35, 0.15), pitch_mm=2.0, growth_shares=(0.55, 0.12, 0.15, 0.15, 0.03), isointense_share=0.06
)
"""Tumours of published cohorts: the families of METHODS.md C.4 and C.5, growth on a 2 mm grid, as often enhancing as
gliomas in BraTS nearly are. Training takes fewer grown tumours on a coarser grid, because it needs a case in about a
second, and more low-grade and isointense ones, because segmenters miss these.
"""
