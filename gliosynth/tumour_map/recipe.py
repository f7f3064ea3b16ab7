"""Recipes: lists of edits as JSON, YAML or words, so that they can be kept and replayed."""

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from gliosynth.errors import InvalidParameterError
from gliosynth.tumour_map import edits as kinds
from gliosynth.tumour_map.edits import Edit

_CLASSES: Final = (
    kinds.Translate,
    kinds.Rotate,
    kinds.Scale,
    kinds.Mirror,
    kinds.Deform,
    kinds.Grow,
    kinds.Shrink,
    kinds.Resize,
    kinds.ThickenRim,
    kinds.AddSatellite,
    kinds.Transplant,
    kinds.Relocate,
    kinds.RandomEdit,
)

EDIT_CLASSES: Final[Mapping[str, type[Edit]]] = MappingProxyType({kind.edit: kind for kind in _CLASSES})
"""Every edit by its name in a recipe."""

LONGEST_RECIPE: Final = 1 << 20
"""Most bytes of a recipe."""

RECIPE_KEYS: Final = frozenset({"edits", "report"})
"""Keys of a document that holds a recipe: the edits, and perhaps the report of what they did."""

_ADAPTER: Final[TypeAdapter[list[Edit]]] = TypeAdapter(list[Annotated[Edit, Field(discriminator="edit")]])


def parse_recipe(document: bytes | str) -> tuple[Edit, ...]:
    """Returns the edits of a JSON or YAML document: a list of edits, or a mapping whose ``edits`` is one.

    Every edit is a mapping with its name, such as ``{"edit": "translate", "right_mm": 10, ...}``, and its fields.

    Args:
        document: At most `LONGEST_RECIPE` bytes.

    Raises:
        InvalidParameterError: It is neither JSON nor YAML, or an edit breaks a rule; the field says which.
    """
    if len(document) > LONGEST_RECIPE:
        raise InvalidParameterError(
            f"edits: {len(document)} bytes are more than {LONGEST_RECIPE}; shorten the recipe", field="edits"
        )
    try:
        found = yaml.safe_load(document)
    except yaml.YAMLError as error:
        raise InvalidParameterError(
            f"edits: the document is neither JSON nor YAML ({_first_line(error)}); correct it", field="edits"
        ) from error
    listed = found["edits"] if isinstance(found, dict) and {"edits"} <= set(found) <= RECIPE_KEYS else found
    if not isinstance(listed, list):
        raise InvalidParameterError(
            "edits: the document must be a list of edits, or hold one under 'edits'",
            field="edits",
            got=type(listed).__name__,
        )
    return tuple(edit_of(item, f"edits[{index}]") for index, item in enumerate(listed))


def edit_of(item: object, where: str) -> Edit:
    """Returns one edit.

    Args:
        item: A mapping with the edit's name under ``edit``, and its fields.
        where: Where it stands, such as ``edits[0]``, for messages.

    Raises:
        InvalidParameterError: It breaks a rule; the message names the field, the rule and what was given.
    """
    if not isinstance(item, dict):
        raise InvalidParameterError(
            f"{where}: an edit must be a mapping with its name under 'edit'", field=where, got=type(item).__name__
        )
    kind = _class_of(item.get("edit"), where)
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [str(key)[:64] for key in item if key not in known]
    if unknown:
        raise InvalidParameterError(
            f"{where}.{unknown[0]}: {kind.edit} has no such field; it has {', '.join(known)}",
            field=f"{where}.{unknown[0]}",
            got=unknown[0],
        )
    try:
        return _ADAPTER.validate_python([item])[0]
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"{where}.{error}", field=f"{where}.{error.field}", got=error.got, reason=error.reason
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join([where, *(str(part) for part in first["loc"][2:])])
        got = "nothing" if first["type"] == "missing" else repr(first["input"])[:64]
        raise InvalidParameterError(f"{field}: {first['msg']}; got {got}", field=field, got=got) from error


def recipe_json(edits: Sequence[Edit]) -> str:
    """Returns the edits as JSON that `parse_recipe` reads back, every field written out."""
    return json.dumps([dataclasses.asdict(edit) for edit in edits], sort_keys=True)


def edit_words(edit: Edit) -> str:
    """Returns an edit as the words that `parse_edit` reads back, every field in its order.

    >>> edit_words(kinds.Rotate(30.0))
    'rotate 30 0 0 1'

    Args:
        edit: Any edit.
    """
    values = [getattr(edit, field.name) for field in dataclasses.fields(edit) if field.name != "edit"]
    return " ".join([edit.edit, *(f"{value:g}" if isinstance(value, float) else str(value) for value in values)])


def recipe_schema() -> dict[str, Any]:
    """Returns the JSON schema of a list of edits."""
    return _ADAPTER.json_schema()


def parse_edit(words: str) -> Edit:
    """Returns the edit of a line of words: its name, then its fields in order or as ``name=value``.

    >>> parse_edit("translate 10 0 -5")
    Translate(right_mm=10.0, anterior_mm=0.0, superior_mm=-5.0, edit='translate')
    >>> parse_edit("relocate temporal side=left").side
    <Side.LEFT: 'left'>

    Args:
        words: Such as ``grow ET 2``.

    Raises:
        InvalidParameterError: There is no such edit, or a field is missing, unknown or out of range.
    """
    try:
        name, *values = shlex.split(words)
    except ValueError as error:
        raise InvalidParameterError(
            f"edit: {words!r} is no edit; write a name and its values, such as 'translate 10 0 0'",
            field="edit",
            got=words,
        ) from error
    kind = _class_of(name, "edit")
    fields = [field.name for field in dataclasses.fields(kind) if field.name != "edit"]
    given: dict[str, Any] = {"edit": kind.edit}
    for position, value in enumerate(values):
        key, equals, text = value.partition("=")
        if not equals and position >= len(fields):
            raise InvalidParameterError(
                f"edit: {name} takes {len(fields)} values ({', '.join(fields)}), not {len(values)}",
                field=f"edit.{name}",
                got=words,
            )
        given[key if equals else fields[position]] = _scalar(text if equals else value)
    return edit_of(given, "edit")


def _scalar(text: str) -> Any:
    value = yaml.safe_load(text)
    return value if isinstance(value, int | float | bool) else text


def _class_of(name: object, where: str) -> type[Edit]:
    if not isinstance(name, str) or name not in EDIT_CLASSES:
        raise InvalidParameterError(
            f"{where}: there is no edit {name!r}; choose one of {', '.join(EDIT_CLASSES)}",
            field=f"{where}.edit",
            got=str(name)[:64],
            reason="UNKNOWN_EDIT",
        )
    return EDIT_CLASSES[name]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
