"""The report as one self-contained HTML page."""

from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from gliosynth.report.content import Report, ReportCase
from gliosynth.report.figures import Figure, comparison_figures, plane_figures, strip_figures
from gliosynth.report.overlay import CONTRAST_TITLES
from gliosynth.report.palette import REGION_COLOURS, REGION_NAMES, hexadecimal

ENVIRONMENT: Final = Environment(
    loader=PackageLoader("gliosynth.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Templates escape every value, and an unknown name is an error."""


@dataclass(frozen=True, eq=False)
class _CasePage:
    facts: ReportCase
    planes: tuple[tuple[str, tuple[Figure, ...]], ...]
    strip: tuple[Figure, ...]
    comparison: tuple[tuple[str, tuple[Figure, ...]], ...]


def report_html(report: Report) -> str:
    """Returns the page: no script, no link to anything outside, fit for print.

    Args:
        report: What it says.
    """
    return ENVIRONMENT.get_template("report.html.j2").render(
        report=report,
        cases=[_case_page(case) for case in report.cases],
        colours={region.value: hexadecimal(colour) for region, colour in REGION_COLOURS.items()},
        region_names={region.value: name for region, name in REGION_NAMES.items()},
        contrast_titles={contrast.value: title for contrast, title in CONTRAST_TITLES.items()},
    )


def _case_page(case: ReportCase) -> _CasePage:
    comparison = comparison_figures(case.scene, case.comparison) if case.comparison is not None else ()
    return _CasePage(case, plane_figures(case.scene), strip_figures(case.scene), comparison)
