"""Rules that the numbers of edits have in common."""

import math
from typing import Final

from gliosynth.errors import InvalidParameterError

LARGEST_SHIFT_MM: Final = 500.0
"""Largest movement in mm along one direction: twice the length of a head."""

LARGEST_SEED: Final = 2**63 - 1
"""Largest seed: the largest integer of every JSON reader and of protobuf's int64."""


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Refuses a number that is not finite or out of range.

    Args:
        name: The field, for the message.
        value: Its value.
        low: Smallest that is allowed.
        high: Largest that is allowed.

    Raises:
        InvalidParameterError: It is refused.
    """
    if not (math.isfinite(value) and low <= value <= high):
        raise InvalidParameterError(
            f"{name}: {value:g} is outside {low:g} to {high:g}; give a value in that range",
            field=name,
            got=f"{value:g}",
        )


def check_seed(seed: int) -> None:
    """Refuses a seed outside 0 to `LARGEST_SEED`.

    Args:
        seed: The seed.

    Raises:
        InvalidParameterError: It is refused.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise InvalidParameterError(
            f"seed: {seed} is outside 0 to {LARGEST_SEED}; give a value in that range", field="seed", got=str(seed)
        )
