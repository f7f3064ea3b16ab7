"""What a run leaves behind: options, log, statistics and checkpoints as weights plus JSON, never pickled code."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gliosynth.errors import InvalidParameterError

STATE: Final = "state.safetensors"
"""Name of the file that a run resumes from."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: Optimiser steps done.
        elapsed_s: Seconds spent training, over all starts of the run.
        best_score: Best score of an evaluation so far, -1 before the first.
        best_step: Step of that score.
        sums: Sums of the losses since the last row of stats.jsonl, by name.
        summed: Steps in those sums.
    """

    step: int = 0
    elapsed_s: float = 0.0
    best_score: float = -1.0
    best_step: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)
    summed: int = 0


def record_options(folder: Path, options: dict[str, object]) -> None:
    """Writes options.json, or checks that the run there was started with the same options.

    Raises:
        InvalidParameterError: The folder belongs to a run with other options.
    """
    path = folder / "options.json"
    if path.exists():
        known = json.loads(path.read_text())
        changed = sorted(key for key in {*known, *options} if known.get(key) != options.get(key))
        if changed:
            raise InvalidParameterError(
                f"{folder}: the run there has other values of {changed}; name another --run folder", field=changed[0]
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(options, indent=2) + "\n")


def known_options(folder: Path) -> dict[str, object]:
    """Returns what options.json holds; nothing for a folder that `record_options` did not open."""
    path = folder / "options.json"
    return cast(dict[str, object], json.loads(path.read_text())) if path.exists() else {}


def append_stats(folder: Path, row: dict[str, object]) -> None:
    """Appends one line to stats.jsonl."""
    with (folder / "stats.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def forget_stats(folder: Path, *, after: int) -> None:
    """Removes the rows of steps that a killed run did after its last checkpoint, and a row it left half-written."""
    path = folder / "stats.jsonl"
    if path.exists():
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= after]
        _write(path, "".join(kept).encode())


def save_weights(path: Path, network: nn.Module, facts: dict[str, object]) -> None:
    """Writes a network's weights and, beside them, JSON facts (spec, region, step)."""
    _save(path, {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}, facts)


def load_weights(path: Path, network: nn.Module) -> dict[str, object]:
    """Loads weights that `save_weights` wrote and returns the facts beside them."""
    network.load_state_dict(load_file(path))
    return cast(dict[str, object], json.loads(path.with_suffix(".json").read_text()))


def save_progress(folder: Path, tensors: Mapping[str, Tensor], progress: Progress) -> None:
    """Writes state.safetensors: all that resuming needs, with the progress in its header, complete or not at all."""
    _save_tensors(folder / STATE, tensors, {"progress": json.dumps(vars(progress))})


def load_progress(folder: Path) -> tuple[dict[str, Tensor], Progress]:
    """Returns what `save_progress` wrote last, or no tensors and step 0."""
    path = folder / STATE
    if not path.exists():
        return {}, Progress()
    with safe_open(path, framework="pt") as file:
        return load_file(path), Progress(**json.loads(file.metadata()["progress"]))


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors whose names begin with a prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _save(path: Path, tensors: dict[str, Tensor], facts: dict[str, object]) -> None:
    """Writes weights and JSON beside each other, each complete or not at all."""
    _save_tensors(path, tensors, {})
    _write(path.with_suffix(".json"), (json.dumps(facts, indent=2) + "\n").encode())


def _save_tensors(path: Path, tensors: Mapping[str, Tensor], header: dict[str, str]) -> None:
    scratch = path.with_name(path.name + ".part")
    save_file({name: value.detach().contiguous() for name, value in tensors.items()}, scratch, metadata=header)
    with scratch.open("rb") as file:
        os.fsync(file.fileno())
    scratch.replace(path)


def _write(path: Path, content: bytes) -> None:
    """Writes a file, complete or not at all."""
    scratch = path.with_name(path.name + ".part")
    with scratch.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
