"""Bright things that are no tumour: vessels, falx, pituitary, periventricular caps and small white-matter lesions.

(Choroid plexus, dura and venous sinuses enhance by their gadolinium, see `gliosynth.contrast.physics`, where bright CSF
is drawn, too.)
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from array_api_compat import array_namespace

from gliosynth.anatomy import Tissue
from gliosynth.contrast.settings import NegativeSettings
from gliosynth.contrast.vessels import falx, medullary_veins, pituitary, regions, sulcal_vessels
from gliosynth.ranges import Range
from gliosynth.separable import Array, random_field, smooth

VESSEL_BRIGHTNESS: Final[Range] = (0.2, 1.2)
"""T1c signal added by a vessel, in units of white matter."""

INFLOW: Final[Range] = (0.0, 0.35)
"""Part of that which shows before gadolinium, by inflow."""

FLOW_VOID: Final[Range] = (0.0, 0.6)
"""Share of the T2 and FLAIR signal that a vessel loses."""

VEIN_BRIGHTNESS: Final[tuple[Range, Range, Range, Range]] = ((-0.25, 0.0), (-0.15, 0.5), (-0.2, 0.9), (-0.2, 0.2))
"""Signal added by veins and perivascular spaces to t1n, t1c, t2w, t2f, in units of white matter."""

FALX_BRIGHTNESS: Final[Range] = (0.1, 0.9)
"""T1c signal of the falx above that of fluid, in units of white matter."""

GLAND_BRIGHTNESS: Final[tuple[float, Range, float, float]] = (0.9, (1.2, 2.2), 1.2, 1.0)
"""Signal of the pituitary in t1n, t1c, t2w, t2f, relative to white matter."""

HALO_MM: Final[Range] = (5.0, 10.0)
"""Reach of the periventricular halo, mm."""

HALO_WEIGHT: Final[Range] = (0.03, 0.2)
"""Strength of the halo relative to a full lesion."""

CAP_MM: Final = 2.5
"""Reach of periventricular caps, mm."""

CAP_FIELD_MM: Final = 9.0
"""Kernel width of the field that decides where along the ventricles caps lie, mm."""

CAP_LEVEL: Final[Range] = (0.0, 1.0)
"""Level of that field above which they lie, in standard deviations."""

SPOT_LEVEL: Final[Range] = (2.6, 3.2)
"""Level of the random field above which a small lesion begins, in standard deviations."""

LESION_BRIGHTNESS: Final[tuple[Range, Range, Range, Range]] = ((-0.18, 0.0), (-0.18, 0.0), (0.15, 0.7), (0.2, 0.8))
"""Signal added by a full lesion to t1n, t1c, t2w, t2f, in units of white matter."""


def add_negatives(
    signals: list[Array],
    tissues: Array,
    side_mm: Array,
    settings: NegativeSettings,
    *,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Array]:
    """Returns the signals with vessels, falx, pituitary, caps and lesions added.

    Args:
        signals: Four ``(X, Y, Z)`` float32, white matter about 1.
        tissues: ``(X, Y, Z)`` uint8.
        side_mm: ``(X, Y, Z)`` float32: mm from the midline.
        settings: How often each occurs.
        spacing_mm: Voxel edges in mm.
        rng: Random generator.
    """
    if rng.random() < settings.vessel_share:
        signals = add_vessels(signals, sulcal_vessels(tissues, spacing_mm=spacing_mm, rng=rng), rng)
    if rng.random() < settings.vein_share:
        veins = medullary_veins(tissues, spacing_mm=spacing_mm, rng=rng)
        signals = _add(signals, veins, [float(rng.uniform(*limits)) for limits in VEIN_BRIGHTNESS])
    if rng.random() < settings.falx_share:
        sheet = falx(tissues, side_mm) * regions(tissues, spacing_mm=spacing_mm, rng=rng)
        signals = _add(signals, sheet, (0.0, float(rng.uniform(*FALX_BRIGHTNESS)), 0.0, 0.0))
    if rng.random() < settings.gland_share:
        signals = add_pituitary(signals, pituitary(tissues, spacing_mm), rng)
    lesion = white_matter_lesions(tissues, settings, spacing_mm=spacing_mm, rng=rng)
    if lesion is None:
        return signals
    t1_change = float(rng.uniform(*LESION_BRIGHTNESS[0]))
    t2_changes = [float(rng.uniform(*limits)) for limits in LESION_BRIGHTNESS[2:]]
    return _add(signals, lesion, (t1_change, t1_change, *t2_changes))


def add_vessels(signals: list[Array], vessels: Array, rng: np.random.Generator) -> list[Array]:
    """Returns the signals with vessels: bright in t1c, a little in t1n by inflow, dark in t2w and t2f by flow.

    Args:
        signals: Four ``(X, Y, Z)`` float32, white matter about 1.
        vessels: ``(X, Y, Z)`` float32 0 to 1.
        rng: Random generator.
    """
    t1n, t1c, t2w, t2f = signals
    bright, inflow, void = (float(rng.uniform(*limits)) for limits in (VESSEL_BRIGHTNESS, INFLOW, FLOW_VOID))
    kept = 1.0 - void * vessels
    return [t1n + (inflow * bright) * vessels, t1c + bright * vessels, t2w * kept, t2f * kept]


def add_pituitary(signals: list[Array], gland: Array | None, rng: np.random.Generator) -> list[Array]:
    """Returns the signals with the pituitary, where there is one in view."""
    t1n, t1c, t2w, t2f = GLAND_BRIGHTNESS
    values = (t1n, float(rng.uniform(*t1c)), t2w, t2f)
    if gland is None:
        return signals
    return [image + gland * (value - image) for image, value in zip(signals, values, strict=True)]


def _add(signals: list[Array], weight: Array, amounts: Sequence[float]) -> list[Array]:
    """Returns the signals plus a weight times each contrast's amount."""
    return [image + amount * weight if amount else image for image, amount in zip(signals, amounts, strict=True)]


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
        where = random_field(rng, tissues.shape, spacing_mm=spacing_mm, sigma_mm=CAP_FIELD_MM, xp=xp)
        place = xp.clip(2.0 * (where - float(rng.uniform(*CAP_LEVEL))), 0.0, 1.0)
        cap = place * xp.clip(float(rng.uniform(2.0, 5.0)) * near - 0.25 + 0.15 * field, 0.0, 1.0)
        weight = xp.maximum(weight, cap * float(rng.uniform(0.2, 0.8)))
    if spots:
        weight = xp.maximum(weight, xp.clip(3.0 * (field - float(rng.uniform(*SPOT_LEVEL))), 0.0, 1.0))
    return xp.where(white, weight, xp.zeros_like(weight))
