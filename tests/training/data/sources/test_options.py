"""Tests of training.data.sources.options: what a command line means, and what it opens."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from gliosynth.errors import InvalidParameterError
from training.data.fakes import simulate_ball
from training.data.ring import Ring, RingShape, feed
from training.data.sources.fakes import fake_case, write_brats
from training.data.sources.options import (
    SourceOption,
    SourceOptions,
    add_source_arguments,
    open_sources,
    parse_source,
    source_options_of,
)

PLANE = (96, 104)


def parsed(*words: str) -> SourceOptions:
    """Returns the source options of a command line."""
    parser = argparse.ArgumentParser()
    add_source_arguments(parser)
    return source_options_of(parser.parse_args(words), plane=PLANE)


@pytest.fixture
def simulator(tmp_path: Path) -> Ring:
    """A ring of balls of the trainer's own size."""
    made = Ring.create(tmp_path / "simulator", RingShape(slots=2, slices=12, height=96, width=104))
    feed(made, simulate_ball, seed=1, numbers=range(2))
    return made


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("simulator", SourceOption("simulator", None, 1.0)),
        ("simulator=0.5", SourceOption("simulator", None, 0.5)),
        ("brats:/data/x=0.25", SourceOption("brats", Path("/data/x"), 0.25)),
        ("ring:made/here", SourceOption("ring", Path("made/here"), 1.0)),
        ("/data/x=2", SourceOption("", Path("/data/x"), 2.0)),
        ("/data/a=b/x", SourceOption("", Path("/data/a=b/x"), 1.0)),
        ("bids:/data/seed=3/x=1e-1", SourceOption("bids", Path("/data/seed=3/x"), 0.1)),
    ],
)
def test_a_source_is_a_kind_a_place_and_a_share(text: str, source: SourceOption) -> None:
    """Each of kind and share may be left out; an equals sign in a folder's name is its own."""
    assert parse_source(text) == source
    assert parse_source(str(source)) == source


@pytest.mark.parametrize("text", ["", "brats", "brats:", "nnunet:/data/x", "simulator:/x", "/data/x=0", "/data/x=-1"])
def test_what_is_no_source_is_refused(text: str) -> None:
    """A kind without folder, an unknown kind, a share of nothing."""
    with pytest.raises(argparse.ArgumentTypeError):
        parse_source(text)


def test_without_a_source_a_trainer_draws_from_the_simulator(simulator: Ring) -> None:
    """As it did before there were others."""
    options = parsed()
    assert options.simulated
    assert open_sources(options, simulator).rings.pick(np.random.default_rng(0)) is simulator


def test_folders_rings_and_the_simulator_are_mixed(simulator: Ring, tmp_path: Path) -> None:
    """Half of the slices are simulated, a quarter each of the folder's training patients and of a ring."""
    folder, made = tmp_path / "own", Ring.create(tmp_path / "made", simulator.shape)
    feed(made, simulate_ball, seed=2, numbers=range(1))
    for number in range(2):
        write_brats(folder / f"case{number}", f"case{number}", fake_case(number))
    options = parsed(
        "--source", "simulator=2", "--source", f"brats:{folder}=1", "--source", f"ring:{made.folder}",
        "--source-cache", str(tmp_path / "cache"), "--held-out", "0.5", "--split-seed", "1",
    )  # fmt: skip
    opened = open_sources(options, simulator)
    rng = np.random.default_rng(0)
    drawn = [opened.rings.pick(rng) for _ in range(2000)]
    shares = [sum(ring.folder == place for ring in drawn) / 2000 for place in (simulator.folder, made.folder)]
    assert shares == pytest.approx([0.5, 0.25], abs=0.05)
    own = next(ring for ring in drawn if ring.folder.parent == tmp_path / "cache")
    held_out = opened.held_out["own"]
    assert own.filled == 1
    assert held_out.ring.filled == 1
    assert set(own.held) | set(held_out.ring.held) == {0, 1}


def test_options_are_kept_as_json(tmp_path: Path) -> None:
    """What decides the result is in options.json; where rings are cached and who reads is not."""
    ours = ("--source", "brats:/data/x=0.5", "--source", "simulator=0.5")
    assert parsed(*ours).as_json() == parsed(*ours, "--source-workers", "4", "--source-cache", "/elsewhere").as_json()
    assert parsed(*ours).as_json()["sources"] == ["brats:/data/x=0.5", "simulator=0.5"]
    assert parsed(*ours).as_json() != parsed(*ours, "--split-seed", "1").as_json()


def test_slices_of_other_sizes_are_refused(simulator: Ring, tmp_path: Path) -> None:
    """They cannot lie in one batch; the message lists the rings."""
    other = Ring.create(tmp_path / "other", RingShape(slots=1, slices=4, height=64, width=64))
    with pytest.raises(InvalidParameterError, match=r"other \(64, 64\)"):
        open_sources(parsed("--source", "simulator", "--source", f"ring:{other.folder}"), simulator)


def test_a_ring_that_is_not_there_is_said_so(simulator: Ring, tmp_path: Path) -> None:
    """A mistyped folder is an error of the command line, not a traceback of files."""
    with pytest.raises(InvalidParameterError, match="no ring"):
        open_sources(parsed("--source", f"ring:{tmp_path / 'nowhere'}"), simulator)
