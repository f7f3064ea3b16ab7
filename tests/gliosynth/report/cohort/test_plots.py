"""Plots put values where they belong."""

import re

import pytest

from gliosynth.report.cohort import Distribution, Place, RatioRow
from gliosynth.report.cohort.plots import (
    HEIGHT,
    LEFT,
    PLACE_MARGIN,
    PLACE_SIZE,
    RATIO_WIDTH,
    WIDTH,
    distribution_svg,
    highest_end,
    places_svg,
    ratio_svg,
)


def _numbers(svg: str, shape: str, kind: str, name: str) -> list[float]:
    """An attribute of all shapes of a kind."""
    tags = re.findall(rf'<{shape} class="{kind}"[^>]*>', svg)
    return [float(re.search(rf' {name}="([^"]+)"', tag).group(1)) for tag in tags]


def test_bars_are_as_tall_as_their_counts() -> None:
    """Three values in one place and one in another: one bar three times as tall as the other."""
    svg = distribution_svg(Distribution("", "", (1.0, 1.0, 1.0, 5.0), ()))
    tall, low = sorted(_numbers(svg, "rect", "bar", "height"), reverse=True)
    assert tall == pytest.approx(3 * low, abs=0.2)


def test_a_logarithmic_axis_puts_decades_at_equal_distances() -> None:
    """1, 10 and 100: the middle one lies in the middle."""
    svg = distribution_svg(Distribution("", "", (), (1.0, 10.0, 100.0), logarithmic=True))
    first, second, third = _numbers(svg, "circle", "real", "cx")
    assert second == pytest.approx((first + third) / 2, abs=0.1)
    assert LEFT < first < third < WIDTH


def test_one_value_and_none_can_be_drawn() -> None:
    """A single value gets an axis around it; nothing gives nothing."""
    assert "<rect" in distribution_svg(Distribution("", "", (4.0,), ()))
    assert distribution_svg(Distribution("", "", (), ())) == ""


def test_ticks_lie_inside_the_plot() -> None:
    """Every label has its place in the picture, and none is called minus nought."""
    svg = distribution_svg(Distribution("", "", (-0.4, 0.9), ()))
    places = [float(x) for x in re.findall(r'class="tick" x="([^"]+)"', svg)]
    assert len(places) >= 3
    assert all(0 < x < WIDTH for x in places)
    assert ">-0<" not in svg
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in svg


def test_a_ratio_of_half_the_end_is_in_the_middle() -> None:
    """Bars share one scale from 0: a median of 1 on a scale to 2 lies at half of the width."""
    row = RatioRow("T1", "Oedema", (0.8, 1.0, 1.2), (0.5, 1.0, 1.5), (0.6, 1.4), 3, True)
    svg = ratio_svg(row, highest=2.0)
    assert _numbers(svg, "rect", "median", "x")[0] + 1.5 == pytest.approx(RATIO_WIDTH / 2)
    assert _numbers(svg, "rect", "band", "width")[0] == pytest.approx(0.4 * RATIO_WIDTH)
    assert highest_end([row]) == pytest.approx(1.04 * 1.5)


def test_the_patients_right_is_drawn_on_the_left() -> None:
    """A centre at nine tenths from the left, which is the patient's right, is drawn on the left; front is up."""
    svg = places_svg([Place((0.9, 0.9, 0.5), True)], vertical=1, letters="RLAP")
    inner = PLACE_SIZE[0] - 2 * PLACE_MARGIN, PLACE_SIZE[1] - 2 * PLACE_MARGIN
    assert _numbers(svg, "circle", "real", "cx")[0] == pytest.approx(PLACE_MARGIN + 0.1 * inner[0], abs=0.1)
    assert _numbers(svg, "circle", "real", "cy")[0] == pytest.approx(PLACE_MARGIN + 0.1 * inner[1], abs=0.1)
    assert re.findall(r">(\w)</text>", svg) == list("RLAP")
