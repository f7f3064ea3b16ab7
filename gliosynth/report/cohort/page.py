"""The report of a cohort as one self-contained HTML page."""

import base64
import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from PIL import Image

from gliosynth.report.cohort.content import CaseTile, CohortPage, RatioRow
from gliosynth.report.cohort.plots import distribution_svg, highest_end, places_svg, ratio_svg
from gliosynth.report.page import ENVIRONMENT

JPEG_QUALITY: Final = 85
"""Quality of the pictures in the page."""

JPEG_START: Final = b"\xff\xd8"
"""First bytes of a JPEG file."""

SYNTHETIC_COLUMNS: Final = 2
"""Columns of synthetic cases beside the one of real cases."""

Shown = tuple[CaseTile, str]
"""A case and its picture as a data URI."""


def cohort_report(page: CohortPage) -> str:
    """Returns the page: no script, no link to anything outside, light and dark, fit for print.

    The same content gives the same text.

    Args:
        page: What it says.
    """
    return ENVIRONMENT.get_template("cohort.html.j2").render(
        page=page,
        distributions=[distribution_svg(one) for one in page.distributions],
        places=[
            ("Axial", places_svg(page.places, vertical=1, letters="RLAP")),
            ("Coronal", places_svg(page.places, vertical=2, letters="RLSI")),
        ],
        ratio_bars=list(_ratio_bars(page.ratios)),
        gallery=list(_gallery(page.real, page.synthetic)),
    )


def _ratio_bars(rows: Sequence[RatioRow]) -> Iterator[str]:
    """Yields a bar for each row, all of one contrast to one scale."""
    for row in rows:
        yield ratio_svg(row, highest=highest_end([other for other in rows if other.contrast == row.contrast]))


def _gallery(
    real: Sequence[CaseTile], synthetic: Sequence[CaseTile]
) -> Iterator[tuple[Shown | None, list[Shown | None]]]:
    """Yields the rows of the gallery: a real case, or None where there is no further one, and synthetic ones."""
    rows = [synthetic[start : start + SYNTHETIC_COLUMNS] for start in range(0, len(synthetic), SYNTHETIC_COLUMNS)]
    for left, right in zip_longest(real, rows):
        shown: list[Shown | None] = [_shown(tile) for tile in right or ()]
        yield (None if left is None else _shown(left)), shown + [None] * (SYNTHETIC_COLUMNS - len(shown))


def _shown(tile: CaseTile) -> Shown:
    return tile, _data_uri(tile.picture)


def _data_uri(picture: bytes) -> str:
    """Returns a picture as JPEG in a data URI; one that is a JPEG stays as it is."""
    if not picture.startswith(JPEG_START):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(picture)).convert("RGB").save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
        picture = buffer.getvalue()
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
