"""The arms of the study: the base cases alone, and with growing, nested parts of the synthetic ones."""

from dataclasses import dataclass
from fractions import Fraction

from training.data.mixture import Mixture, nested_subset
from training.data.ring import Ring
from training.study.presets import SHARES

BASE = "base"
"""Name of the arm that the others are compared with."""


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        name: ``base``, ``+1/4``, ``+1/2``, ``+3/4``, ``+all``.
        share: Part of the synthetic cases that is added, 0 to 1.
    """

    name: str
    share: float

    @property
    def folder(self) -> str:
        """The name as that of a folder."""
        return self.name.replace("+", "plus-").replace("/", "-")


def arms() -> tuple[Arm, ...]:
    """Returns the arms of paper 002, the base first."""
    return tuple(Arm(_name(share), share) for share in SHARES)


def rings_of(arm: Arm, base: Ring, synthetic: Ring, *, seed: int) -> Mixture:
    """Returns what an arm draws from: every case equally often, as in one pile.

    Args:
        arm: Arm.
        base: Base cases.
        synthetic: All synthetic cases.
        seed: Of the run; orders the synthetic cases, so that each seed nests other ones.
    """
    if not arm.share:
        return Mixture((base,), (1.0,))
    added = nested_subset(synthetic, arm.share, seed=seed)
    return Mixture((base, added), (float(base.filled), float(added.filled)))


def _name(share: float) -> str:
    if share in (0.0, 1.0):
        return "+all" if share else BASE
    return f"+{Fraction(share).limit_denominator(100)}"
