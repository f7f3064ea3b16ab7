"""A page with one of everything."""

import io

import pytest
from PIL import Image

from gliosynth.report.cohort import CaseTile, CohortPage, Distribution, Fact, MetricRow, Place, QuantityRow, RatioRow


def _picture(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (grey, grey, grey)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def page() -> CohortPage:
    """Three synthetic cases and two real ones; one threshold missed."""
    return CohortPage(
        name="Trial <1>",
        sentence="Three cases & a half.",
        version="0.0.0",
        released=False,
        reasons=("Contrasts are not those of real tumours: t1c enhancing 0.90.",),
        remarks=("Fidelity was not judged.",),
        facts=(Fact("Cases", "3"), Fact("Median whole tumour", "70", "ml")),
        distributions=(
            Distribution(
                "Whole tumour", "ml", (10.0, 30.0, 90.0), (40.0, 50.0), logarithmic=True, note="Median 89.3 ml."
            ),
            Distribution("Nothing", "", (), ()),
        ),
        places=(Place((0.2, 0.5, 0.5), False), Place((0.8, 0.6, 0.5), True)),
        ratios=(
            RatioRow("T1", "Oedema", (0.7, 0.8, 0.9), (0.6, 0.85, 1.0), (0.5, 1.1), 3, True),
            RatioRow("T1c", "Enhancing tumour", (0.8, 0.9, 1.0), None, (1.0, 2.8), 2, False),
        ),
        quantities=(
            QuantityRow("Whole tumour, ml", "30 (10 to 90)", "45", "0.3", "0.2", "+0.1 (-1 to 1)", "not shown"),
        ),
        fidelity=(MetricRow("Kernel distance", "kid/x-1", "4.2", "0.6", "at most 10", "3 cases", True),),
        memorisation=(MetricRow("Nearest donor", "dice/y", "at most 0.7", "1", "", "3 cases", None),),
        rejects=(("too dark", 2),),
        synthetic=tuple(CaseTile(f"sub-000{number}", f"{number} ml", _picture(50 * number)) for number in (1, 2, 3)),
        real=(CaseTile("TCGA-1", "12 ml", _picture(200)), CaseTile("TCGA-2", "13 ml", _picture(210))),
        lineage=(("Spec SHA-256", "abc123"),),
        limits=("Seven cases are few.",),
        attributions=("Data of TCGA, CC BY 3.0.",),
    )
