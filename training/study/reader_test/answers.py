"""The files of a reader test: the key, kept apart from the sheet, and the readers' answers as CSV."""

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from gliosynth.errors import InvalidInputError
from gliosynth.labels import Contrast
from training.study.reader_test.sheet import Item

COLUMNS: Final = ("test", "reader", "item", "judged", "score", "comment")
"""Columns of an answers file; `judged` is real or synthetic, `score` 1 to 5 or empty."""

LIKERT: Final = range(1, 6)
"""Quality scores: 1 poor to 5 excellent."""


@dataclass(frozen=True)
class Key:
    """The truth about a sheet.

    Attributes:
        test: Identifier of the sheet, the same in its answers.
        items: Every item.
    """

    test: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Answer:
    """What one reader said about one item.

    Attributes:
        reader: Name of the reader.
        item: Number of the item.
        judged_synthetic: Whether it was taken for synthetic.
        score: Quality, 1 to 5, or None where none was given.
        comment: What else was said.
    """

    reader: str
    item: int
    judged_synthetic: bool
    score: int | None
    comment: str


def write_key(path: Path, key: Key) -> None:
    """Writes the key as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"test": key.test, "items": [asdict(item) for item in key.items]}, indent=1) + "\n")


def read_key(path: Path) -> Key:
    """Returns the key that `write_key` wrote.

    Raises:
        InvalidInputError: The file is no key.
    """
    try:
        content = json.loads(path.read_text())
        items = [Item(**{**item, "contrast": Contrast(item["contrast"])}) for item in content["items"]]
        return Key(content["test"], tuple(items))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            f"{path}: not the key of a reader test ({error!r}); give the key.json that `make` wrote", field="key"
        ) from error


def read_answers(path: Path, key: Key) -> tuple[Answer, ...]:
    """Returns the answers in a CSV, those of several readers perhaps; a line without a judgement is left out.

    Args:
        path: The file, with the columns `COLUMNS`.
        key: Of the sheet that was answered.

    Raises:
        InvalidInputError: A column or an item is unknown, a value does not parse, an item is answered twice by one
            reader, or the answers are those of another sheet; the message names the line.
    """
    known = {item.number for item in key.items}
    answers: dict[tuple[str, int], Answer] = {}
    with path.open(newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            try:
                answer = _parse(line, key.test)
                if answer is None:
                    continue
                if answer.item not in known or (answer.reader, answer.item) in answers:
                    raise ValueError(f"item {answer.item} is unknown or answered twice")
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInputError(
                    f"{path}, line {number}: {error}; expected the columns {', '.join(COLUMNS)} with judged real or"
                    " synthetic and score 1 to 5 or empty",
                    field="answers",
                ) from error
            answers[answer.reader, answer.item] = answer
    return tuple(answers.values())


def _parse(line: dict[str, str], test: str) -> Answer | None:
    """Returns the answer in a line, or None where it was not judged."""
    if line["test"] != test:
        raise ValueError(f"the answers are those of sheet {line['test']!r}, the key is that of {test!r}")
    judged, score = line["judged"].strip().lower(), line["score"].strip()
    if not judged:
        return None
    if judged not in ("real", "synthetic") or (score and int(score) not in LIKERT):
        raise ValueError(f"judged {judged!r}, score {score!r}")
    return Answer(
        line["reader"].strip(), int(line["item"]), judged == "synthetic", int(score) if score else None, line["comment"]
    )
