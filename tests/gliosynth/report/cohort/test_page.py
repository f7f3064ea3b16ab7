"""The page of a cohort: everything that is known is on it, nothing comes from elsewhere."""

import base64
import dataclasses
import io
import re
from html.parser import HTMLParser

from PIL import Image

from gliosynth.report.cohort import cohort_report

EXPECTED = (
    "Three cases & a half.",
    "70 ml",
    "n = 3 and 2. Median 89.3 ml.",
    "0.80 (0.70 to 0.90)",
    "0.85 (0.60 to 1.00)",
    "1.00 to 2.80",
    "not shown",
    "kid/x-1",
    "at most 10",
    "too dark",
    "abc123",
    "Seven cases are few.",
    "Data of TCGA, CC BY 3.0.",
)
"""Texts that the content of `page` must leave on its page."""


class _Page(HTMLParser):
    """Collects tags, sources and visible text, and checks that tags close in order."""

    VOID = frozenset({"meta", "img", "br", "ellipse", "line", "circle", "rect"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def test_all_tags_close_in_order(page) -> None:
    """Well-formed, with every kind of content on it."""
    assert _Page(cohort_report(page)).open == []


def test_nothing_comes_from_elsewhere(page) -> None:
    """No script; every picture is inside the page."""
    html = cohort_report(page)
    found = _Page(html)
    assert "script" not in found.tags
    assert all(source.startswith("data:image/jpeg;base64,") for source in found.sources)
    assert len(found.sources) == 5
    assert not re.search(r"https?://|@import|url\(", html)


def test_the_verdict_comes_first_with_its_reasons(page) -> None:
    """A cohort that stays says so, and why, before anything else."""
    text = _Page(cohort_report(page)).text
    assert text.index("Not released") < text.index(page.reasons[0]) < text.index("Synthetic cases beside real ones")
    assert "Fidelity was not judged." in text
    leaves = _Page(cohort_report(dataclasses.replace(page, released=True, reasons=()))).text
    assert "Not released" not in leaves
    assert leaves.index("Released") < leaves.index("Synthetic cases")


def test_a_cohort_that_leaves_all_the_same_shows_why_it_should_not(page) -> None:
    """Released without enforcement: the heading says so, and the reasons stay."""
    text = _Page(cohort_report(dataclasses.replace(page, released=True))).text
    assert "Released although thresholds are missed" in text
    assert page.reasons[0] in text


def test_everything_that_is_known_is_on_the_page(page) -> None:
    """Each fact, row, limit and source of the content."""
    text = _Page(cohort_report(page)).text
    for expected in EXPECTED:
        assert expected in text
    assert (text.count("passed"), text.count("failed"), text.count("reported")) == (2, 1, 1)


def test_names_cannot_break_the_page(page) -> None:
    """A name with a tag in it is shown, not obeyed."""
    html = cohort_report(dataclasses.replace(page, name="<img src=x onerror=alert(1)>"))
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


def test_real_cases_stand_in_a_column_of_their_own(page) -> None:
    """Rows of one real and two synthetic cases; what is missing leaves its place empty."""
    html = cohort_report(page)
    order = re.findall(r"<figcaption>(?:Real: )?([^<]+)<br>", html)
    assert order == ["TCGA-1", "sub-0001", "sub-0002", "TCGA-2", "sub-0003"]
    assert html.count('<figure class="is-real">') == 2
    assert html.count("Real: TCGA-") == 2


def test_pictures_are_those_that_were_given(page) -> None:
    """The first real picture is grey 200, within what JPEG keeps."""
    source = _Page(cohort_report(page)).sources[0]
    picture = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
    assert picture.size == (40, 30)
    assert abs(picture.getpixel((20, 15))[0] - 200) <= 2


def test_the_same_content_gives_the_same_text(page) -> None:
    """No clock, no chance."""
    assert cohort_report(page) == cohort_report(page)


def test_a_page_without_cases_is_a_page(page) -> None:
    """Empty tables and galleries are said to be empty, not left out."""
    empty = dataclasses.replace(page, synthetic=(), real=(), rejects=(), places=(), ratios=(), distributions=())
    found = _Page(cohort_report(empty))
    assert found.open == []
    assert "None." in found.text
