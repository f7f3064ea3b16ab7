"""Dataclasses, enumerations and arrays to plain JSON, the same text for the same values everywhere."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Final

import numpy as np
from pydantic import JsonValue

from gliosynth.errors import InvalidParameterError

ARRAY_DIGITS: Final = 6
"""Significant digits of an array's elements: float32 holds no more."""


def to_plain(value: object) -> JsonValue:
    """Returns a value as plain JSON data.

    Args:
        value: Numbers, texts, enumerations (StrEnum by value, IntEnum by lower-case name), dataclasses, mappings,
            sequences and NumPy arrays of them; slices of a grid are not kept.

    Raises:
        InvalidParameterError: Some part is of another type.
    """
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else to_plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return _array_to_plain(np.asarray(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: to_plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [to_plain(item) for item in value]
    raise InvalidParameterError(f"a {type(value).__name__} cannot be written as JSON", field="parameters")


def to_json(value: object) -> bytes:
    """Returns a value as indented UTF-8 JSON with a newline at its end; keys keep their order.

    Args:
        value: See `to_plain`.
    """
    return (json.dumps(to_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _array_to_plain(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> JsonValue:
    """Returns an array as nested lists; floats are rounded to `ARRAY_DIGITS` significant digits."""
    if values.ndim > 0:
        return [_array_to_plain(np.asarray(item)) for item in values]
    scalar = values.item()
    return float(f"{scalar:.{ARRAY_DIGITS}g}") if isinstance(scalar, float) else to_plain(scalar)
