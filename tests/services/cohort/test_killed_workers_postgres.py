"""Two workers on a real PostgreSQL, killed at any moment: the other goes on, and the bytes are the same."""

from collections.abc import Callable

import pytest


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("round_number", range(5))
def test_killed_workers_are_relieved_by_others(
    open_workshop: Callable, new_postgres: Callable[[], str], survive_kills: Callable[..., None], round_number: int
) -> None:
    """Kill -9 of one after the other, five times in a row: complete, no case twice, the bytes of the library alone."""
    survive_kills(open_workshop(new_postgres()), case_count=20, workers=2, seed=100 + round_number)
