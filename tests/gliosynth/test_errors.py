"""Errors carry facts that a transport can turn into a status."""

import re

import pytest

from gliosynth import errors

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_has_a_reason_that_aip_193_accepts(cls: type[errors.GliosynthError]) -> None:
    """UPPER_SNAKE_CASE, at most 63 characters."""
    assert issubclass(cls, errors.GliosynthError)
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,61}[A-Z0-9]", cls.reason)


def test_reasons_are_unique() -> None:
    """A client can tell every class from its reason."""
    assert len({cls.reason for cls in CLASSES}) == len(CLASSES)


def test_a_given_reason_replaces_that_of_the_class_for_this_error_only() -> None:
    """More precise reasons do not leak into the class."""
    error = errors.InvalidVolumeError("t1c: bad", field="t1c", got="x", reason="NOT_3D")
    assert (str(error), error.field, error.got, error.reason) == ("t1c: bad", "t1c", "x", "NOT_3D")
    assert errors.InvalidVolumeError("t1c: bad").reason == "INVALID_VOLUME"


def test_the_tree_in_the_docstring_names_every_class() -> None:
    """The drawing stays true."""
    assert errors.__doc__ is not None
    for cls in CLASSES:
        assert cls.__name__ in errors.__doc__
