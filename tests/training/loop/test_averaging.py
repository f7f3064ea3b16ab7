"""Tests of training.loop.averaging."""

import pytest
import torch

from training.loop.averaging import average_into, decay_at


def test_average_moves_by_the_decay() -> None:
    """.9 of the old plus .1 of the new; counters are copied."""
    old, new = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    new.weight.data.fill_(2.0)
    new.num_batches_tracked.fill_(3)
    average_into(old, new, decay=0.9)
    assert float(old.weight.detach()) == pytest.approx(1.1)
    assert int(old.num_batches_tracked) == 3


def test_no_decay_keeps_no_average() -> None:
    """With 0 the average is the network."""
    old, new = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    average_into(old, new, decay=decay_at(1000, ema=0.0))
    assert torch.equal(old.weight, new.weight)


def test_the_decay_rises_with_the_steps() -> None:
    """(1 + n) / (10 + n), at most the wanted one."""
    assert decay_at(0, ema=0.99) == 0.1
    assert decay_at(80, ema=0.99) == 0.9
    assert decay_at(10_000, ema=0.99) == 0.99
