"""What a spec asks of the simulator: settings, donors, and the random generator of each draw."""

from dataclasses import replace
from typing import Final

import numpy as np

from gliosynth.cohort.sections import ScannerSection, TumourSection
from gliosynth.cohort.spec import CohortSpec
from gliosynth.contrast.sequences import Family
from gliosynth.contrast.settings import TRAINING, AcquisitionSettings, PhysicsSettings, SimulatorSettings
from gliosynth.tumour.settings import GridSettings, Growth, TumourSettings

T1_FAMILIES: Final = (Family.SPIN_ECHO, Family.SPOILED_GRADIENT, Family.MPRAGE, Family.INVERSION_SPIN_ECHO)
"""Order of `PhysicsSettings.t1_family_shares`."""

DONOR_STREAM: Final = 0
"""First part of the spawn key of generators that order the donors."""

CASE_STREAM: Final = 1
"""First part of the spawn key of generators that draw cases."""


def settings_of(spec: CohortSpec) -> SimulatorSettings:
    """Returns the simulator's settings for a cohort: its own, changed where the spec says so."""
    return replace(
        TRAINING,
        name="cohort",
        grid=GridSettings(shape=spec.grid.shape, spacing_mm=spec.grid.spacing_mm),
        tumour=_tumour_settings(spec.tumour),
        physics=_physics_settings(spec.scanner),
        acquisition=_acquisition_settings(spec.scanner),
    )


def generator_of(spec: CohortSpec, index: int, attempt: int) -> np.random.Generator:
    """Returns the generator of one attempt at one case: it depends on nothing but the seed and these two numbers."""
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(CASE_STREAM, index, attempt)))


def donor_of(spec: CohortSpec, index: int, names: tuple[str, ...]) -> str:
    """Returns the anatomy that a case is made from.

    The donors are dealt like cards, shuffled anew in every round, so that even a small cohort uses them evenly. A case
    keeps its donor when it is drawn again.

    Args:
        spec: The cohort.
        index: Number of the case, from 0.
        names: All donors, in a fixed order.
    """
    turn, position = divmod(index, len(names))
    rng = np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(DONOR_STREAM, turn)))
    return names[int(rng.permutation(len(names))[position])]


def _tumour_settings(section: TumourSection) -> TumourSettings:
    own = TRAINING.tumour
    shares = own.growth_shares
    if section.growth is not None:
        total = sum(section.growth.values())
        shares = tuple(section.growth.get(growth, 0.0) / total for growth in Growth)  # type: ignore[assignment]
    return replace(
        own,
        free_share=section.free_share,
        growth_shares=shares,
        volume_median_ml=section.volume_ml.median,
        volume_log_sd=section.volume_ml.log_sd,
        small_share=_or(section.small_share, own.small_share),
        satellite_share=_or(section.satellite_share, own.satellite_share),
        cystic_share=_or(section.cystic_share, own.cystic_share),
        haemorrhage_share=_or(section.haemorrhage_share, own.haemorrhage_share),
        faint_oedema_share=_or(section.faint_oedema_share, own.faint_oedema_share),
    )


def _physics_settings(section: ScannerSection) -> PhysicsSettings:
    own = TRAINING.physics
    return replace(
        own,
        mixture_share=0.0,
        signal_jitter_share=0.0,
        field_strengths_tesla=section.field_strengths_tesla or own.field_strengths_tesla,
        t1_family_shares=_t1_shares(section),
        repeated_t1_share=_or(section.repeated_t1_share, own.repeated_t1_share),
        relaxivity=section.relaxivity or own.relaxivity,
        strong_agent_share=_or(section.strong_agent_share, own.strong_agent_share),
    )


def _t1_shares(section: ScannerSection) -> tuple[float, float, float, float]:
    """Returns how often each family of `T1_FAMILIES` is drawn."""
    if section.t1_families is None:
        return TRAINING.physics.t1_family_shares
    total = sum(section.t1_families.values())
    se, spgr, mprage, flair = (section.t1_families.get(family, 0.0) / total for family in T1_FAMILIES)
    return se, spgr, mprage, flair


def _acquisition_settings(section: ScannerSection) -> AcquisitionSettings:
    own = TRAINING.acquisition
    return replace(
        own,
        thick_share=_or(section.thick_slice_share, own.thick_share),
        slice_mm=section.slice_mm or own.slice_mm,
        noise=section.noise or own.noise,
        bias=section.bias or own.bias,
    )


def _or(given: float | None, own: float) -> float:
    """Returns what the spec says, or the simulator's own."""
    return own if given is None else given
