"""The sheet that readers get: numbered pictures and one HTML page that works from a file."""

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from gliosynth.report.overlay import CONTRAST_TITLES
from training.study.reader_test.answers import COLUMNS, LIKERT, Key
from training.study.reader_test.sheet import Item, ReaderCase, picture

ENVIRONMENT: Final = Environment(
    loader=PackageLoader("training.study.reader_test"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Templates escape every value, and an unknown name is an error."""


def write_sheet(folder: Path, items: Sequence[Item], read: Callable[[Item], ReaderCase]) -> Key:
    """Writes index.html and the pictures into a folder and returns the key, which is not written.

    Nothing in the folder, names, order and metadata included, says what is real.

    Args:
        folder: Where the sheet goes; made if it is not there.
        items: What is shown, in order.
        read: Gives the case of an item; asked once a case, since reading one takes seconds.
    """
    (folder / "items").mkdir(parents=True, exist_ok=True)
    key = Key(_identifier(items), tuple(items))
    by_case = sorted(items, key=lambda item: (item.synthetic, item.case))
    for _, shown in itertools.groupby(by_case, key=lambda item: (item.synthetic, item.case)):
        own = list(shown)
        case = read(own[0])
        for item in own:
            picture(case, item.contrast).save(folder / _file_of(item), format="PNG")
    (folder / "index.html").write_text(sheet_html(key))
    return key


def sheet_html(key: Key) -> str:
    """Returns the page that asks about every item; it loads nothing but the pictures beside it.

    Args:
        key: Its truth is not used.
    """
    rows = [
        {"number": item.number, "title": CONTRAST_TITLES[item.contrast], "file": _file_of(item)} for item in key.items
    ]
    template = ENVIRONMENT.get_template("sheet.html.j2")
    return template.render(test=key.test, items=rows, likert=list(LIKERT), columns=list(COLUMNS))


def _file_of(item: Item) -> str:
    return f"items/{item.number:03d}.png"


def _identifier(items: Sequence[Item]) -> str:
    """Returns a name of the sheet that its answers carry; it is a digest, and gives nothing away."""
    content = json.dumps([asdict(item) for item in items])
    return hashlib.sha256(content.encode()).hexdigest()[:10]
