"""Plots of the cohort's report as inline SVG: distributions, tumour places and contrast ratios beside real ones."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from gliosynth.metrics.fidelity.distributions import Values
from gliosynth.report.cohort.content import Distribution, Place, RatioRow

WIDTH, HEIGHT = 340, 128
"""Size of a distribution in SVG units."""

LEFT, RIGHT, TOP, BOTTOM = 12, 12, 6, 38
"""Margins in SVG units."""

BINS: Final = 20
"""Bars of a histogram."""

MOST_TICKS: Final = 8
"""Most labels of an axis."""

MINIMAL_SPAN: Final = 1.2
"""A ratio's bar reaches at least to this ratio."""

RATIO_WIDTH, RATIO_HEIGHT = 220, 18
"""Size of a ratio's bar in SVG units."""

PLACE_SIZE: Final = (240, 250)
"""Size of a plot of places in SVG units."""

PLACE_MARGIN: Final = 22
"""Margin around it, for the letters."""


def distribution_svg(distribution: Distribution) -> str:
    """Returns a histogram of the synthetic cases over the marks of the real ones.

    Args:
        distribution: The quantity.
    """
    values = np.array([*distribution.synthetic, *distribution.real], dtype=np.float64)
    if values.size == 0:
        return ""
    shown = np.log10(values) if distribution.logarithmic else values
    low, high = _padded(float(shown.min()), float(shown.max()))
    synthetic = shown[: len(distribution.synthetic)]
    parts = [*_bars(synthetic, low, high), *_marks(shown[len(synthetic) :], low, high)]
    parts += _axis(low, high, logarithmic=distribution.logarithmic)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def ratio_svg(row: RatioRow, *, highest: float) -> str:
    """Returns a bar with the band, the cohort's 5 to 95 % and median, and the real cases' ends and median.

    Args:
        row: The ratio.
        highest: Ratio at the right end, one for all bars that are to be compared; see `highest_end`.
    """
    scale = RATIO_WIDTH / highest
    middle = RATIO_HEIGHT / 2
    parts = [
        _rect("band", row.band[0] * scale, 1, (row.band[1] - row.band[0]) * scale, RATIO_HEIGHT - 2),
        _rect("span", row.synthetic[0] * scale, middle - 2, (row.synthetic[2] - row.synthetic[0]) * scale, 4),
        _rect("median", row.synthetic[1] * scale - 1.5, 3, 3, RATIO_HEIGHT - 6),
    ]
    parts += [_dot(value * scale, middle, 2.6) for value in row.real or ()]
    return f'<svg class="ratio" viewBox="0 0 {RATIO_WIDTH} {RATIO_HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def highest_end(rows: Sequence[RatioRow]) -> float:
    """Returns the right end of bars that hold all of some rows."""
    ends = [float(end) for row in rows for end in (*row.band, *row.synthetic, *(row.real or ()))]
    return 1.04 * max(MINIMAL_SPAN, *ends)


def places_svg(places: Sequence[Place], *, vertical: int, letters: str) -> str:
    """Returns tumour centres inside the outline of the brain's box, the patient's right on the left.

    Args:
        places: Synthetic and real ones.
        vertical: Which share is drawn upwards: 1 from back to front (axial), 2 from bottom to top (coronal).
        letters: What lies at the left, right, top and bottom.
    """
    width, height = PLACE_SIZE
    inner = (width - 2 * PLACE_MARGIN, height - 2 * PLACE_MARGIN)
    parts = [
        f'<ellipse class="head" cx="{width / 2}" cy="{height / 2}" rx="{inner[0] / 2}" ry="{inner[1] / 2}"/>',
        f'<line class="faint" x1="{width / 2}" x2="{width / 2}" y1="{PLACE_MARGIN}" y2="{height - PLACE_MARGIN}"/>',
    ]
    for place in sorted(places, key=lambda one: one.is_real):
        x = PLACE_MARGIN + (1 - place.centre[0]) * inner[0]
        y = PLACE_MARGIN + (1 - place.centre[vertical]) * inner[1]
        parts.append(_dot(x, y, 4.5) if place.is_real else f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>')
    spots = ((9, height / 2), (width - 9, height / 2), (width / 2, 12), (width / 2, height - 6))
    for letter, (x, y) in zip(letters, spots, strict=True):
        parts.append(f'<text class="tick" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{letter}</text>')
    return f'<svg class="places" viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(parts)}</svg>'


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.06 * (high - low) if high > low else 0.5
    return low - margin, high + margin


def _place(value: float, low: float, high: float) -> float:
    return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def _bars(values: Values, low: float, high: float) -> list[str]:
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    tallest = max(int(counts.max()), 1)
    floor = HEIGHT - BOTTOM
    return [
        _rect(
            "bar",
            _place(float(start), low, high) + 0.5,
            floor - float(count) / tallest * (floor - TOP),
            (WIDTH - LEFT - RIGHT) / BINS - 1,
            float(count) / tallest * (floor - TOP),
        )
        for count, start in zip(counts, edges[:-1], strict=True)
        if count
    ]


def _marks(values: Values, low: float, high: float) -> list[str]:
    return [_dot(_place(float(value), low, high), HEIGHT - BOTTOM + 9, 4.0) for value in values]


def _axis(low: float, high: float, *, logarithmic: bool) -> list[str]:
    floor = HEIGHT - BOTTOM
    parts = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>']
    for value in _ticks(low, high, logarithmic=logarithmic):
        x = _place(float(np.log10(value)) if logarithmic else value, low, high)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{value:g}</text>')
    return parts


def _ticks(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Returns round numbers inside the axis, three to eight."""
    if logarithmic:
        candidates = [digit * 10.0**power for power in range(-3, 5) for digit in (1, 3)]
        return [value for value in candidates if low <= np.log10(value) <= high]
    decade = 10.0 ** np.floor(np.log10(high - low))
    step = next(decade * part for part in (0.2, 0.5, 1.0, 2.0) if (high - low) / (decade * part) <= MOST_TICKS)
    first = np.ceil(low / step) * step
    return [float(round(value, 6)) + 0.0 for value in np.arange(first, high, step)]


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle class="real" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"/>'
