"""Bright things that are no tumour: enhancing vessels, periventricular caps and small white-matter lesions.

(Choroid plexus, dura and venous sinuses enhance by their gadolinium, see `gliosynth.contrast.physics`, where bright CSF
is drawn, too.)
"""

from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.anatomy import Tissue
from gliosynth.contrast.settings import NegativeSettings
from gliosynth.ranges import Range
from gliosynth.separable import Array, random_field, smooth

VESSEL_SIGMA_MM: Final = 2.2
"""Correlation length of the field whose zero lines are vessels, mm."""

VESSEL_WIDTH: Final[Range] = (0.05, 0.16)
"""Half width of the band around zero, in standard deviations of that field."""

VESSEL_BRIGHTNESS: Final[Range] = (0.15, 1.0)
"""T1c signal added by a vessel, in units of white matter."""

HALO_MM: Final[Range] = (5.0, 10.0)
"""Reach of the periventricular halo, mm."""

HALO_WEIGHT: Final[Range] = (0.05, 0.35)
"""Strength of the halo relative to a full lesion."""

CAP_MM: Final = 2.5
"""Reach of periventricular caps, mm."""

SPOT_LEVEL: Final[Range] = (2.6, 3.2)
"""Level of the random field above which a small lesion begins, in standard deviations."""

LESION_BRIGHTNESS: Final[tuple[Range, Range, Range, Range]] = ((-0.18, 0.0), (-0.18, 0.0), (0.15, 0.7), (0.2, 0.8))
"""Signal added by a full lesion to t1n, t1c, t2w, t2f, in units of white matter."""


def add_negatives(
    signals: list[Array],
    tissues: Array,
    settings: NegativeSettings,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Array]:
    """Returns the signals with vessels, caps and lesions added.

    Args:
        signals: Four ``(X, Y, Z)`` float32, white matter about 1.
        tissues: ``(X, Y, Z)`` uint8.
        settings: How often each occurs.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    t1n, t1c, t2w, t2f = signals
    if rng.random() < settings.vessel_share:
        t1c = t1c + float(rng.uniform(*VESSEL_BRIGHTNESS)) * vessels(tissues, spacing_mm=spacing_mm, rng=rng)
    lesion = white_matter_lesions(tissues, settings, spacing_mm=spacing_mm, rng=rng)
    if lesion is None:
        return [t1n, t1c, t2w, t2f]
    t1_change = float(rng.uniform(*LESION_BRIGHTNESS[0]))
    amounts = (t1_change, t1_change, *(float(rng.uniform(*limits)) for limits in LESION_BRIGHTNESS[2:]))
    return [image + amount * lesion for image, amount in zip((t1n, t1c, t2w, t2f), amounts, strict=True)]


def vessels(tissues: Array, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Returns enhancing vessels in the sulci, ``(X, Y, Z)`` float32 0 or 1.

    The zero surfaces of a random field cut the sheets of sulcal CSF in lines.
    """
    xp = array_namespace(tissues)
    field = random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=VESSEL_SIGMA_MM, xp=xp)
    band = xp.abs(field) < float(rng.uniform(*VESSEL_WIDTH))
    sulci = (tissues == int(Tissue.SULCAL_CSF)) | (tissues == int(Tissue.SULCUS_EDGE))
    return xp.astype(band & sulci, xp.float32)


def white_matter_lesions(
    tissues: Array, settings: NegativeSettings, *, spacing_mm: tuple[float, float, float], rng: np.random.Generator
) -> Array | None:
    """Returns the weight of halo, caps and small lesions, ``(X, Y, Z)`` float32 0 to 1, or None where there is none.

    Args:
        tissues: ``(X, Y, Z)`` uint8.
        settings: How often each occurs.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    xp = array_namespace(tissues)
    shares = (settings.halo_share, settings.cap_share, settings.lesion_share)
    halo, caps, spots = (rng.random() < share for share in shares)
    if not (halo or caps or spots):
        return None
    white = (tissues == int(Tissue.WHITE_MATTER)) | (tissues == int(Tissue.WHITE_MATTER_LESION))
    ventricles = xp.astype(tissues == int(Tissue.VENTRICLE), xp.float32)
    field = random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=float(rng.uniform(1.2, 2.2)), xp=xp)
    weight = xp.zeros(tissues.shape, dtype=xp.float32)
    if halo:
        wide = smooth(ventricles, float(rng.uniform(*HALO_MM)), spacing_mm)
        weight = float(rng.uniform(*HALO_WEIGHT)) * xp.clip(3.0 * wide, 0.0, 1.0) * xp.clip(1.0 + 0.3 * field, 0.0, 2.0)
    if caps:
        near = smooth(ventricles, CAP_MM, spacing_mm)
        cap = xp.clip(float(rng.uniform(2.0, 5.0)) * near - 0.25 + 0.15 * field, 0.0, 1.0)
        weight = xp.maximum(weight, cap * float(rng.uniform(0.2, 0.8)))
    if spots:
        weight = xp.maximum(weight, xp.clip(3.0 * (field - float(rng.uniform(*SPOT_LEVEL))), 0.0, 1.0))
    return xp.where(white, weight, xp.zeros_like(weight))
