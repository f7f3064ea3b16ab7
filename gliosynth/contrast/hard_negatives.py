"""Bright things that are no tumour: enhancing vessels, periventricular caps and small white-matter lesions.

(Choroid plexus, dura and venous sinuses enhance by their gadolinium in `gliosynth.contrast.physics`; so does bright CSF.)
"""

from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.anatomy import Tissue
from gliosynth.contrast.relaxometry import Range
from gliosynth.contrast.settings import NegativeSettings
from gliosynth.separable import Array, random_field, smooth

VESSEL_SIGMA_MM: Final = 2.2
"""Correlation length of the field whose zero lines are vessels, mm."""

VESSEL_WIDTH: Final[Range] = (0.05, 0.16)
"""Half width of the band around zero, in standard deviations of that field."""

VESSEL_BRIGHTNESS: Final[Range] = (0.15, 1.0)
"""T1c signal added by a vessel, in units of white matter."""

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
    """Returns the weight of periventricular caps and small lesions, ``(X, Y, Z)`` float32 0 to 1, or None for neither."""
    xp = array_namespace(tissues)
    caps, spots = rng.random() < settings.cap_share, rng.random() < settings.lesion_share
    if not caps and not spots:
        return None
    white = (tissues == int(Tissue.WHITE_MATTER)) | (tissues == int(Tissue.WHITE_MATTER_LESION))
    weight = xp.zeros(tissues.shape, dtype=xp.float32)
    field = random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=float(rng.uniform(1.2, 2.2)), xp=xp)
    if caps:
        near = smooth(xp.astype(tissues == int(Tissue.VENTRICLE), xp.float32), 2.5, spacing_mm)
        reach = float(rng.uniform(2.0, 5.0))
        weight = xp.clip(reach * near - 0.25 + 0.15 * field, 0.0, 1.0) * float(rng.uniform(0.2, 0.8))
    if spots:
        weight = xp.maximum(weight, xp.clip(3.0 * (field - float(rng.uniform(2.6, 3.2))), 0.0, 1.0))
    return xp.where(white, weight, xp.zeros_like(weight))
