"""Which cases are trained on and which are held out: patients never on both sides, subsets inside each other."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gliosynth.errors import InvalidParameterError
from training.data.mixture import nested_share, restrict
from training.data.ring import Ring
from training.data.sources.facts import CaseFacts
from training.data.sources.filling import SourceRing


@dataclass(frozen=True, eq=False)
class Split:
    """Two parts of a source; no patient is in both.

    Attributes:
        training: Cases to train on.
        held_out: Cases that are never trained on.
    """

    training: SourceRing
    held_out: SourceRing


def split(source: SourceRing, held_out: float, *, seed: int) -> Split:
    """Returns a source divided by patients: the first of a seeded permutation are held out.

    Args:
        source: Cases.
        held_out: Share of the patients, above 0 and below 1; at least one patient stays on each side.
        seed: Of the permutation.

    Raises:
        InvalidParameterError: The share is not between 0 and 1, or there is only one patient.
    """
    patients = sorted({case.patient for case in source.cases})
    if not 0 < held_out < 1 or len(patients) < 2:
        raise InvalidParameterError(
            f"{held_out} of {len(patients)} patients cannot be held out; give a share between 0 and 1 and at least"
            " two patients, or hold none out (--held-out 0)",
            field="held_out",
            got=str(held_out),
        )
    order = np.random.default_rng(seed).permutation(len(patients))
    count = min(max(1, round(held_out * len(patients))), len(patients) - 1)
    outside = {patients[place] for place in order[:count]}
    return Split(
        training=part_of(source, (case for case in source.cases if case.patient not in outside)),
        held_out=part_of(source, (case for case in source.cases if case.patient in outside)),
    )


def nested_patients(source: SourceRing, share: float, *, seed: int) -> SourceRing:
    """Returns the cases of the first patients of a seeded permutation: a smaller share lies inside every larger one.

    Args:
        source: Cases.
        share: Part of the patients, above 0 to 1.
        seed: Of the permutation.

    Raises:
        InvalidParameterError: The share is not above 0 to 1.
    """
    chosen = set(nested_share(sorted({case.patient for case in source.cases}), share, seed=seed))
    return part_of(source, (case for case in source.cases if case.patient in chosen))


def part_of(source: SourceRing, cases: Iterable[CaseFacts]) -> SourceRing:
    """Returns a source with some of its cases; the ring shares its files."""
    kept = tuple(cases)
    ring: Ring = restrict(source.ring, [case.slot for case in kept])
    return SourceRing(ring, kept, source.bad)
