"""Plots of the cohort's report as inline SVG: distributions beside the reference, ratios beside their bands."""

from typing import Final

import numpy as np

from gliosynth.metrics.fidelity.distributions import Values
from gliosynth.report.cohort.content import Distribution, RatioRow

WIDTH, HEIGHT = 340, 150
"""Size of a distribution in SVG units."""

LEFT, RIGHT, TOP, BOTTOM = 10, 10, 8, 42
"""Margins in SVG units."""

BINS: Final = 18
"""Bars of a histogram."""

MINIMAL_SPAN: Final = 1.2
"""A ratio's bar reaches at least to this ratio."""

RATIO_WIDTH, RATIO_HEIGHT = 220, 18
"""Size of a ratio's bar in SVG units."""


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


def ratio_svg(row: RatioRow) -> str:
    """Returns a bar with the band, the cohort's 5 to 95 % and median, and the real range.

    Args:
        row: The ratio.
    """
    ends = [*row.band, *row.synthetic, *(row.real or ())]
    high = 1.04 * max(MINIMAL_SPAN, *(float(end) for end in ends))
    middle = RATIO_HEIGHT / 2

    def place(value: float) -> float:
        return value / high * RATIO_WIDTH

    parts = [
        _rect("band", place(row.band[0]), 1, place(row.band[1]) - place(row.band[0]), RATIO_HEIGHT - 2),
        _rect("span", place(row.synthetic[0]), middle - 2, place(row.synthetic[2]) - place(row.synthetic[0]), 4),
        _rect("median", place(row.synthetic[1]) - 1.5, 3, 3, RATIO_HEIGHT - 6),
    ]
    if row.real is not None:
        parts += [f'<circle class="real" cx="{place(value):.1f}" cy="{middle:.1f}" r="2.6"/>' for value in row.real]
    return f'<svg class="ratio" viewBox="0 0 {RATIO_WIDTH} {RATIO_HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


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
    y = HEIGHT - BOTTOM + 9
    return [f'<circle class="real" cx="{_place(float(value), low, high):.1f}" cy="{y}" r="4"/>' for value in values]


def _axis(low: float, high: float, *, logarithmic: bool) -> list[str]:
    floor = HEIGHT - BOTTOM
    parts = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>']
    for value in _ticks(low, high, logarithmic=logarithmic):
        x = _place(float(np.log10(value)) if logarithmic else value, low, high)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{value:g}</text>')
    return parts


def _ticks(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Returns round numbers inside the axis, about five."""
    if logarithmic:
        candidates = [digit * 10.0**power for power in range(-3, 5) for digit in (1, 3)]
        return [value for value in candidates if low <= np.log10(value) <= high]
    step = 10.0 ** np.floor(np.log10(high - low))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if (high - low) / (step * part) <= 6)
    first = np.ceil(low / step) * step
    return [float(round(value, 6)) for value in np.arange(first, high, step)]


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"/>'
