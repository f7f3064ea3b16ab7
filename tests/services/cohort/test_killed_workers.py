"""Workers on SQLite that are killed at any moment: the cohort completes, with the bytes of an undisturbed run."""

from collections.abc import Callable

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("round_number", range(5))
def test_killed_workers_lose_nothing(workshop, survive_kills: Callable[..., None], round_number: int) -> None:
    """Kill -9 again and again, five times in a row: complete, no case twice, the bytes of the library alone."""
    survive_kills(workshop, case_count=20, workers=1, seed=round_number)
