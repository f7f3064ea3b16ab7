"""Tests of training.loop.run_folder: complete files, one run a folder, no row of a step that is done again."""

import json
from pathlib import Path

import pytest
import torch

from gliosynth.errors import InvalidParameterError
from training.loop.run_folder import (
    Progress,
    append_stats,
    forget_stats,
    load_progress,
    load_weights,
    record_options,
    save_progress,
    save_weights,
)


def test_other_options_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    """A run folder holds one run; the message names what differs."""
    record_options(tmp_path, {"seed": 1, "steps": 2})
    record_options(tmp_path, {"seed": 1, "steps": 2})
    with pytest.raises(InvalidParameterError, match="seed"):
        record_options(tmp_path, {"seed": 7, "steps": 2})


def test_progress_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    """Sums of losses are doubles that JSON keeps exactly."""
    at = Progress(step=3, elapsed_s=0.1 + 0.2, best_score=1 / 3, best_step=2, sums={"loss": 0.1 + 0.7}, summed=2)
    save_progress(tmp_path, {"x": torch.arange(3.0)}, at)
    tensors, again = load_progress(tmp_path)
    assert again == at
    assert torch.equal(tensors["x"], torch.arange(3.0))
    assert load_progress(tmp_path / "nothing") == ({}, Progress())


def test_a_killed_write_leaves_the_file_before(tmp_path: Path) -> None:
    """What a killed process left half-written lies beside the state, not in it."""
    save_progress(tmp_path, {"x": torch.zeros(1)}, Progress(step=1))
    (tmp_path / "state.safetensors.part").write_bytes(b"half")
    assert load_progress(tmp_path)[1].step == 1
    save_progress(tmp_path, {"x": torch.zeros(1)}, Progress(step=2))
    assert load_progress(tmp_path)[1].step == 2
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def test_rows_after_the_checkpoint_are_forgotten(tmp_path: Path) -> None:
    """So is a row that was cut off; those before stay byte for byte."""
    for step in (1, 2, 3):
        append_stats(tmp_path, {"step": step, "loss": 0.5})
    kept = "".join((tmp_path / "stats.jsonl").read_text().splitlines(keepends=True)[:2])
    with (tmp_path / "stats.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    forget_stats(tmp_path, after=2)
    assert (tmp_path / "stats.jsonl").read_text() == kept


def test_weights_lie_beside_their_facts(tmp_path: Path) -> None:
    """Any network of the same shape takes them back, and no code is in the file."""
    made, other = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    save_weights(tmp_path / "best.safetensors", made, {"step": 5})
    assert load_weights(tmp_path / "best.safetensors", other) == {"step": 5}
    assert torch.equal(made.weight, other.weight)
    assert json.loads((tmp_path / "best.json").read_text()) == {"step": 5}
