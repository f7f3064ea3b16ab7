"""Rings of ball volumes: fast, and the same on every machine."""

from pathlib import Path

import pytest
import torch

from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, feed


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Keeps torch to one core."""
    torch.set_num_threads(1)


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    """A full ring of three ball volumes."""
    made = Ring.create(tmp_path / "ring", RingShape(slots=3, slices=12, height=64, width=80))
    feed(made, simulate_ball, seed=5, numbers=range(3))
    return made


@pytest.fixture
def validation(tmp_path: Path) -> Path:
    """A folder with one shifted simulator of one ball volume."""
    made = Ring.create(tmp_path / "validation" / "shifted", RingShape(slots=1, slices=12, height=64, width=80))
    feed(made, simulate_ball, seed=6, numbers=range(1))
    return tmp_path / "validation"
