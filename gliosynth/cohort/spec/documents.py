"""JSON and YAML texts of unknown origin to plain objects, without surprises: no aliases, no key twice, bounded size."""

import json
from collections.abc import Hashable, Mapping
from typing import Final, NoReturn

import yaml

from gliosynth.errors import FieldViolation, InvalidSpecError

MOST_BYTES: Final = 1 << 20
"""Longest document, bytes."""

ROOT: Final = "(document)"
"""How violations call the document as a whole."""


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, which can make a small text huge, and with every key once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.YAMLError(f"a key comes twice in the mapping that starts in line {node.start_mark.line + 1}")
        return mapping


def read_document(document: bytes | str) -> Mapping[str, object]:
    """Returns the mapping in a JSON or YAML text.

    Args:
        document: At most `MOST_BYTES` of UTF-8 text; JSON where it starts with ``{``.

    Raises:
        InvalidSpecError: Too long, not UTF-8, neither JSON nor YAML, or not a mapping.
    """
    data = document.encode() if isinstance(document, str) else document
    if len(data) > MOST_BYTES:
        _refuse(f"must have at most {MOST_BYTES} bytes", f"{len(data)} bytes")
    try:
        text = data.decode("utf-8-sig")
        content = _read_json(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_PlainLoader)  # noqa: S506
    except UnicodeDecodeError as error:
        _refuse("must be UTF-8 text", f"byte {data[error.start]:#04x} at {error.start}")
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        _refuse("must be JSON or YAML", " ".join(str(error).split())[:200])
    if not isinstance(content, dict):
        _refuse("must be a mapping of fields", type(content).__name__)
    return {str(key): value for key, value in content.items()}


def _read_json(text: str) -> object:
    """Returns the object of a JSON text whose keys are unique."""
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Returns the pairs as a mapping, or refuses a key that comes twice."""
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} comes twice")
    return mapping


def _refuse(rule: str, got: str) -> NoReturn:
    """Raises the error of a document that cannot be read."""
    raise InvalidSpecError(
        f"the cohort spec {rule}, got {got}", violations=(FieldViolation(field=ROOT, rule=rule, got=got),)
    )
