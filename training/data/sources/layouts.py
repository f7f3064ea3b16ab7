"""Which layout a folder has."""

from pathlib import Path
from typing import Final

from gliosynth.errors import InvalidInputError, InvalidParameterError
from training.data.sources.bids import Bids
from training.data.sources.brats import Brats
from training.data.sources.decathlon import Decathlon
from training.data.sources.found import FoundCase, Layout

LAYOUTS: Final[tuple[Layout, ...]] = (Decathlon(), Bids(), Brats())
"""Every layout, the strictest first: the first that recognises a folder reads it."""


def layout_named(name: str) -> Layout:
    """Returns a layout by name.

    Raises:
        InvalidParameterError: There is none of this name.
    """
    for layout in LAYOUTS:
        if layout.name == name:
            return layout
    raise InvalidParameterError(
        f"there is no layout {name!r}; choose one of {', '.join(layout.name for layout in LAYOUTS)}", field="source"
    )


def layout_of(folder: Path) -> Layout:
    """Returns the layout that a folder has.

    Raises:
        InvalidInputError: There is no such folder, or no layout fits it; the message lists what was looked for.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"{folder}: there is no such folder; give one that holds cases", field="source")
    for layout in LAYOUTS:
        if layout.recognises(folder):
            return layout
    looked_for = "; ".join(f"{layout.name}: {layout.looks_for}" for layout in LAYOUTS)
    raise InvalidInputError(f"{folder}: no known layout of cases; looked for {looked_for}", field="source")


def find_cases(folder: Path, layout: Layout | None = None) -> tuple[FoundCase, ...]:
    """Returns the cases of a folder by name; no image is opened.

    Args:
        folder: Where they lie.
        layout: How; None finds out.

    Raises:
        InvalidInputError: See `layout_of`, or the layout finds no case.
    """
    chosen = layout_of(folder) if layout is None else layout
    if not folder.is_dir():
        raise InvalidInputError(f"{folder}: there is no such folder; give one that holds cases", field="source")
    cases = chosen.find(folder)
    if not cases:
        raise InvalidInputError(
            f"{folder}: no case was found as {chosen.name}; looked for {chosen.looks_for}", field="source"
        )
    return cases
