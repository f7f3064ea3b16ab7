"""Tests of training.loop.schedule: learning rates worked out by hand."""

import pytest

from training.loop.options import LoopOptions
from training.loop.run_folder import Progress
from training.loop.schedule import done_share, learning_rate_share

OPTIONS = LoopOptions(steps=1000, warm_up=100, annealed=0.3)


@pytest.mark.parametrize(("step", "share"), [(0, 0.01), (49, 0.5), (99, 1.0), (700, 1.0), (850, 0.5), (1000, 0.0)])
def test_the_rate_rises_stays_and_falls(step: int, share: float) -> None:
    """A hundred steps up, 1 until 70 %, half at 85 %, nothing at the end."""
    assert learning_rate_share(OPTIONS, Progress(step=step)) == pytest.approx(share, abs=1e-12)


def test_without_warm_up_and_annealing_it_is_constant() -> None:
    """As paper 002 has it."""
    constant = LoopOptions(steps=10, warm_up=0, annealed=0.0)
    assert [learning_rate_share(constant, Progress(step=step)) for step in (0, 5, 10)] == [1.0, 1.0, 1.0]


def test_the_budget_that_runs_out_first_counts() -> None:
    """A tenth of the steps in half of the minutes is half of the run."""
    options = LoopOptions(steps=1000, minutes=2.0)
    assert done_share(options, Progress(step=100, elapsed_s=60.0)) == 0.5
    assert done_share(options, Progress(step=900, elapsed_s=60.0)) == 0.9
