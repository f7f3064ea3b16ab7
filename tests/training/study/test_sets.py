"""Tests of training.study.sets: a folder of cases as base, patients on one side alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from gliosynth.errors import InvalidParameterError
from training.data.ring import RingShape
from training.data.sources.fakes import fake_case, write_brats
from training.data.sources.options import SIMULATOR, parse_source
from training.study.presets import preset_named
from training.study.sets import base_sets, synthetic_set

TINY = preset_named("tiny")


def test_simulated_sets_are_filled_once(tmp_path: Path) -> None:
    """Asked for again, the files stay as they are, and the report may say that no patient is in them."""
    first = base_sets(parse_source(SIMULATOR), TINY, tmp_path)
    images = tmp_path / "base" / "images.npy"
    before = images.stat().st_mtime_ns
    again = base_sets(parse_source(SIMULATOR), TINY, tmp_path)
    assert images.stat().st_mtime_ns == before
    assert again.base.names == first.base.names == ("base-000", "base-001", "base-002")
    assert not first.base.real
    assert synthetic_set(parse_source(SIMULATOR), TINY, tmp_path).ring.filled == TINY.synthetic_cases


def test_a_folder_is_split_by_patients(tmp_path: Path) -> None:
    """Of two BraTS cases one is held out, by name, and they may be patients."""
    for number in (1, 2):
        write_brats(tmp_path / "data" / f"case-{number}", f"case-{number}", fake_case(number))
    preset = replace(TINY, shape=RingShape(slots=1, slices=50, height=112, width=112, slice_mm=2.0))
    sets = base_sets(parse_source(f"brats:{tmp_path / 'data'}"), preset, tmp_path / "study")
    assert {*sets.base.names, *sets.held_out.names} == {"case-1", "case-2"}
    assert len(sets.base.names) == len(sets.held_out.names) == 1
    assert sets.base.real
    assert sets.base.origin == "1 cases of 1 patients of data"


def test_a_ring_without_patients_cannot_be_split(tmp_path: Path) -> None:
    """The kind is named, with what can be given instead."""
    with pytest.raises(InvalidParameterError, match="cannot take ring"):
        base_sets(parse_source(f"ring:{tmp_path}"), TINY, tmp_path)
