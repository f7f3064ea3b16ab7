"""What a spec asks of the generators: settings, movements, donors, and the random generator of each draw."""

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np

from gliosynth.cohort.spec.cohort import CohortSpec
from gliosynth.cohort.spec.generators import ManipulationSection
from gliosynth.cohort.spec.sections import ScannerSection, TumourSection
from gliosynth.contrast.sequences import Family
from gliosynth.contrast.settings import SCANNERS, AcquisitionSettings, PhysicsSettings, SimulatorSettings
from gliosynth.generation import Manipulation
from gliosynth.tumour.settings import Family as Shape
from gliosynth.tumour.settings import GridSettings, Growth, TumourSettings

KindT = TypeVar("KindT", bound=StrEnum)

T1_FAMILIES: Final = (Family.SPIN_ECHO, Family.SPOILED_GRADIENT, Family.MPRAGE, Family.INVERSION_SPIN_ECHO)
"""Order of `PhysicsSettings.t1_family_shares`."""

DONOR_STREAM: Final = 0
"""First part of the spawn key of generators that order the donors."""

CASE_STREAM: Final = 1
"""First part of the spawn key of generators that draw cases."""


def settings_of(spec: CohortSpec) -> SimulatorSettings:
    """Returns the simulator's settings for a cohort: its own, changed where the spec says so."""
    own = SCANNERS[spec.scanner.preset.value]
    return replace(
        own,
        grid=GridSettings(shape=spec.grid.shape, spacing_mm=spec.grid.spacing_mm),
        tumour=_tumour_settings(spec.tumour, own.tumour),
        physics=_physics_settings(spec.scanner, own.physics),
        acquisition=_acquisition_settings(spec.scanner, own.acquisition),
    )


def manipulation_of(spec: CohortSpec) -> Manipulation:
    """Returns how tumours are moved before a network paints them.

    Args:
        spec: Of a generator that is a network, as `parse_spec` returns it.
    """
    asked = spec.manipulation or ManipulationSection()
    return Manipulation(**{field.name: getattr(asked, field.name) for field in fields(Manipulation)})


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


def _tumour_settings(section: TumourSection, own: TumourSettings) -> TumourSettings:
    volume = section.volume_ml
    ring, solid, patchy, non_enhancing, oedema = _frequencies(section.growth, tuple(Growth), own.growth_shares)
    grown, noisy, composite = _frequencies(section.shapes, tuple(Shape), own.family_shares)
    return replace(
        own,
        free_share=section.free_share,
        growth_shares=(ring, solid, patchy, non_enhancing, oedema),
        family_shares=(grown, noisy, composite),
        volume_median_ml=volume.median,
        volume_log_sd=volume.log_sd,
        volume_range_ml=(volume.smallest, volume.largest),
        small_share=section.small_share,
        hemisphere=section.hemisphere,
        butterfly_share=_or(section.butterfly_share, own.butterfly_share),
        satellite_share=_or(section.satellite_share, own.satellite_share),
        cystic_share=_or(section.cystic_share, own.cystic_share),
        haemorrhage_share=_or(section.haemorrhage_share, own.haemorrhage_share),
        faint_oedema_share=_or(section.faint_oedema_share, own.faint_oedema_share),
    )


def _physics_settings(section: ScannerSection, own: PhysicsSettings) -> PhysicsSettings:
    se, spgr, mprage, flair = _frequencies(section.t1_families, T1_FAMILIES, own.t1_family_shares)
    return replace(
        own,
        field_strengths_tesla=section.field_strengths_tesla or own.field_strengths_tesla,
        t1_family_shares=(se, spgr, mprage, flair),
        repeated_t1_share=_or(section.repeated_t1_share, own.repeated_t1_share),
        relaxivity=section.relaxivity or own.relaxivity,
        strong_agent_share=_or(section.strong_agent_share, own.strong_agent_share),
    )


def _acquisition_settings(section: ScannerSection, own: AcquisitionSettings) -> AcquisitionSettings:
    return replace(
        own,
        thick_share=_or(section.thick_slice_share, own.thick_share),
        slice_mm=section.slice_mm or own.slice_mm,
        noise=section.noise or own.noise,
        bias=section.bias or own.bias,
    )


def _frequencies(
    given: Mapping[KindT, float] | None, kinds: tuple[KindT, ...], own: tuple[float, ...]
) -> tuple[float, ...]:
    """Returns how often each kind is drawn, sum 1: what the spec says, or the simulator's own."""
    if given is None:
        return own
    total = sum(given.values())
    return tuple(given.get(kind, 0.0) / total for kind in kinds)


def _or(given: float | None, own: float) -> float:
    """Returns what the spec says, or the simulator's own."""
    return own if given is None else given
