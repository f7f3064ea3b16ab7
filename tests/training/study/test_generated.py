"""Tests of training.study.generated: a generator's run paints the base cases with their lesions somewhere else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gliosynth.errors import InvalidInputError
from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, feed
from training.generation.presets import GENERATORS, network_of
from training.loop.run_folder import save_weights
from training.study.generated import generated_set, load_generator
from training.study.sets import CaseSet


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The run folder of a joint generator that has learnt nothing."""
    preset = GENERATORS["tiny"]
    torch.manual_seed(1)
    facts = {
        "kind": preset.kind,
        "spec": preset.spec.as_json(),
        "contrasts": ["t1n", "t1c", "t2w", "t2f"],
        "step": 0,
    }
    (tmp_path / "generator").mkdir()
    save_weights(tmp_path / "generator" / "best.safetensors", network_of(preset.spec), facts)
    return tmp_path / "generator"


@pytest.fixture
def base(tmp_path: Path) -> CaseSet:
    """Two ball volumes."""
    ring = Ring.create(tmp_path / "base", RingShape(slots=2, slices=12, height=64, width=80))
    feed(ring, simulate_ball, seed=7, numbers=range(2))
    return CaseSet(ring, ("a", "b"), "2 balls", real=False)


def test_lesions_move_and_brains_stay(run: Path, base: CaseSet, tmp_path: Path) -> None:
    """One synthetic case of each base case: the same brain, a tumour somewhere else, images that are not the base's."""
    made = generated_set([run], base, tmp_path / "data", seed=1)
    assert made.names == ("painted-a", "painted-b")
    planes = np.arange(12)
    for slot in (0, 1):
        before, after = base.ring.read(slot, planes), made.ring.read(slot, planes)
        assert before is not None
        assert after is not None
        assert np.array_equal(before.brain, after.brain)
        assert after.labels.any()
        assert not np.array_equal(before.labels, after.labels)
        assert not after.labels[~after.brain].any()
        assert not np.moveaxis(after.contrasts, 1, 0)[:, ~after.brain].any()
        inside = np.moveaxis(after.contrasts, 1, 0)[:, after.brain]
        assert inside.mean(axis=1) == pytest.approx(np.zeros(4), abs=0.1)


def test_painted_cases_are_made_once_and_depend_on_the_seed(run: Path, base: CaseSet, tmp_path: Path) -> None:
    """A second call leaves the files alone; another seed moves the lesions elsewhere."""
    first = generated_set([run], base, tmp_path / "one", seed=1)
    written = (tmp_path / "one" / "synthetic" / "labels.npy").read_bytes()
    generated_set([run], base, tmp_path / "one", seed=1)
    assert (tmp_path / "one" / "synthetic" / "labels.npy").read_bytes() == written
    other = generated_set([run], base, tmp_path / "two", seed=2)
    assert not np.array_equal(first.ring.areas, other.ring.areas)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """The message says which run is meant."""
    with pytest.raises(InvalidInputError, match=r"training\.train_generator"):
        load_generator(tmp_path)
