"""The three sets of cases of a study: base, held out for evaluation, synthetic. Each is made once and kept.

What is simulated stands on three groups of heads without a head in common; the base and the held-out cases share their
physics (``other-physics``), the synthetic ones have the training stream's. So the base plays the part of one hospital's
patients, and the synthetic cases that of a generator which does not know that hospital.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gliosynth.anatomy import anatomy_names, load_anatomy
from gliosynth.contrast.settings import OTHER_PHYSICS, TRAINING, SimulatorSettings
from gliosynth.errors import InvalidParameterError
from training.data.fakes import simulate_ball
from training.data.ring import Ring, Simulate, feed
from training.data.simulated import simulator_on
from training.data.sources.filling import BadCases, FillOptions, SourceRing, source_ring
from training.data.sources.layouts import layout_named
from training.data.sources.options import RING, SIMULATOR, SourceOption
from training.data.sources.splitting import split
from training.study.presets import StudyPreset

LOG = logging.getLogger("training.study")

BASE_HEADS: Final = slice(10, 16)
"""Six of the twenty heads, in the order of their names."""
HELD_OUT_HEADS: Final = slice(16, 20)
"""Four more."""
SYNTHETIC_HEADS: Final = slice(0, 10)
"""The ten that are left."""

BASE_SEED, HELD_OUT_SEED, SYNTHETIC_SEED = 31_000, 32_000, 33_000
"""Seeds of the volumes, far from those of training and of validation."""

SPLIT_SEED: Final = 0
"""Decides which patients of a folder are held out: always the same ones."""


@dataclass(frozen=True, eq=False)
class CaseSet:
    """Cases of one kind.

    Attributes:
        ring: Volumes; nobody renews them.
        names: Name of the case in each held slot, in the order of `Ring.held`.
        origin: What they are, as the report says it.
        real: Whether they may be patients.
    """

    ring: Ring
    names: tuple[str, ...]
    origin: str
    real: bool


@dataclass(frozen=True, eq=False)
class Sets:
    """Base and held-out cases.

    Attributes:
        base: Trained on in every arm.
        held_out: Never trained on.
    """

    base: CaseSet
    held_out: CaseSet


def base_sets(option: SourceOption, preset: StudyPreset, folder: Path) -> Sets:
    """Returns the base and the held-out cases, made now or by an earlier call.

    Args:
        option: The simulator, or a folder of cases, of which a part of the patients is held out.
        preset: How many there are, and how large.
        folder: Where what is made is kept.

    Raises:
        InvalidInputError: A folder has no known layout or no case.
        InvalidParameterError: A folder has too few patients to hold some out.
    """
    if option.kind == SIMULATOR:
        base = _simulated(folder / "base", preset, OTHER_PHYSICS, BASE_HEADS, count=preset.base_cases, seed=BASE_SEED)
        held_out = _simulated(
            folder / "held-out", preset, OTHER_PHYSICS, HELD_OUT_HEADS, count=preset.held_out_cases, seed=HELD_OUT_SEED
        )
        return Sets(base, held_out)
    parts = split(_read(option, preset, folder), preset.held_out_share, seed=SPLIT_SEED)
    return Sets(_set_of(parts.training, option), _set_of(parts.held_out, option))


def synthetic_set(option: SourceOption, preset: StudyPreset, folder: Path) -> CaseSet:
    """Returns synthetic cases from the simulator or a folder (such as a cohort of ours), see `base_sets`."""
    if option.kind == SIMULATOR:
        settings = replace(TRAINING, tumour=replace(TRAINING.tumour, free_share=0.0))
        return _simulated(
            folder / "synthetic", preset, settings, SYNTHETIC_HEADS, count=preset.synthetic_cases, seed=SYNTHETIC_SEED
        )
    return _set_of(_read(option, preset, folder), option)


def _simulated(
    folder: Path, preset: StudyPreset, settings: SimulatorSettings, heads: slice, *, count: int, seed: int
) -> CaseSet:
    ring = Ring.create(folder, replace(preset.shape, slots=count))
    missing = sorted(set(range(count)) - {int(slot) for slot in ring.held})
    if missing:
        LOG.info("simulating %d cases into %s", len(missing), folder.name)
        feed(ring, _simulate(preset, settings, heads), seed=seed, numbers=missing)
    names = tuple(f"{folder.name}-{slot:03d}" for slot in ring.held)
    if preset.simulated == "balls":
        return CaseSet(ring, names, f"{count} balls in balls: a check of the machinery, not brains", real=False)
    chosen = anatomy_names()[heads]
    text = f"{count} simulated cases (preset {settings.name}, heads {chosen[0]} to {chosen[-1]})"
    return CaseSet(ring, names, text, real=False)


def _simulate(preset: StudyPreset, settings: SimulatorSettings, heads: slice) -> Simulate:
    if preset.simulated == "balls":
        return simulate_ball
    return simulator_on(settings, [load_anatomy(name) for name in anatomy_names()[heads]])


def _read(option: SourceOption, preset: StudyPreset, folder: Path) -> SourceRing:
    """Returns the cases of a folder."""
    if option.folder is None or option.kind == RING:
        raise InvalidParameterError(
            f"a study cannot take {option.kind or 'this'}; give simulator or a folder of cases", field="source"
        )
    fill = FillOptions(cache=folder / "sources", bad_cases=BadCases.SKIP, shape=replace(preset.shape, slots=1))
    return source_ring(option.folder, fill, layout=layout_named(option.kind) if option.kind else None)


def _set_of(source: SourceRing, option: SourceOption) -> CaseSet:
    names = {case.slot: case.name for case in source.cases}
    patients = len({case.patient for case in source.cases})
    text = f"{len(names)} cases of {patients} patients of {option.folder.name if option.folder else ''}"
    return CaseSet(source.ring, tuple(names[int(slot)] for slot in source.ring.held), text, real=True)
