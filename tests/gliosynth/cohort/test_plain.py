"""Sampled parameters to JSON."""

import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from gliosynth.anatomy import Tissue
from gliosynth.cohort.plain import to_json, to_plain
from gliosynth.errors import InvalidParameterError
from gliosynth.labels import Contrast


class Pair(NamedTuple):
    first: int
    second: float


@dataclass(frozen=True)
class Inner:
    values: tuple[float, ...]
    missing: None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    table: dict[Tissue, float]
    contrast: Contrast


def test_nested_parameters_become_plain_json() -> None:
    """Dataclasses by field, tissues by name, contrasts by value, tuples as lists."""
    outer = Outer(Inner((1.0, 0.25)), {Tissue.WHITE_MATTER: 0.7}, Contrast.T2F)
    assert to_plain(outer) == {
        "inner": {"values": [1.0, 0.25], "missing": None},
        "table": {"white_matter": 0.7},
        "contrast": "t2f",
    }
    assert to_plain(Pair(1, 2.5)) == [1, 2.5]
    assert to_plain(True) is True


def test_arrays_are_rounded_to_what_single_precision_holds() -> None:
    """Six digits, so that a float32 reads as it was meant; integers and flags stay exact."""
    assert to_plain(np.array([[0.1, 1 / 3]], dtype=np.float32)) == [[0.1, 0.333333]]
    assert to_plain(np.int16(7)) == 7
    assert to_plain(np.bool_(True)) is True
    assert to_plain(np.array([], dtype=np.float64)) == []


def test_the_text_keeps_the_order_and_ends_in_a_line_feed() -> None:
    """Two writes of one value are one text."""
    text = to_json({"b": 1, "a": "ä"})
    assert text.endswith(b"}\n")
    assert list(json.loads(text)) == ["b", "a"]
    assert "ä".encode() in text


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """Nothing is turned to text by accident."""
    with pytest.raises(InvalidParameterError, match="cannot be written as JSON"):
        to_plain({"field": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"field": float("nan")})
