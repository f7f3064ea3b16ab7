"""Several rings drawn from as one, by ratio, and parts of a ring that lie inside each other.

A batch is a function of its generator and of the rings: which ring a slice comes from is drawn from the same generator
as everything else, one number a slice, and none where there is only one ring to draw from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gliosynth.errors import InvalidParameterError
from training.data.ring import EMPTY, Ring


class Rings(Protocol):
    """Where slices are drawn from: a ring itself, or several."""

    def advance(self, step: int) -> None:
        """Waits for the volumes that a step draws from, where a simulator streams them."""

    def pick(self, rng: np.random.Generator) -> Ring:
        """Returns the ring that the next slice comes from."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """Rings drawn from by ratio.

    Attributes:
        rings: At least one.
        shares: How often each is drawn from, above 0; only their ratios count.
    """

    rings: tuple[Rings, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuses shares that are no ratio.

        Raises:
            InvalidParameterError: There is no ring, not one share a ring, or a share that is not above 0.
        """
        if not self.rings or len(self.rings) != len(self.shares):
            raise InvalidParameterError(
                f"{len(self.rings)} rings with {len(self.shares)} shares; give each ring one, at least one in all",
                field="shares",
                got=str(self.shares),
            )
        if not all(np.isfinite(share) and share > 0 for share in self.shares):
            raise InvalidParameterError(
                f"shares of {self.shares} cannot be drawn; every share must be above 0, leave out what is not wanted",
                field="shares",
                got=str(self.shares),
            )

    def advance(self, step: int) -> None:
        """Waits for the volumes that a step draws from, in every ring."""
        for rings in self.rings:
            rings.advance(step)

    def pick(self, rng: np.random.Generator) -> Ring:
        """Returns a ring, each as often as its share says.

        Args:
            rng: Asked for one number, or none where there is only one ring.
        """
        if len(self.rings) == 1:
            return self.rings[0].pick(rng)
        edges = np.cumsum(self.shares) / np.sum(self.shares)
        # Rounding may leave the last edge below 1.
        chosen = min(int(np.searchsorted(edges, rng.random(), side="right")), len(self.rings) - 1)
        return self.rings[chosen].pick(rng)


def restrict(ring: Ring, slots: Sequence[int] | NDArray[np.intp]) -> Ring:
    """Returns a view of a ring in which every other slot is empty; it shares the files, and nothing is copied.

    For rings that nobody renews: the view keeps the volume numbers that it was made with.

    Args:
        ring: Ring.
        slots: Slots that stay.
    """
    view = Ring(ring.folder)
    hidden = np.ones(ring.shape.slots, dtype=np.bool_)
    hidden[np.asarray(slots, dtype=np.intp)] = False
    index = np.array(ring.index)
    index[hidden, 0] = EMPTY
    view.index = index
    return view


def nested_subset(ring: Ring, share: float, *, seed: int) -> Ring:
    """Returns the first volumes of a seeded permutation of a ring: a smaller share lies inside every larger one.

    Args:
        ring: Ring that nobody renews.
        share: Part of the volumes, above 0 to 1; rounded to whole volumes, at least one.
        seed: Of the permutation.

    Raises:
        InvalidParameterError: The share is not above 0 to 1, or the ring is empty.
    """
    held = np.flatnonzero(ring.index[:, 0] != EMPTY)
    chosen = nested_share([str(slot) for slot in held], share, seed=seed)
    return restrict(ring, [int(slot) for slot in chosen])


def nested_share(names: Sequence[str], share: float, *, seed: int) -> tuple[str, ...]:
    """Returns the first names of a seeded permutation, in their order there.

    Args:
        names: Cases or patients, in any order; the permutation is that of the sorted names.
        share: Part of them, above 0 to 1; rounded to whole ones, at least one.
        seed: Of the permutation.

    Raises:
        InvalidParameterError: The share is not above 0 to 1, or there is no name.
    """
    if not 0 < share <= 1 or not names:
        raise InvalidParameterError(
            f"a share of {share} of {len(names)} cases cannot be taken; give a share above 0 and up to 1, and cases",
            field="share",
            got=str(share),
        )
    ordered = sorted(names)
    order = np.random.default_rng(seed).permutation(len(ordered))
    return tuple(ordered[place] for place in order[: max(1, round(share * len(ordered)))])
