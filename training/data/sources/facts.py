"""What is kept beside a ring of cases: whose volume each slot holds, and which cases could not be used."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gliosynth.labels import Contrast

TABLE: Final = "cases.jsonl"
"""One line a case, good or bad, in the order in which they were finished."""


@dataclass(frozen=True)
class CaseFacts:
    """A case in a ring.

    Attributes:
        slot: Its slot, and its volume number.
        name: Its name in the source.
        patient: Whose it is.
        present: Contrasts it has; the others are 0.
        spacing_mm: Voxel edges of its files.
        brain_ml: Volume of its brain.
        tumour_ml: Volume of its tumour, all labels.
        lost_ml: Tumour that was dropped: outside the brain, or outside what a slot holds.
    """

    slot: int
    name: str
    patient: str
    present: tuple[Contrast, ...]
    spacing_mm: tuple[float, float, float]
    brain_ml: float
    tumour_ml: float
    lost_ml: float


@dataclass(frozen=True)
class BadCase:
    """A case that cannot be used; its slot stays empty.

    Attributes:
        slot: The slot it would have had.
        name: Its name in the source.
        reason: Identifier of what is wrong, of `gliosynth.errors`.
        message: What is wrong and what to do.
    """

    slot: int
    name: str
    reason: str
    message: str


def write_row(path: Path, case: CaseFacts | BadCase) -> None:
    """Appends a case to a table."""
    with path.open("a") as table:
        table.write(json.dumps(vars(case)) + "\n")


def read_rows(path: Path) -> tuple[tuple[CaseFacts, ...], tuple[BadCase, ...]]:
    """Returns the good and the bad cases of a table by slot, none where there is no table yet.

    A line cut short by a crash is the last one and counts for nothing: its case is read again.
    """
    rows = list(_rows(path.read_text().splitlines())) if path.exists() else []
    good = [_facts(row) for row in rows if "reason" not in row]
    bad = [BadCase(**row) for row in rows if "reason" in row]
    return tuple(sorted(good, key=lambda case: case.slot)), tuple(sorted(bad, key=lambda case: case.slot))


def _rows(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def _facts(row: dict[str, Any]) -> CaseFacts:
    x, y, z = row.pop("spacing_mm")
    present = tuple(Contrast(name) for name in row.pop("present"))
    return CaseFacts(**row, present=present, spacing_mm=(x, y, z))
