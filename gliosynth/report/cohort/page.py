"""The report of a cohort as one self-contained HTML page."""

import base64
import io
from typing import Final

from PIL import Image

from gliosynth.report.cohort.content import CohortPage
from gliosynth.report.cohort.plots import distribution_svg, ratio_svg
from gliosynth.report.page import ENVIRONMENT

JPEG_QUALITY: Final = 85
"""Quality of the pictures in the page."""


JPEG_START: Final = b"\xff\xd8"
"""First bytes of a JPEG file."""


def cohort_report(page: CohortPage) -> str:
    """Returns the page: no script, no link to anything outside, light and dark, fit for print.

    The same content gives the same text.

    Args:
        page: What it says.
    """
    return ENVIRONMENT.get_template("cohort.html.j2").render(
        page=page,
        distributions=[distribution_svg(one) for one in page.distributions],
        ratio_bars=[ratio_svg(row) for row in page.ratios],
        synthetic=[(tile, _data_uri(tile.picture)) for tile in page.synthetic],
        real=[(tile, _data_uri(tile.picture)) for tile in page.real],
    )


def _data_uri(picture: bytes) -> str:
    """Returns a picture as JPEG in a data URI; one that is a JPEG stays as it is."""
    if picture.startswith(JPEG_START):
        return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
