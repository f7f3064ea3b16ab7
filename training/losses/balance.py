"""Keeps the terms of a loss in balance (paper 002, section 2.3.4: the weights were adapted every 10 epochs).

The paper does not say how. The rule here: over a window of steps the mean of each term is kept; at its end each weight
becomes what makes the weighted term its wanted share of the first term, the image's:

    lambda_t = share_t * mean(L_image) / mean(|L_t|)

so that features of any scale can be terms, and one that falls faster than the others does not vanish from the sum.
The first window is one step long: it gives the units. Later a weight changes by at most a factor of `MOST_CHANGE`, so
that a discriminator that wins for a while does not take over.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from gliosynth.errors import InvalidParameterError

MOST_CHANGE: Final = 2.0
"""Largest factor by which a weight changes at once, up or down."""

LEAST_MEAN: Final = 1e-8
"""Mean below which a term counts as zero and its weight stays."""


class Balance:
    """The weights of the terms of one loss.

    Attributes:
        shares: Wanted size of each weighted term relative to the first, whose weight stays 1.
        every: Steps between two adaptations; 0: none, the shares are the weights for good.
        weights: The weights now, by term.
    """

    def __init__(self, shares: Mapping[str, float], *, every: int) -> None:
        """Starts with nothing seen.

        Raises:
            InvalidParameterError: There is no term, or a share or the window is negative.
        """
        if not shares or min(shares.values()) < 0 or every < 0:
            raise InvalidParameterError(
                f"shares {dict(shares)} every {every} steps: give at least one term, and nothing below 0",
                field="shares",
            )
        self.shares, self.every = dict(shares), every
        self.weights = dict.fromkeys(shares, 1.0) if every else dict(shares)
        self._sums = dict.fromkeys(shares, 0.0)
        self._seen, self._adaptations = 0, 0

    def note(self, sizes: Mapping[str, float]) -> None:
        """Adds the terms' sizes of one step to the window, and adapts the weights where it ends.

        Args:
            sizes: Each term's absolute value, over all devices: the weights must be the same on each.
        """
        if not self.every:
            return
        self._sums = {name: total + sizes[name] for name, total in self._sums.items()}
        self._seen += 1
        if self._seen >= (self.every if self._adaptations else 1):
            self._adapt()

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Returns the weighted sum of the terms."""
        return torch.stack([self.weights[name] * terms[name] for name in self.shares]).sum()

    def state(self) -> dict[str, Tensor]:
        """Returns what resuming needs: weights, sums and counts, float64."""
        names = list(self.shares)
        return {
            "weights": torch.tensor([self.weights[name] for name in names], dtype=torch.float64),
            "sums": torch.tensor([self._sums[name] for name in names], dtype=torch.float64),
            "counts": torch.tensor([self._seen, self._adaptations], dtype=torch.float64),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        names = list(self.shares)
        self.weights = dict(zip(names, state["weights"].tolist(), strict=True))
        self._sums = dict(zip(names, state["sums"].tolist(), strict=True))
        self._seen, self._adaptations = (int(count) for count in state["counts"].tolist())

    def _adapt(self) -> None:
        """Sets the weights by the rule and begins a new window."""
        means = {name: total / self._seen for name, total in self._sums.items()}
        first = next(iter(means.values()))
        for name in list(self.shares)[1:]:
            if means[name] > LEAST_MEAN:
                self.weights[name] = self._limited(name, self.shares[name] * first / means[name])
        self._sums, self._seen = dict.fromkeys(self.shares, 0.0), 0
        self._adaptations += 1

    def _limited(self, name: str, wanted: float) -> float:
        before = self.weights[name]
        return wanted if not self._adaptations else min(max(wanted, before / MOST_CHANGE), before * MOST_CHANGE)
