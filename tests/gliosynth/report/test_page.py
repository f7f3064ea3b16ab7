"""The page is complete, self-contained, and says what it must."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from gliosynth.labels import REGIONS, Contrast, Region
from gliosynth.report.content import (
    Comparison,
    FlagFacts,
    InputFacts,
    ModelFacts,
    RegionFacts,
    Report,
    ReportCase,
    ScoreFacts,
    StepFacts,
)
from gliosynth.report.overlay import overlay_png
from gliosynth.report.page import report_html
from gliosynth.report.palette import REGION_COLOURS
from gliosynth.report.views import Scene, build_scene
from gliosynth.volume import Volume

DIGEST = "sha256:" + "ab" * 32
SHAPE = (24, 28, 20)


def scene(*, with_tumour: bool = True) -> Scene:
    generator = np.random.default_rng(5)
    data = np.zeros(SHAPE, np.float32)
    data[2:22, 2:26, 2:18] = generator.uniform(50, 100, (20, 24, 16))
    labels = np.zeros(SHAPE, np.uint8)
    if with_tumour:
        labels[6:16, 8:18, 5:15] = 2
        labels[8:13, 10:15, 7:12] = 3
    images = {contrast: Volume(data, np.eye(4)) for contrast in Contrast}
    return build_scene(images, Volume(labels, np.eye(4)))


def case(*, with_tumour: bool = True) -> ReportCase:
    found = (8.0, 9.0, 10.0) if with_tumour else None
    return ReportCase(
        case_id="case <7>",
        description="A phantom.",
        citation="Nobody, 2026.",
        scene=scene(with_tumour=with_tumour),
        inputs=(InputFacts(Contrast.T1C, SHAPE, (1.0, 1.0, 5.5), "LAS", 3.25),),
        regions=tuple(RegionFacts(region, 12.345, found, 0.25 if with_tumour else None) for region in REGIONS),
        brain_volume_ml=1432.1,
        flags=(
            FlagFacts(False, "NOTE", ("A note.",)),
            FlagFacts(True, "THICK_SLICES", ("Slices are thick.", "t2w, too.")),
        ),
        models=(ModelFacts("segmenter_wt", "3", DIGEST, "onnxruntime, fp32"),),
        steps=(StepFacts("register", "t2f", "similarity 1.2"),),
        times=(("infer", 2.0), ("encode", 0.5)),
        seconds=2.75,
        comparison=None,
    )


def compared() -> ReportCase:
    plain = case()
    scores = tuple(
        ScoreFacts(region, 0.9123, 3.21, 0.8, 0.85, 0.6543, 9.87, reference_ml=11.0, prediction_ml=12.0)
        for region in REGIONS
    )
    comparison = Comparison(scores, "surfel-max", plain.scene.labels, plain.scene.labels)
    return replace(plain, comparison=comparison)


def page(*cases: ReportCase) -> str:
    return report_html(Report(cases, "1.2.3", "1 May 2026", "gliosynth demo"))


class Elements(HTMLParser):
    """Collects tags, and the addresses that the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """Every picture is inside, there is no script, and links stay on the page."""
    elements = Elements()
    elements.feed(page(case(), compared()))
    assert "script" not in elements.tags
    assert "link" not in elements.tags
    assert all(address.startswith(("data:image/", "#case-")) for address in elements.addresses)
    assert "url(" not in page(case())


def test_it_says_that_it_is_for_research_only() -> None:
    """Once, at the top, whatever the case."""
    assert "Research use only. Not a medical device" in page(case())


def test_every_fact_is_on_the_page() -> None:
    """Volumes, flags, models with the whole digest, steps, times, input, source."""
    text = page(case())
    for fact in (
        "12.3",
        "1432",
        "Slices are thick. t2w, too.",
        "THICK_SLICES",
        DIGEST,
        "similarity 1.2",
        "2.00 s",
        "LAS",
    ):
        assert fact in text
    for fact in (
        "3.2 mm",
        "1.00 &times; 1.00 &times; 5.50",
        "8.0, 9.0, 10.0",
        "Nobody, 2026.",
        "Radiological convention",
    ):
        assert fact in text


def test_warnings_come_before_notes() -> None:
    """What must be looked at is read first."""
    text = page(case())
    assert text.index("THICK_SLICES") < text.index(">NOTE<")


def test_scores_stand_beside_the_baseline_only_where_there_are_labels() -> None:
    """No labels, no table."""
    assert "Against the expert" not in page(case())
    text = page(compared())
    for figure in ("0.912", "0.654", "3.2", "9.9", "surfel-max", "11.0"):
        assert figure in text


def test_text_is_escaped() -> None:
    """A case id is text, not markup."""
    text = page(case())
    assert "case &lt;7&gt;" in text
    assert "case <7>" not in text


def test_a_case_without_tumour_is_reported_as_such() -> None:
    """No centre, no strip, no crash."""
    text = page(case(with_tumour=False))
    assert "not found" in text
    assert "lowest to the highest" not in text


@pytest.mark.parametrize("with_tumour", [True, False])
def test_the_overlay_shows_the_tumour_if_there_is_one(with_tumour: bool) -> None:
    """Outside the legend, the picture holds the colours of the outlines exactly if there is a tumour."""
    picture = np.asarray(Image.open(io.BytesIO(overlay_png(scene(with_tumour=with_tumour)))).convert("RGB"))
    above_legend = picture[:-62]
    for region in (Region.WT, Region.ET):
        assert (above_legend == REGION_COLOURS[region]).all(axis=-1).any() == with_tumour


def test_the_pictures_are_readable() -> None:
    """Each data URI decodes to a picture of the size that the page reserves for it."""
    text = page(case())
    frames = re.findall(r'--w:(\d+);--h:(\d+)">\s*<div class="slice"><img src="data:image/jpeg;base64,([^"]+)"', text)
    assert len(frames) == 12 + 8
    for width, height, encoded in frames:
        assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (int(width), int(height))
